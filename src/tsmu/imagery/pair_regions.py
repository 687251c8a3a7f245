"""Which region a pair lies in."""

import json

import geopandas as gpd

from tsmu.regions import RegionMap


def assign_pairs(pairs: gpd.GeoDataFrame, regions: RegionMap) -> gpd.GeoDataFrame:
    """Set `region` to the one with the largest share of the footprint, and `region_shares` to all of them.

    Args:
        pairs: as `pairs.import_pairs` gives them; a pair that lies in no region keeps the one it has.
        regions: the region map.

    Returns:
        The pairs with both columns; `region_shares` is JSON, share of the footprint's area by region.
    """
    found = [regions.assign_footprint(footprint) for footprint in pairs.geometry]
    names = [
        region or (said if isinstance(said, str) else None)
        for (region, _), said in zip(found, pairs["region"], strict=True)
    ]
    shares = [json.dumps({name: round(share, 4) for name, share in parts.items()}) for _, parts in found]
    return pairs.assign(region=names, region_shares=shares)
