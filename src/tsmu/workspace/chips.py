"""The verbs that make the training set: chips from a folder, and chips cut out of labelled pairs."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import ChipError
from tsmu.issues import IssueLog
from tsmu.workspace.base import WorkspaceBase, user_path
from tsmu.workspace.pairs import add_terrain_to_report, elevation_model, how_to_name_a_region
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas

    from tsmu.chips.pair_chips import PairChips
    from tsmu.chips.windows import Cutting
    from tsmu.imagery.pair_terrain import Elevations


@dataclass(repr=False)
class ChipReport(Report):
    """What a verb that makes chips did.

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
            strict: treat warnings as errors.

        Returns:
            The report, with the chips.

        Raises:
            ChipError: the folder has no usable chips, or their bands are not those of the other chips.

        Example:
            >>> report = work.add_chips("chips/oregon", region="oregon")
            >>> report.chips["split"].value_counts().sum()
            np.int64(10)
        """
        from tsmu.chips.folder import chips_from_folder, read_groups
        from tsmu.chips.index import add_to_index, bands_beside, bands_of, read_index
        from tsmu.regions import check_region_name

        report, folder = self._begin(ChipReport("import chips")), user_path(folder)
        region = check_region_name(region)
        log = IssueLog(folder, strict=strict)
        with self.folder.lock("tsmu import chips"), report.progress("Reading chips") as show:
            bands = bands_beside(read_index(self.folder), folder)
            with report.collect_issues(log, self.folder.issues):
                report.chips = chips = chips_from_folder(
                    folder,
                    region,
                    log,
                    groups=read_groups(user_path(groups)) if groups else None,
                    bands=bands,
                    progress=lambda done, total: show(done, total, region),
                )
            index = add_to_index(self.folder, chips)
        report.records = len(chips)
        report.outputs["chips"] = str(self.folder.chips)
        without_landslides = _series_without_landslides(chips)
        for series, count in without_landslides.items():
            report.say(f"{series}*: {count} chips without landslides, split by themselves")
        report.details = {
            "region": region,
            "split": _report_splits(report, region, index),
            "series_apart": dict(without_landslides),
            "bands": list(bands_of(chips)),
        }
        report.say(f"{len(chips)} chips of {region} taken; next: tsmu update {region}")
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

        Pairs nearer than the gap go to one split together. Where that leaves a split of a region empty, its largest
        places are cut into blocks with a gap between them.

        Args:
            size: side of a chip, pixels.
            stride: pixels from one chip to the next; by default the size.
            negatives: how many chips without landslides are taken per chip with one.
            gap: chips of different splits are at least so far apart, metres.
            dem: a file or address of elevations in metres, any grid: gives the pairs terrain bands.
            terrain: which terrain bands, such as `["slope", "height_500m"]`; by default the slope.
            strict: treat warnings as errors.

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
        from tsmu.chips.windows import Cutting

        check_range("size", size, ChipError, 32)
        check_range("stride", stride, ChipError, 1)
        check_range("negatives", negatives, ChipError, 0, 1000)
        check_range("gap", gap, ChipError)
        report, folder = self._begin(ChipReport("chips build")), self.folder
        pairs = _labelled_pairs(folder)
        usable = pairs[pairs["mask"].notna() & pairs["region"].notna()]
        if usable.empty:
            raise ChipError(_why_no_pair_is_usable(folder, pairs))
        elevations = elevation_model(dem, terrain)
        log = IssueLog(folder.pairs, part="chips", strict=strict)
        cutting = Cutting(size, stride or size, negatives, gap)
        with folder.lock("tsmu chips build"):
            made, index = self._cut_pairs(report, usable, cutting, elevations, log)
        report.chips, report.records = made.chips, len(made.chips)
        report.outputs["chips"] = str(folder.chips)
        if len(made.blocks):
            report.outputs["blocks"] = str(folder.blocks)
        from_pairs = index[index["source"] == str(folder.pairs)]
        _describe_build(report, made, from_pairs, pairs, elevations, gap)
        _report_pairs_left_out(report, folder, pairs)
        first_region = min(from_pairs["region"])
        report.say(
            f"{report.records} chips in {report.details['groups']} spatial groups; next: tsmu update {first_region}"
        )
        return report

    def _cut_pairs(
        self,
        report: ChipReport,
        pairs: "geopandas.GeoDataFrame",
        cutting: "Cutting",
        elevations: "Elevations | None",
        log: IssueLog,
    ) -> "tuple[PairChips, geopandas.GeoDataFrame]":
        """Cut pairs into chips and store them; gives them, and the whole index. The caller holds the lock.

        Chips keep the split that their ground had before, so that no model is tested on what it has learned from.
        """
        from tsmu.chips.blocks import block_groups, read_blocks, write_blocks
        from tsmu.chips.index import add_to_index, bands_beside, only_trained, read_index
        from tsmu.chips.pair_chips import chips_from_pairs
        from tsmu.chips.sides import forget, read_sides, sides_of_pairs
        from tsmu.imagery.pair_import import remember_terrain
        from tsmu.imagery.pair_terrain import with_terrain
        from tsmu.model.bundle import is_learned

        folder, source = self.folder, str(self.folder.pairs)
        with report.progress("Cutting pairs") as show:
            earlier, blocks = read_index(folder), read_blocks(folder)
            free = {name for name in only_trained(earlier, folder.pairs) if not is_learned(folder.models, name)}
            other_bands = bands_beside(earlier, folder.pairs)
            if elevations:
                _check_terrain(folder, other_bands, elevations)
            splits = forget(read_sides(folder, earlier), free, source)
            with report.collect_issues(log, folder.issues):
                images = with_terrain(pairs, elevations, folder.pair_files, log) if elevations else pairs
                made = chips_from_pairs(
                    images,
                    cutting,
                    source,
                    log,
                    bands=other_bands,
                    bands_before=_bands_before(earlier, folder.pairs, elevations),
                    blocks=blocks,
                    sided=sides_of_pairs(pairs, splits, source, block_groups(blocks)),
                    progress=show,
                )
            if elevations:
                remember_terrain(folder, images)
            write_blocks(folder, made.blocks)
            index = add_to_index(folder, made.chips, gap_m=cutting.gap_m, blocks=block_groups(made.blocks), free=free)
        return made, index


def _series_without_landslides(chips: "geopandas.GeoDataFrame") -> Counter[str]:
    """The series of chip names that were split by themselves, because they hold no landslides: chips by series."""
    from tsmu.chips.splits import series_apart, series_of

    names = [name.split("/", 1)[1] for name in chips["id"]]
    apart = series_apart(names, list(chips["landslide_pixels"] > 0))
    return Counter(series_of(name) for name, is_apart in zip(names, apart, strict=True) if is_apart)


def _labelled_pairs(folder: WorkspaceFolder) -> "geopandas.GeoDataFrame":
    """The workspace's pairs with their masks, and whether each mask comes from reviewed landslides."""
    from tsmu.imagery.pair_import import with_events
    from tsmu.imagery.pair_store import require_pairs
    from tsmu.labels.reviewed import is_reviewed
    from tsmu.labels.store import require_labels, with_masks

    pairs = with_masks(with_events(folder, require_pairs(folder)), require_labels(folder))
    reviewed = [isinstance(mask, str) and is_reviewed(folder, Path(mask)) for mask in pairs["mask"]]
    return pairs.assign(reviewed=reviewed)


