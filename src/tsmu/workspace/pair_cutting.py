"""Cut labelled pairs into chips that fit the workspace's earlier chips (bands, splits) and its model."""

from dataclasses import dataclass

import geopandas

from tsmu.chips import (
    ChipOptions,
    PairChips,
    add_to_index,
    bands_of_other_sources,
    bands_to_keep,
    block_groups,
    check_terrain_bands,
    chips_from_pairs,
    drop_from_history,
    earlier_splits_of_pairs,
    read_blocks,
    read_index,
    read_split_history,
    regions_without_evaluation,
    write_blocks,
)
from tsmu.imagery import TerrainOptions, add_terrain, store_terrain
from tsmu.issues import IssueLog
from tsmu.model import current_bundle, is_learned
from tsmu.workspace.report import Report
from tsmu.workspace_folder import WorkspaceFolder


@dataclass(frozen=True)
class EarlierChips:
    """What the workspace has before pairs are cut; new chips must fit it.

    Attributes:
        index: the chips index.
        blocks: the table of the blocks into which ground is divided.
        unlearned_regions: regions of pairs that have neither validation nor test chips and that no model has learned;
            their ground may get other splits than before.
        splits: all splits in which chips have been, without those of the unlearned regions.
        other_bands: the bands of the chips of other sources; None if there are no such chips.
    """

    index: geopandas.GeoDataFrame
    blocks: geopandas.GeoDataFrame
    unlearned_regions: set[str]
    splits: geopandas.GeoDataFrame
    other_bands: tuple[str, ...] | None

    @classmethod
    def read(cls, folder: WorkspaceFolder) -> "EarlierChips":
        """Read the earlier chips of a workspace."""
        index = read_index(folder)
        without_evaluation = regions_without_evaluation(index, folder.pairs)
        unlearned = {name for name in without_evaluation if not is_learned(folder.models, name)}
        history = read_split_history(folder, index)
        return cls(
            index,
            read_blocks(folder),
            unlearned,
            drop_from_history(history, unlearned, str(folder.pairs)),
            bands_of_other_sources(index, folder.pairs),
        )


def cut_pairs(
    folder: WorkspaceFolder,
    pairs: geopandas.GeoDataFrame,
    options: ChipOptions,
    elevations: TerrainOptions | None,
    report: Report,
    log: IssueLog,
) -> tuple[PairChips, geopandas.GeoDataFrame]:
    """Cut pairs into chips and store them. The caller holds the workspace's lock.

    Chips keep the split that their ground had before, so that no model is tested on what it has learned from.

    Args:
        folder: the workspace.
        pairs: the pairs with their masks and regions.
        options: size, stride, gap and share of negatives.
        elevations: the elevation model from which the pairs get terrain bands; None leaves them as they are.
        report: the report, which shows progress and gets the issues.
        log: the log to which issues of the pairs are added.

    Returns:
        The chips that were cut, and the whole index with them.

    Raises:
        ChipError: no pair can be cut, or its bands are not those of the other chips.
    """
    with report.progress("Cutting pairs") as show:
        earlier, source = EarlierChips.read(folder), str(folder.pairs)
        if elevations:
            _check_terrain(folder, elevations, earlier)
        with report.collect_issues(log, folder.issues):
            images = add_terrain(pairs, elevations, folder.pair_files, log) if elevations else pairs
            made = chips_from_pairs(
                images,
                options,
                source,
                log,
                bands=earlier.other_bands,
                preferred_bands=bands_to_keep(earlier.index, source, elevations.bands if elevations else None),
                blocks=earlier.blocks,
                earlier_splits=earlier_splits_of_pairs(pairs, earlier.splits, source, block_groups(earlier.blocks)),
                progress=show,
            )
        if elevations:
            store_terrain(folder, images)
        return made, _store_chips(folder, made, options, earlier)


def _check_terrain(folder: WorkspaceFolder, elevations: TerrainOptions, earlier: EarlierChips) -> None:
    """Refuse terrain bands that chips of other sources, or the current model, do not have."""
    bundle = current_bundle(folder.models)
    model = (bundle.name, bundle.record.bands) if bundle else None
    check_terrain_bands(elevations.dem, elevations.bands, other_chips=earlier.other_bands, model=model)


def _store_chips(
    folder: WorkspaceFolder, made: PairChips, options: ChipOptions, earlier: EarlierChips
) -> geopandas.GeoDataFrame:
    """Write the blocks, and the index with the new chips; return the index."""
    write_blocks(folder, made.blocks)
    return add_to_index(
        folder,
        made.chips,
        gap_m=options.gap_m,
        block_groups=block_groups(made.blocks),
        unlearned_regions=earlier.unlearned_regions,
    )
