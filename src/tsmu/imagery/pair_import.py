"""A source of pairs into the workspace: read, given regions, stored beside the pairs of other sources."""

from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas as gpd

from tsmu.imagery.footprints import events_between
from tsmu.imagery.pair_regions import assign_pairs
from tsmu.imagery.pair_sources import Ids
from tsmu.imagery.pair_store import store_pairs
from tsmu.imagery.pairs import import_pairs
from tsmu.inventory import read_events
from tsmu.issues import IssueLog
from tsmu.regions import RegionMap
from tsmu.workspace import Workspace


def with_events(space: Workspace, pairs: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Say anew which of the workspace's events lie in each pair: events may have come after the pairs."""
    if not space.events.exists() or pairs.empty:
        return pairs
    events = read_events(space.events).rename(columns={"event_id": "id"})
    return pairs.assign(event_ids=events_between(pairs, events)["event_ids"])


def take_pairs(
    space: Workspace,
    source: Path,
    log: IssueLog,
    *,
    region: str | Mapping[str, str] | None = None,
    repair: bool = False,
    correct_shift: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Import a folder or table of pairs; its earlier pairs are replaced.

    Args:
        space: locked by the caller.
        source: as `import_pairs` takes it.
        log: takes what is wrong.
        region: of all its pairs, or by path of the post image; wins over the region map and the table.
        repair: as in `import_pairs`.
        correct_shift: as in `import_pairs`.
        progress: called with (done, all).

    Returns:
        The pairs taken, as `import_pairs` gives them.

    Raises:
        ImageError: the source as a whole cannot be read.
    """
    events = read_events(space.events).rename(columns={"event_id": "id"}) if space.events.exists() else None

    def read(ids: Ids) -> gpd.GeoDataFrame:
        found = import_pairs(
            source,
            log,
            out=space.pair_files,
            root=space.root,
            repair=repair,
            correct_shift=correct_shift,
            events=events,
            ids=ids,
            progress=progress,
        )
        if space.regions.exists():
            found = assign_pairs(found, RegionMap.load(space.regions))
        if not region:
            return found
        said = [region if isinstance(region, str) else region.get(post) for post in found["source_post"]]
        return found.assign(region=[new or old for new, old in zip(said, found["region"], strict=True)])

    return store_pairs(space, source, read)