def _why_no_pair_is_usable(folder: WorkspaceFolder, pairs: "geopandas.GeoDataFrame") -> str:
    """Why no pair can give chips, and what gives them what they lack."""
    labelled = pairs[pairs["mask"].notna()]
    if labelled.empty:
        return f"{folder.pairs}: none of its {len(pairs)} pairs has a label; label them with: tsmu import labels DIR"
    return f"{folder.pairs}: none of its {len(labelled)} labelled pairs has a region; " + _how_pairs_get_a_region(
        folder, labelled
    )


def _how_pairs_get_a_region(folder: WorkspaceFolder, pairs: "geopandas.GeoDataFrame") -> str:
    """How pairs without a region get one."""
    from tsmu.imagery.pair_regions import assign_pairs
    from tsmu.regions import RegionMap

    if folder.regions.exists() and assign_pairs(pairs, RegionMap.load(folder.regions))["region"].notna().any():
        return "they lie in regions of the region map; take them over with: tsmu regions assign"
    return how_to_name_a_region(pairs["source"].iloc[0], region_map=folder.regions.exists())


def _check_terrain(folder: WorkspaceFolder, other_bands: "Sequence[str] | None", elevations: "Elevations") -> None:
    """Refuse terrain bands, before any is derived, that chips of other sources or the current model do not have.

    Args:
        folder: the workspace whose current model counts.
        other_bands: the band list of its chips of other sources; None without.
        elevations: what is asked for.

    Raises:
        ChipError: they have other terrain bands, or none.
    """
    from tsmu.imagery.terrain import terrain_bands
    from tsmu.model.serving import current_bundle

    bundle = current_bundle(folder.models)
    known = {"the workspace's chips of other sources have": other_bands}
    if bundle is not None:
        known[f"the model {bundle.name} has"] = bundle.record.bands
    for whose, bands in known.items():
        if bands is None or terrain_bands(bands) == tuple(elevations.bands):
            continue
        existing = ",".join(terrain_bands(bands))
        remedy = f"give --terrain {existing}" if existing else "leave out --dem"
        raise ChipError(
            f"{elevations.dem}: would give the terrain bands {','.join(elevations.bands)}, {whose} "
            f"{existing or 'none'}; {remedy}, or use another workspace (tsmu init DIR)"
        )


