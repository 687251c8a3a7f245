"""The verbs that make the training set: chips from a folder, and chips that are cut from labelled pairs."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import ChipError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, user_path
from tsmu.workspace.pairs import add_terrain_to_report, elevation_model
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas

    from tsmu.chips import PairChips
    from tsmu.imagery import TerrainOptions


@dataclass(repr=False)
class ChipReport(Report):
    """The report of a verb that makes chips.

    Attributes:
        chips: the new chips, one row each: id, region, files, bands, footprint, split.
    """

    chips: "geopandas.GeoDataFrame | None" = None


class ChipVerbs(WorkspaceBase):
    """Verbs of a workspace that make the training set."""

    def add_chips(
        self, folder: Path | str, *, region: str, groups: Path | str | None = None, strict: bool = False
    ) -> ChipReport:
        """Take a folder of image chips and masks, matched by file name; nothing is copied.

        Args:
            folder: holds `images/`, `masks/` and, for pairs, `pre/`.
            region: the region that all these chips lie in.
            groups: a CSV file with the columns `name` and `group`; chips of a group stay in one split together.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with the chips.

        Raises:
            ChipError: the folder has no usable chips, or their bands are not those of the other chips.

        Example:
            >>> report = work.add_chips("chips/oregon", region="oregon")
            >>> report.chips["split"].value_counts().sum()
            np.int64(10)
        """
        from tsmu.chips import (
            add_to_index,
            bands_of_other_sources,
            chips_from_folder,
            read_groups,
            read_index,
        )
        from tsmu.regions import check_region_name

        report, folder = self._begin(ChipReport("import chips")), user_path(folder)
        region = check_region_name(region)
        log = IssueLog(folder, strict=strict)
        with self.folder.lock("tsmu import chips"), report.progress("Reading chips") as show:
            earlier = read_index(self.folder)
            bands = bands_of_other_sources(earlier, folder)
            with report.collect_issues(log, self.folder.issues):
                report.chips = chips = chips_from_folder(
                    folder,
                    region,
                    log,
                    groups=read_groups(user_path(groups)) if groups else None,
                    bands=bands,
                    progress=lambda done, total: show(done, total, region),
                )
                _warn_of_other_regions(earlier, chips, region, log)
            index = add_to_index(self.folder, chips)
        report.records = len(chips)
        report.outputs["chips"] = str(self.folder.chips)
        _describe_folder(report, region, chips, index)
        return report

    def build_chips(
        self,
        *,
        size: int = 512,
        stride: int | None = None,
        negatives: float = 0.5,
        gap: float = 200.0,
        dem: Path | str | None = None,
        terrain: "str | Sequence[str] | None" = None,
        strict: bool = False,
    ) -> ChipReport:
        """Cut the labelled pairs into chips, read by window from the pairs, and split them without leaks.

        Pairs that are closer to each other than the gap go into the same split. If a split of a region would be empty
        then, the region's largest places are cut into blocks with a gap between them.

        Args:
            size: side of a chip, pixels.
            stride: pixels from one chip to the next; by default the size, with further training chips between them in a
                region that has few (fewer than 64).
            negatives: number of chips without landslides per chip with landslides.
            gap: smallest distance between chips of different splits, in metres.
            dem: a file or address of elevations in metres, any grid: gives the pairs terrain bands.
            terrain: which terrain bands, such as `["slope", "height_500m"]`; by default the slope.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with the chips.

        Raises:
            ChipError: no pair has a label and a region, the terrain bands are not those of other chips, or a number
                lies outside its range.

        Example:
            >>> report = work.build_chips(size=48)
            >>> report.records == len(report.chips)
            True
        """
        from tsmu.chips import ChipOptions, require_usable_pairs
        from tsmu.workspace.pair_cutting import cut_pairs

        check_range("size", size, ChipError, 32, whole=True)
        check_range("stride", stride, ChipError, 1, whole=True)
        check_range("negatives", negatives, ChipError, 0, 1000)
        check_range("gap", gap, ChipError)
        report, folder = self._begin(ChipReport("chips build")), self.folder
        pairs = _labelled_pairs(folder)
        usable = require_usable_pairs(pairs, folder.pairs, folder.regions)
        elevations = elevation_model(dem, terrain)
        log = IssueLog(folder.pairs, part="chips", strict=strict)
        cutting = ChipOptions(size, stride, negatives, gap)
        with folder.lock("tsmu chips build"):
            made, index = cut_pairs(folder, usable, cutting, elevations, report, log)
        report.chips, report.records = made.chips, len(made.chips)
        report.outputs["chips"] = str(folder.chips)
        if len(made.blocks):
            report.outputs["blocks"] = str(folder.blocks)
        from_pairs = index[index["source"] == str(folder.pairs)]
        _describe_build(report, made, from_pairs, pairs, elevations, gap)
        _report_pairs_left_out(report, folder, pairs)
        groups = counted(report.details["groups"], "spatial group")
        first_region = min(from_pairs["region"])
        report.say(f"{counted(report.records, 'chip')} in {groups}; next: tsmu update {first_region}")
        return report


def _warn_of_other_regions(
    earlier: "geopandas.GeoDataFrame", chips: "geopandas.GeoDataFrame", region: str, log: IssueLog
) -> None:
    """Log a warning for chips of the same folder that belonged to another region before this import."""
    same_source = earlier[earlier["source"].isin(set(chips["source"])) & (earlier["region"] != region)]
    for other, count in same_source["region"].value_counts().items():
        log.warning(
            log.source,
            f"its {counted(count, 'chip was of', 'chips were of')} the region {other}",
            f"now those of {region}",
        )


def _series_without_landslides(chips: "geopandas.GeoDataFrame") -> Counter[str]:
    """Count the chips of each series of chip names that has no landslides and was therefore split separately."""
    from tsmu.chips import landslide_free_series, series_name

    names = [name.split("/", 1)[1] for name in chips["id"]]
    apart = landslide_free_series(names, list(chips["landslide_pixels"] > 0))
    return Counter(series_name(name) for name, is_apart in zip(names, apart, strict=True) if is_apart)


def _describe_folder(
    report: Report, region: str, chips: "geopandas.GeoDataFrame", index: "geopandas.GeoDataFrame"
) -> None:
    """Put the figures of a folder's chips into the report, and say how the region's chips are split.

    Args:
        report: the report to be filled.
        region: the region that all chips of the folder lie in.
        chips: the chips of the folder.
        index: all chips of the workspace.
    """
    from tsmu.chips import shared_bands

    without_landslides = _series_without_landslides(chips)
    for series, count in without_landslides.items():
        report.say(f"{series}*: {counted(count, 'chip')} without landslides, split by themselves")
    report.details = {
        "region": region,
        "split": _report_splits(report, region, index),
        "series_apart": dict(without_landslides),
        "bands": list(shared_bands(chips)),
    }
    report.say(f"{counted(len(chips), 'chip')} of {region} imported; next: tsmu update {region}")


def _labelled_pairs(folder: WorkspaceFolder) -> "geopandas.GeoDataFrame":
    """Read the workspace's pairs with their masks, and whether each mask was made from reviewed landslides."""
    from tsmu.imagery import require_pairs, update_event_ids
    from tsmu.labels import is_review_mask, require_labels, with_masks

    pairs = with_masks(update_event_ids(folder, require_pairs(folder)), require_labels(folder))
    reviewed = [isinstance(mask, str) and is_review_mask(folder, Path(mask)) for mask in pairs["mask"]]
    return pairs.assign(reviewed=reviewed)


