"""The scores of TorchGeo, GeoAI, tsmu and a change threshold as one Markdown table."""

from typing import Any

from tsmu.benchmark import mean_and_error, nan_if_null

Cell = dict[str, Any]

NAMES = {"tsmu": "tsmu, separate", "torchgeo": "TorchGeo", "geoai": "GeoAI"}


def peers_table(results: dict[str, Any]) -> str:
    """Write the results as Markdown, with one row per contestant; figures are mean +- standard error over seeds.

    A training that keeps two states of its network, the last one and the best by validation, has two rows; a star
    marks the one with which the contestant's documentation maps.

    Args:
        results: the content of `peers.json`.
    """
    cells, changes, settings = results["cells"], results["change"], results["settings"]
    regions = [name for name in settings["regions"] if any(cell["region"] == name for cell in cells)]
    pairs = list(dict.fromkeys(change["pair"] for change in changes))
    columns = [*regions, "mean IoU", "mean IoU at 50 %", *pairs, "CPU seconds per region", "peak memory, MB"]
    lines = [
        f"IoU of regions learned alone, {settings['steps']} steps of {settings['batch_size']} chips, "
        f"{settings['encoder']} ({settings['weights']}); threshold from validation; of pairs, IoU on the eastern part:",
        "",
        f"| contestant | network kept | seeds | {' | '.join(columns)} |",
        "|---" * (3 + len(columns)) + "|",
    ]
    for contestant in dict.fromkeys(cell["contestant"] for cell in cells):
        own = [cell for cell in cells if cell["contestant"] == contestant]
        lines += [
            _row(contestant, kept, [cell for cell in own if kept in cell["scores"]], regions, len(pairs))
            for kept in dict.fromkeys(kept for cell in own for kept in cell["scores"])
        ]
    for name in dict.fromkeys(change["contestant"] for change in changes):
        by_pair = {change["pair"]: change for change in changes if change["contestant"] == name}
        ious = [f"{nan_if_null(by_pair[pair]['iou']):.3f}" if pair in by_pair else "-" for pair in pairs]
        seconds = sum(change["cpu_seconds"] for change in by_pair.values())
        row = [name, "-", "-", *["-"] * (len(regions) + 2), *ious, f"{seconds:.1f}", "-"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join([*lines, ""])


def _row(contestant: str, kept: str, cells: list[Cell], regions: list[str], pairs: int) -> str:
    """The row of the table for one contestant and one state of its network."""
    seeds = sorted({cell["seed"] for cell in cells})

    def of_region(region: str, name: str) -> list[float]:
        return [nan_if_null(cell["scores"][kept][name]) for cell in cells if cell["region"] == region]

    def mean_of_regions(name: str) -> list[float]:
        """The mean over all regions, for each seed with which every region was learned."""
        by_seed = [[c for c in cells if c["seed"] == seed] for seed in seeds]
        return [
            sum(nan_if_null(c["scores"][kept][name]) for c in own) / len(own) for own in by_seed
            if {c["region"] for c in own} == set(regions)
        ]  # fmt: skip

    row = [
        NAMES[contestant],
        kept + (" *" if kept == cells[0]["documented"] else ""),
        str(len(seeds)),
        *(_format(of_region(region, "iou"), 3) for region in regions),
        *(_format(mean_of_regions(name), 3) for name in ("iou", "iou_at_half")),
        *["-"] * pairs,
        _format([sum(cell["cpu_seconds"] for cell in cells) / len(cells)], 0),
        f"{max(cell['peak_rss_mb'] for cell in cells):.0f}",
    ]
    return f"| {' | '.join(row)} |"


def _format(values: list[float], digits: int) -> str:
    if not values:
        return "-"
    mean, error = mean_and_error(values)
    return f"{mean:.{digits}f}" if error != error else f"{mean:.{digits}f} +- {error:.{digits}f}"
