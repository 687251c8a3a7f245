"""The model card of a bundle: what it was trained on, how the training went and how it scores, for people."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from tsmu.model.bundles.curves import IOU, LOSS, summarise_curves
from tsmu.model.bundles.record import BundleRecord, RegionRecord

if TYPE_CHECKING:
    import pandas as pd

CARD_METRICS = ("iou", "dice", "precision", "recall", "average_precision", "calibration_error")
FIRST_BATCH, WORST_CHIPS = "first_batch.png", "worst_chips.png"
PICTURES = {  # that a version may have beside its card
    FIRST_BATCH: "The first batch of the training, as the network saw it: augmented, landslides outlined in "
    "yellow, unknown pixels dark. With images from before and after the event, that from before is on the left.",
    WORST_CHIPS: "The validation chips with the lowest IoU: image, label, and prediction at the region's "
    "threshold (green: found, orange: missed, violet: false alarm).",
}


def model_card(record: BundleRecord, curves: "pd.DataFrame | None" = None, pictures: Collection[str] = ()) -> str:
    """The model card as Markdown text.

    Args:
        record: of the version.
        curves: of the training that made it (`training_curves`); None where they are not known.
        pictures: names of those of `PICTURES` that lie beside the card.

    Example:
        >>> print(model_card(record).splitlines()[0])
        # Landslide model v001
    """
    newest = record.newest_region
    region = record.regions[newest]
    lines = [
        f"# Landslide model v{record.version:03d}",
        "",
        f"Learned **{newest}** with the strategy `{region.strategy}`"
        + (f" on top of v{record.parent:03d}." if record.parent else ", its first region."),
        "",
        f"- Created: {record.created}, {', '.join(f'{name} {version}' for name, version in record.software.items())}",
        f"- Network: U-Net, encoder {record.encoder} (started from: {describe_weights(record)}), one decoder each for "
        f"{', '.join(record.decoders)}",
        f"- Bands: {', '.join(record.bands)}",
        f"- Band means: {_numbers(record.mean)}; deviations: {_numbers(record.std)}",
        "",
        "## What each region was learned from",
        "",
        "| region | decoder | chips train / val / test | landslide pixels | pixel size, m "
        "| strategy | steps x batch (kept) | temperature | seed | time | version |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(_training_row(name, entry) for name, entry in record.regions.items()),
        "",
        "## Scores right after learning",
        "",
        "Pooled over the pixels of all chips of a split; threshold and temperature were chosen on validation alone.",
        "`tsmu evaluate` shows how old regions score now.",
        "",
        "| region | split | threshold | IoU | Dice | precision | recall | average precision | calibration error |",
        "|---|---|---|---|---|---|---|---|---|",
        *(line for name, entry in record.regions.items() for line in _score_rows(name, entry)),
        "",
        *(_curve_lines(region, curves) if curves is not None and len(curves) else []),
        *(line for name in PICTURES if name in pictures for line in (f"![{PICTURES[name]}]({name})", "")),
    ]
    return "\n".join(lines)


def describe_weights(record: BundleRecord) -> str:
    """Say for people which weights the encoder started from.

    Example:
        >>> describe_weights(record)
        'random weights'
    """
    return "random weights" if record.weights == "none" else record.weights_source or record.weights


def _training_row(name: str, region: RegionRecord) -> str:
    """The table row that says what a region was learned from, and how."""
    chips = " / ".join(str(region.chips.get(split, 0)) for split in ("train", "val", "test"))
    share = "-" if region.landslide_share is None else f"{100 * region.landslide_share:.2f} %"
    size = (
        "unknown" if region.pixel_size is None else " to ".join(f"{side:.3g}" for side in sorted({*region.pixel_size}))
    )
    chips += f" ({region.reviewed} reviewed)" if region.reviewed else ""
    parts = "" if region.accumulate == 1 else f" in {region.accumulate} parts"
    note = "" if region.kept_step is None else f" ({region.kept_step})"
    note += " chosen by validation" if region.rounds > 1 else ""
    temperature = "-" if region.temperature is None else f"{region.temperature:.2f}"
    return (
        f"| {name} | {region.decoder} | {chips} | {share} | {size} | {region.strategy} "
        f"| {region.steps} x {region.batch_size}{parts}{note} | {temperature} | {region.seed} "
        f"| {region.seconds:.0f} s on {region.device} | v{region.learned_in:03d} |"
    )


def _score_rows(name: str, region: RegionRecord) -> list[str]:
    """The table rows of a region's scores, one for each split."""
    return [
        f"| {name} | {split} | {region.threshold} % | "
        + " | ".join("-" if scores.get(metric) is None else f"{scores[metric]:.3f}" for metric in CARD_METRICS)
        + " |"
        for split, scores in region.scores.items()
    ]


def _curve_lines(region: RegionRecord, curves: "pd.DataFrame") -> list[str]:
    """The section on how the training went: losses and scores on validation chips as a short table."""
    table = summarise_curves(curves)
    heads = [name.replace(LOSS, "loss, ").replace(IOU, "IoU, ") for name in table.columns]
    lines = [
        "## How the training went",
        "",
        "Mean losses of the steps since the row above, and IoU at 50 % on up to 32 validation chips of each region; "
        "`training.csv` has every step.",
        "",
        f"| step | {' | '.join(heads)} |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for step, row in table.iterrows():
        kept = " (kept)" if step == region.kept_step else ""
        cells = ["-" if value != value else value if isinstance(value, str) else f"{value:.3f}" for value in row]
        lines.append(f"| {step}{kept} | {' | '.join(cells)} |")
    return [*lines, ""]


def _numbers(values: list[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
