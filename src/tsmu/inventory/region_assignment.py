"""Giving every event its region, and telling where the map and the inventory differ."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from tsmu.issues import IssueLog
from tsmu.regions import RegionMap
from tsmu.rowlog import warn_rows


def assign_regions(
    events: gpd.GeoDataFrame, regions: RegionMap, max_distance_m: float, log: IssueLog
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Set the column `region` by the region map; a polygon gets the region with its largest share.

    Args:
        events: As `read_events` gives them.
        regions: The region map.
        max_distance_m: An event outside all regions gets the nearest within so many metres.
        log: Takes the events that get no region.

    Returns:
        The events, and those for which the map differs from the inventory (`region_said`), farthest
        first: event_id, file, row, region_said, region, and `distance_m` from the event's point (a
        polygon's inside point) to the border of the region that the inventory names, NaN where the map has
        no such region.
    """
    events = events.copy()
    inside = events.geometry.representative_point()
    found = regions.assign_points(inside.x, inside.y, max_distance_m).names
    for i in np.flatnonzero(events.geom_type.isin(["Polygon", "MultiPolygon"])):
        found[i] = regions.assign_footprint(events.geometry.iloc[i], max_distance_m=max_distance_m)[0]
    events["region"] = pd.Series(found, index=events.index, dtype="str")
    for file, none in events[events["region"].isna()].groupby("file"):
        problem = f"lies in no region, nor within {max_distance_m:g} m of one"
        warn_rows(log, Path(str(file)).name, None, none["row"].tolist(), problem, "taken without a region")
    said = events["region_said"].map(lambda name: regions.canonical_name(name) or name, na_action="ignore")
    differ = said.notna() & (said != events["region"].fillna(""))
    table = events.loc[differ, ["event_id", "file", "row", "region_said", "region"]]
    table["distance_m"] = regions.border_distance_m(inside.x[differ], inside.y[differ], said[differ])
    return events, pd.DataFrame(table).sort_values("distance_m", ascending=False, ignore_index=True)