def _bands_before(
    chips: "geopandas.GeoDataFrame", source: Path, elevations: "Elevations | None"
) -> tuple[str, ...] | None:
    """The one band list that a source's chips had, with the terrain that is asked for now; None without."""
    from tsmu.imagery.terrain import ROLE, terrain_bands

    lists = {tuple(bands) for bands in chips[chips["source"] == str(source)]["bands"]}
    if len(lists) != 1:
        return None
    (before,) = lists
    if elevations is None:
        return before
    images = before[: len(before) - len(terrain_bands(before))]
    return (*images, *(f"{ROLE}:{band}" for band in elevations.bands))


def _describe_build(
    report: Report,
    made: "PairChips",
    from_pairs: "geopandas.GeoDataFrame",
    pairs: "geopandas.GeoDataFrame",
    elevations: "Elevations | None",
    gap: float,
) -> None:
    """Put the figures of a build into the report, and say how its chips are split.

    Args:
        report: to be filled.
        made: the chips that were cut now.
        from_pairs: the rows of the index that come from pairs, with their final splits.
        pairs: all pairs of the workspace, with their masks.
        elevations: what the terrain bands were made of, if there are any.
        gap: metres between chips of different splits.
    """
    from tsmu.chips.index import bands_of

    unlabelled, without_region = pairs["mask"].isna(), pairs["region"].isna()
    report.details = {
        "bands": list(bands_of(made.chips)),
        "pairs": int((~unlabelled & ~without_region).sum()),
        "unlabelled_pairs": int(unlabelled.sum()),
        "pairs_without_region": int(without_region.sum()),
        "groups": int(from_pairs["group"].nunique()),
        "with_landslides": int((from_pairs["landslide_pixels"] > 0).sum()),
        "cut": list(made.cut),
    }
    if elevations:
        add_terrain_to_report(report, elevations)
    _report_blocks(report, made, gap)
    report.details["regions"] = {
        region: _report_splits(report, region, from_pairs, _remedy(made.uncut.get(region, [])))
        for region in sorted(set(from_pairs["region"]))
    }


def _report_pairs_left_out(report: Report, folder: WorkspaceFolder, pairs: "geopandas.GeoDataFrame") -> None:
    """Say how many pairs gave no chips because they lack a label or a region, and how they get one."""
    unlabelled = pairs["mask"].isna()
    without_region = pairs["region"].isna() & ~unlabelled
    if (unlabelled | without_region).any():
        report.say(
            f"no chips from {unlabelled.sum()} pairs without a label (tsmu import labels) and "
            f"{without_region.sum()} without a region"
        )
    if without_region.any():
        report.say(_how_pairs_get_a_region(folder, pairs[without_region]))


def _report_splits(
    report: Report, region: str, chips: "geopandas.GeoDataFrame", remedy: str = "add chips from other places"
) -> dict[str, int]:
    """Say how a region's chips are split, and what follows and what to do where a split has none."""
    from tsmu.chips.index import select
    from tsmu.chips.splits import GAP, SPLITS

    counts = {split: len(select(chips, region, split)) for split in (*SPLITS, GAP)}
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
    """What to do where a split is empty, after the reasons why."""
    why = "; ".join(reasons) or "it has too few landslides"
    return f"{why}: add scenes of other places, or, if the ground is too small, try a smaller --gap or --size"


def _report_blocks(report: Report, made: "PairChips", gap: float) -> None:
    """Say which ground is cut into blocks: now, or before."""
    from tsmu.chips.blocks import blocks_of

    used = set(made.chips["group"])
    for ground in sorted(set(made.blocks["ground"])):
        blocks = sorted(blocks_of(made.blocks, ground), key=lambda block: block.low)
        if used & {block.group for block in blocks}:
            first, last = ("west", "east") if blocks[0].axis == "longitude" else ("south", "north")
            order = ", ".join(block.split for block in blocks)
            when = "too few places for three sides, so the ground of" if ground in made.cut else "as before, that of"
            report.say(f"{when} {ground} is cut from {first} to {last} into {order}, {gap:g} m apart")
