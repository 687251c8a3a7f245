"""The region of every event by the region map, and where the map and the inventory differ."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from tsmu.issues import IssueLog, warn_rows
from tsmu.regions import RegionMap


def assign_regions(
    events: gpd.GeoDataFrame, regions: RegionMap, max_distance_m: float, log: IssueLog
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Set the column `region` by the region map; a polygon gets the region in which the largest part of it lies.

    Args:
        events: the events, as `read_events` gives them.
        regions: the region map.
        max_distance_m: an event outside all regions gets the nearest region if it is no more than so many metres away.
        log: receives the events that get no region.

    Returns:
        The events with their regions, and a table of the events for which the map differs from the inventory
        (`region_said`). The table has the columns event_id, file, row, region_said, region and `distance_m`, the
        distance from the event's point (for a polygon a point within it) to the border of the region that the
        inventory names, NaN where the map has no such region. The event with the largest distance comes first.

    Example:
        >>> events, differences = assign_regions(read_events(Path("events.gpkg")), region_map, 2_000, log)
        >>> events["region"].tolist(), len(differences)
        (['west', 'east'], 0)
    """
    events = events.copy()
    inside = events.geometry.representative_point()
    names = regions.assign_points(inside.x, inside.y, max_distance_m).names
    for i in np.flatnonzero(events.geom_type.isin(["Polygon", "MultiPolygon"])):
        names[i] = regions.assign_footprint(events.geometry.iloc[i], max_distance_m=max_distance_m)[0]
    events["region"] = pd.Series(names, index=events.index, dtype="str")
    for file, without_region in events[events["region"].isna()].groupby("file"):
        problem = f"lies in no region, nor within {max_distance_m:g} m of one"
        rows = without_region["row"].tolist()
        warn_rows(log, Path(str(file)).name, None, rows, problem, "imported without a region")
    by_inventory = events["region_said"].map(lambda name: regions.canonical_name(name) or name, na_action="ignore")
    differ = by_inventory.notna() & (by_inventory != events["region"].fillna(""))
    table = events.loc[differ, ["event_id", "file", "row", "region_said", "region"]]
    table["distance_m"] = regions.border_distance_m(inside.x[differ], inside.y[differ], by_inventory[differ])
    return events, pd.DataFrame(table).sort_values("distance_m", ascending=False, ignore_index=True)
