"""Windows between the training windows of a region that has few of them.

One labelled scene gives a dozen training chips, and how well a model learns from so few depends on the seed. It learns
more reliably from windows that overlap, as measured on the real pair of docs/benchmark.md. No windows are added for
validation and test, so that no ground counts several times in scores. None are added to reviewed pairs: a chip lies
around each decision already, and where decisions counted several times, a turn of the review loop made its region
worse (IoU 0.667 to 0.642, seed 0 of `python -m benchmarks loop`), while it improves the region otherwise.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas

from tsmu.chips.building.pair_splits import Row
from tsmu.chips.building.windows import ChipOptions, pair_windows, sample_windows
from tsmu.chips.splits.blocks import Block

FEW_CHIPS = 64  # a region with fewer training chips gets further ones between them
STRIDES = (2, 4)  # a chip's side is divided by 2 for the stride of further ones, or by 4 where that gives too few


def overlapping_windows(
    rows: Sequence[Row], pairs: geopandas.GeoDataFrame, options: ChipOptions, divided: Mapping[str, Sequence[Block]]
) -> list[Row]:
    """Lay windows half or a quarter of a side apart over the training ground of regions with few training windows.

    Args:
        rows: all windows of the pairs, with their groups and splits.
        pairs: as `chips_from_pairs` takes them.
        options: how pairs become chips; where a stride is given, nothing is added.
        divided: the blocks of pairs on divided ground, by id.

    Returns:
        The further windows of pairs that were not reviewed decision by decision, in the groups of those around them,
        all for training; of those without landslides as many as `options` says.
    """
    if options.stride is not None:
        return []
    training = [row for row in rows if row["split"] == "train"]
    few = {region: count for region, count in Counter(row["region"] for row in training).items() if count < FEW_CHIPS}
    present = {row["id"] for row in rows}
    group_of = {_ground(row): row["group"] for row in training}
    added: list[Row] = []
    for region, count in few.items():
        for divisor in STRIDES:
            denser = replace(options, stride=options.size // divisor)
            between = [
                row | {"group": group_of[_ground(row)], "split": "train"}
                for pair in pairs[(pairs["region"] == region) & ~pairs["reviewed"].astype(bool)].to_dict("records")
                for row in pair_windows(pair, denser, divided.get(pair["id"]))
                if _ground(row) in group_of and row["id"] not in present
            ]
            between = sample_windows(between, options)
            if count + len(between) >= FEW_CHIPS:
                break
        added += between
    return added


def _ground(row: Row) -> tuple[str, str | None]:
    """The pair that a window lies in, and the group of its block where the pair's ground is divided."""
    return row["pair"], row["block"].group if row["block"] else None
