"""The model card of a bundle: what it was trained on and how it scores, for people."""

from tsmu.model.bundles.record import BundleRecord, RegionRecord

CARD_METRICS = ("iou", "dice", "precision", "recall", "average_precision", "calibration_error")


def model_card(record: BundleRecord) -> str:
    """The model card as Markdown text."""
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
    note = "" if region.kept_step is None else f" ({region.kept_step})"
    note += " chosen by validation" if region.rounds > 1 else ""
    temperature = "-" if region.temperature is None else f"{region.temperature:.2f}"
    return (
        f"| {name} | {region.decoder} | {chips} | {share} | {size} | {region.strategy} "
        f"| {region.steps} x {region.batch_size}{note} | {temperature} | {region.seed} "
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


def _numbers(values: list[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
