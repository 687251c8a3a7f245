"""Which region a pair lies in, and which events of the workspace lie in it."""

import json

import geopandas as gpd
import pandas as pd

from tsmu.inventory import read_events
from tsmu.issues import IssueLog
from tsmu.regions import RegionMap
from tsmu.workspace_folder import WorkspaceFolder


def assign_pair_regions(pairs: gpd.GeoDataFrame, regions: RegionMap) -> gpd.GeoDataFrame:
    """Set `region` to the one with the largest share of the footprint, and `region_shares` to all of them.

    Args:
        pairs: as `import_pairs` gives them; a pair that lies in no region keeps the one it has.
        regions: the region map.

    Returns:
        The pairs with both columns; `region_shares` is JSON, share of the footprint's area by region.

    Example:
        >>> pairs = import_pairs(Path("images"), log, out=Path("pair_files"), root=Path("."))
        >>> nepal = RegionMap(np.array(["nepal"], object), np.array([shapely.box(80, 26, 90, 30)], object))
        >>> assign_pair_regions(pairs, nepal)[["region", "region_shares"]].to_dict("records")
        [{'region': 'nepal', 'region_shares': '{"nepal": 1.0}'}]
    """
    assigned = [regions.assign_footprint(footprint) for footprint in pairs.geometry]
    names = [
        region or (stored if isinstance(stored, str) else None)
        for (region, _), stored in zip(assigned, pairs["region"], strict=True)
    ]
    shares = [json.dumps({name: round(share, 4) for name, share in parts.items()}) for _, parts in assigned]
    return pairs.assign(region=names, region_shares=shares)


def match_events(footprints: gpd.GeoDataFrame, events: gpd.GeoDataFrame) -> pd.DataFrame:
    """Find the events inside each footprint and whether any of them happened between its images.

    Args:
        footprints: with `date_pre`, `date_post` and geometry.
        events: with `id`, `date_min`, `date_max` and geometry.

    Returns:
        One row per footprint, same index: `event_ids` (comma-joined text, empty if none) and
        `between`: True if an event's interval meets pre..post or a date is not known, else False.
    """
    places = events.to_crs(footprints.crs)
    event, footprint = footprints.sindex.query(places.geometry.array, predicate="intersects")
    begin, end = (pd.to_datetime(footprints[c]).to_numpy()[footprint] for c in ("date_pre", "date_post"))
    earliest, latest = (pd.to_datetime(places[c]).to_numpy()[event] for c in ("date_min", "date_max"))
    outside = (latest < begin) | (earliest > end)  # a comparison with NaT is False: not known, not wrong
    inside = pd.DataFrame({"at": footprint, "id": places["id"].astype(str).to_numpy()[event], "meets": ~outside})
    by_footprint = inside.sort_values(["at", "id"]).groupby("at")
    ids = by_footprint["id"].agg(",".join).reindex(range(len(footprints)), fill_value="")
    meets = by_footprint["meets"].any().reindex(range(len(footprints)), fill_value=True)
    return pd.DataFrame({"event_ids": ids.to_numpy(), "between": meets.to_numpy()}, index=footprints.index)


def add_event_ids(pairs: gpd.GeoDataFrame, events: gpd.GeoDataFrame, log: IssueLog) -> None:
    """Set the column `event_ids` of pairs; a pair that no event lies between the dates of is reported in the log.

    Args:
        pairs: as `import_pairs` gives them.
        events: as `match_events` takes them.
        log: takes the pairs whose dates do not fit their events.
    """
    matched = match_events(pairs, events)
    pairs["event_ids"] = matched["event_ids"]
    outside = ~matched["between"]
    for post, ids in zip(pairs.loc[outside, "source_post"], matched.loc[outside, "event_ids"], strict=True):
        log.warning(post, f"event date outside pre..post: no event here ({ids}) lies between the image dates", "kept")


def read_events_by_id(space: WorkspaceFolder) -> gpd.GeoDataFrame | None:
    """Read the workspace's events as `match_events` takes them; None where there are none yet."""
    return read_events(space.events).rename(columns={"event_id": "id"}) if space.events.exists() else None


def update_event_ids(space: WorkspaceFolder, pairs: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Match pairs with the workspace's events again: events may have been imported after the pairs.

    Example:
        >>> space = WorkspaceFolder.create(Path("survey"))  # which has no events yet
        >>> pairs = import_pairs(Path("images"), log, out=Path("pair_files"), root=Path("."))
        >>> update_event_ids(space, pairs)["event_ids"].tolist()
        ['']
    """
    events = None if pairs.empty else read_events_by_id(space)
    return pairs if events is None else pairs.assign(event_ids=match_events(pairs, events)["event_ids"])
