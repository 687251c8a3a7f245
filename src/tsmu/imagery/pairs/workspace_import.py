"""Import a source of pairs into a workspace: with regions, events and terrain, beside the pairs of other sources."""

from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas as gpd

from tsmu.errors import ImageError
from tsmu.files import remove
from tsmu.imagery.pairs.importer import import_pairs
from tsmu.imagery.pairs.pair_terrain import TerrainOptions, add_terrain
from tsmu.imagery.pairs.regions_and_events import assign_pair_regions, read_events_by_id
from tsmu.imagery.pairs.store import replace_pairs_of_source
from tsmu.imagery.sources import PairIds
from tsmu.issues import IssueLog
from tsmu.regions import RegionMap
from tsmu.workspace_folder import WorkspaceFolder


def add_pairs(
    space: WorkspaceFolder,
    source: Path,
    log: IssueLog,
    *,
    region: str | Mapping[str, str] | None = None,
    repair: bool = False,
    correct_shift: bool = False,
    terrain: TerrainOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Import a folder or table of pairs into a workspace; its earlier pairs are replaced.

    Args:
        space: locked by the caller.
        source: as `import_pairs` takes it.
        log: takes what is wrong.
        region: of all its pairs, or by path of the post image; wins over the region map and the table.
        repair: as in `import_pairs`.
        correct_shift: as in `import_pairs`.
        terrain: derive terrain bands for the pairs; without, they have none, whatever they had before.
        progress: called with (done, all).

    Returns:
        The imported pairs, as `import_pairs` gives them.

    Raises:
        ImageError: no pair of the source can be read, or terrain is asked for and no pair gets any.

    Example:
        >>> space = WorkspaceFolder.create(Path("survey"))
        >>> len(add_pairs(space, Path("images"), log, region="nepal"))
        1
        >>> read_pairs(space)[["id", "region"]].to_dict("records")
        [{'id': 'valley', 'region': 'nepal'}]
    """

    def read_source(known_ids: PairIds) -> gpd.GeoDataFrame:
        pairs = import_pairs(
            source,
            log,
            out=space.pair_files,
            root=space.root,
            repair=repair,
            correct_shift=correct_shift,
            events=read_events_by_id(space),
            known_ids=known_ids,
            progress=progress,
        )
        if pairs.empty:
            first = f"; the first: {log.errors[0]}" if log.errors else ""
            raise ImageError(f"{source}: no pair in it can be imported{first}")
        if space.regions.exists():
            pairs = assign_pair_regions(pairs, RegionMap.load(space.regions))
        if terrain:
            pairs = _with_terrain(pairs, terrain, known_ids, space, log)
        return _with_given_regions(pairs, region)

    return replace_pairs_of_source(space, source, read_source)


def _with_terrain(
    pairs: gpd.GeoDataFrame, terrain: TerrainOptions, known_ids: PairIds, space: WorkspaceFolder, log: IssueLog
) -> gpd.GeoDataFrame:
    """Add terrain to pairs; if no pair gets any, the files of new pairs are removed again."""
    try:
        return add_terrain(pairs, terrain, space.pair_files, log)
    except ImageError:
        for new in set(pairs["id"]) - set(known_ids.values()):
            remove(space.pair_files / new)
        raise


def _with_given_regions(pairs: gpd.GeoDataFrame, region: str | Mapping[str, str] | None) -> gpd.GeoDataFrame:
    if not region:
        return pairs
    given = [region if isinstance(region, str) else region.get(post) for post in pairs["source_post"]]
    return pairs.assign(region=[new or old for new, old in zip(given, pairs["region"], strict=True)])
