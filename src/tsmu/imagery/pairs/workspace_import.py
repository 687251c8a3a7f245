"""A source of pairs into the workspace: read, given regions, stored beside the pairs of other sources."""

from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from tsmu.errors import ImageError
from tsmu.files import remove
from tsmu.imagery.footprints import events_between
from tsmu.imagery.pairs.importer import import_pairs
from tsmu.imagery.pairs.pair_terrain import Elevations, with_terrain
from tsmu.imagery.pairs.regions_and_events import assign_pairs
from tsmu.imagery.pairs.store import read_pairs, store_pairs, write_pairs
from tsmu.imagery.sources.discovery import Ids
from tsmu.inventory import read_events
from tsmu.issues import IssueLog
from tsmu.regions import RegionMap
from tsmu.workspace_folder import WorkspaceFolder


def with_events(space: WorkspaceFolder, pairs: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Say anew which of the workspace's events lie in each pair: events may have come after the pairs."""
    if not space.events.exists() or pairs.empty:
        return pairs
    events = read_events(space.events).rename(columns={"event_id": "id"})
    return pairs.assign(event_ids=events_between(pairs, events)["event_ids"])


def take_pairs(
    space: WorkspaceFolder,
    source: Path,
    log: IssueLog,
    *,
    region: str | Mapping[str, str] | None = None,
    repair: bool = False,
    correct_shift: bool = False,
    elevations: Elevations | None = None,
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
        elevations: give the pairs terrain bands; without, they have none, whatever they had before.
        progress: called with (done, all).

    Returns:
        The pairs taken, as `import_pairs` gives them.

    Raises:
        ImageError: the source as a whole cannot be read, or no pair gets the terrain that is wanted.
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
        if elevations:
            try:
                found = with_terrain(found, elevations, space.pair_files, log)
            except ImageError:
                for new in set(found["id"]) - set(ids.known.values()):
                    remove(space.pair_files / new)
                raise
        if not region:
            return found
        said = [region if isinstance(region, str) else region.get(post) for post in found["source_post"]]
        return found.assign(region=[new or old for new, old in zip(said, found["region"], strict=True)])

    return store_pairs(space, source, read)


def remember_terrain(space: WorkspaceFolder, pairs: gpd.GeoDataFrame) -> None:
    """Write into the workspace's table of pairs which terrain some of them have now.

    Args:
        space: locked by the caller.
        pairs: with `terrain` and `dem`, as `pair_terrain.with_terrain` gives them.
    """
    stored = read_pairs(space)
    if stored is None:
        return
    for column in ("terrain", "dem"):
        new = dict(zip(pairs["id"], pairs[column], strict=True))
        had = stored.get(column, [None] * len(stored))  # a table from an older version has no such column
        values = [new.get(name, value) for name, value in zip(stored["id"], had, strict=True)]
        stored[column] = pd.Series(values, stored.index, dtype=object)
    write_pairs(space, stored)