def _describe_build(
    report: Report,
    made: "PairChips",
    from_pairs: "geopandas.GeoDataFrame",
    pairs: "geopandas.GeoDataFrame",
    elevations: "TerrainOptions | None",
    gap: float,
) -> None:
    """Put the figures of a build into the report, and say how its chips are split.

    Args:
        report: the report to be filled.
        made: the chips that were cut by this build.
        from_pairs: the rows of the index that come from pairs, with their final splits.
        pairs: all pairs of the workspace, with their masks.
        elevations: the elevation model of the terrain bands; None if this build made none.
        gap: smallest distance between chips of different splits, in metres.
    """
    from tsmu.chips import shared_bands

    unlabelled, without_region = pairs["mask"].isna(), pairs["region"].isna()
    report.details = {
        "bands": list(shared_bands(made.chips)),
        "pairs": int((~unlabelled & ~without_region).sum()),
        "unlabelled_pairs": int(unlabelled.sum()),
        "pairs_without_region": int(without_region.sum()),
        "groups": int(from_pairs["group"].nunique()),
        "with_landslides": int((from_pairs["landslide_pixels"] > 0).sum()),
        "cut": list(made.divided),
    }
    if elevations:
        add_terrain_to_report(report, elevations)
    _report_blocks(report, made, gap)
    report.details["regions"] = {
        region: _report_splits(report, region, from_pairs, _remedy(made.undivided.get(region, [])))
        for region in sorted(set(from_pairs["region"]))
    }
    report.details["overlapping"] = made.overlapping
    for region, count in made.overlapping.items():
        chips = counted(count, "train chip lies", "train chips lie")
        report.say(f"{region}: {chips} between others and overlap them, as there are few; --stride leaves them out")


def _report_pairs_left_out(report: Report, folder: WorkspaceFolder, pairs: "geopandas.GeoDataFrame") -> None:
    """Report how many pairs gave no chips because they lack a label or a region, and how to give them one."""
    from tsmu.chips import advise_on_regions

    unlabelled = pairs["mask"].isna()
    without_region = pairs["region"].isna() & ~unlabelled
    if (unlabelled | without_region).any():
        report.say(
            f"no chips from {counted(unlabelled.sum(), 'pair')} without a label (tsmu import labels) and "
            f"{without_region.sum()} without a region"
        )
    if without_region.any():
        report.say(advise_on_regions(pairs[without_region], folder.regions))


def _report_splits(
    report: Report, region: str, chips: "geopandas.GeoDataFrame", remedy: str = "add chips from other places"
) -> dict[str, int]:
    """Report how many chips a region has in each split; warn of an empty split, and say what to do about it.

    Returns:
        The number of chips in each split, and in the gaps between splits.
    """
    from tsmu.chips import GAP, SPLITS, select_chips

    counts = {split: len(select_chips(chips, region, split)) for split in (*SPLITS, GAP)}
    between = f", {counts[GAP]} between the sides and on none" if counts[GAP] else ""
    report.say(f"{region}: {', '.join(f'{counts[split]} {split}' for split in SPLITS)}{between}")
    for split, effect in (
        ("val", "its threshold will be chosen on the training chips"),
        ("test", "nothing will tell how well it is learned"),
    ):
        if not counts[split]:
            report.say(f"warning: {region} has no {split} chips, so {effect}; {remedy}")
    return counts


def _remedy(reasons: list[str]) -> str:
    """Write why a split is empty, and what to do about it."""
    why = "; ".join(reasons) or "it has too few landslides"
    return f"{why}: add scenes of other places, or, if the ground is too small, try a smaller --gap or --size"


def _report_blocks(report: Report, made: "PairChips", gap: float) -> None:
    """Report which ground is cut into blocks, by this build or an earlier one, and the order of their splits."""
    from tsmu.chips import blocks_of_ground

    used = set(made.chips["group"])
    for ground in sorted(set(made.blocks["ground"])):
        blocks = sorted(blocks_of_ground(made.blocks, ground), key=lambda block: block.low)
        if used & {block.group for block in blocks}:
            first, last = ("west", "east") if blocks[0].axis == "longitude" else ("south", "north")
            order = ", ".join(block.split for block in blocks)
            when = (
                "too few places for three sides, so the ground of" if ground in made.divided else "as before, that of"
            )
            report.say(f"{when} {ground} is cut from {first} to {last} into {order}, {gap:g} m apart")
