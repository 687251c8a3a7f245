"""What labelled pairs need to become chips, and what to say and do where they lack it."""

from collections.abc import Sequence
from pathlib import Path

import geopandas

from tsmu.errors import ChipError
from tsmu.imagery import TERRAIN_ROLE, assign_pair_regions, terrain_bands
from tsmu.regions import RegionMap, region_advice


def require_usable_pairs(pairs: geopandas.GeoDataFrame, table: Path, region_map: Path) -> geopandas.GeoDataFrame:
    """Return the pairs that have a label and a region.

    Args:
        pairs: with mask, region, source and footprint.
        table: the file of the pairs, for the error.
        region_map: the workspace's region map, which need not exist.

    Raises:
        ChipError: there is none; the error says what they lack and which command gives it to them.

    Example:
        >>> require_usable_pairs(pairs.assign(mask=None), Path("pairs.parquet"), Path("regions.gpkg"))
        Traceback (most recent call last):
        tsmu.errors.ChipError: pairs.parquet: its only pair does not have a label; label pairs with: ...
    """
    labelled = pairs[pairs["mask"].notna()]
    usable = labelled[labelled["region"].notna()]
    if len(usable):
        return usable
    if labelled.empty:
        raise ChipError(f"{table}: {_none_has(pairs, 'pair')} a label; label pairs with: tsmu import labels DIR")
    advice = advise_on_regions(labelled, region_map)
    raise ChipError(f"{table}: {_none_has(labelled, 'labelled pair')} a region; {advice}")


def advise_on_regions(pairs: geopandas.GeoDataFrame, region_map: Path) -> str:
    """Say how pairs without a region get one.

    Args:
        pairs: those without a region, with source and footprint.
        region_map: the workspace's region map, which need not exist.

    Example:
        >>> advise_on_regions(pairs.assign(region=None, source="scenes"), Path("regions.gpkg")).split(",")[0]
        'name theirs with: tsmu import pairs scenes --region NAME'
    """
    if region_map.exists() and assign_pair_regions(pairs, RegionMap.load(region_map))["region"].notna().any():
        return "they lie in regions of the region map; take them over with: tsmu regions assign"
    return region_advice(pairs["source"].iloc[0], region_map=region_map.exists())


def check_terrain_bands(
    dem: Path | str,
    terrain: Sequence[str],
    *,
    other_chips: Sequence[str] | None = None,
    model: tuple[str, Sequence[str]] | None = None,
) -> None:
    """Refuse terrain bands, before any is derived, that other chips or the current model do not have.

    Args:
        dem: the elevation model, for the error.
        terrain: names of the terrain bands that pairs would get, such as `slope`.
        other_chips: the band list of the workspace's chips of other sources; None without any.
        model: name and band list of the current model; None without one.

    Raises:
        ChipError: they have other terrain bands, or none.

    Example:
        >>> check_terrain_bands("dem.tif", ["slope"], other_chips=["post:red", "terrain:slope"])
        >>> check_terrain_bands("dem.tif", ["slope"], model=("v001", ["post:red"]))
        Traceback (most recent call last):
        tsmu.errors.ChipError: dem.tif: would give the terrain bands slope, the model v001 has none; ...
    """
    existing = {"the workspace's chips of other sources have": other_chips}
    if model is not None:
        existing[f"the model {model[0]} has"] = model[1]
    for owner, bands in existing.items():
        if bands is None or terrain_bands(bands) == tuple(terrain):
            continue
        names = ",".join(terrain_bands(bands))
        remedy = f"give --terrain {names}" if names else "leave out --dem"
        raise ChipError(
            f"{dem}: would give the terrain bands {','.join(terrain)}, {owner} {names or 'none'}; {remedy}, or use "
            "another workspace (tsmu init DIR)"
        )


def bands_to_keep(
    chips: geopandas.GeoDataFrame, source: str, terrain: Sequence[str] | None = None
) -> tuple[str, ...] | None:
    """Return the one band list that a source's chips had before, so that chips built anew keep it.

    Args:
        chips: the chips index before they are built anew.
        source: whose chips count.
        terrain: names of the terrain bands that its pairs get now, in place of the earlier ones; None leaves them.

    Returns:
        None where the source had no chips, or several band lists.

    Example:
        >>> bands_to_keep(chips, chips["source"][0], terrain=["slope"])
        ('post:red', 'post:green', 'post:blue', 'terrain:slope')
    """
    lists = {tuple(bands) for bands in chips[chips["source"] == source]["bands"]}
    if len(lists) != 1:
        return None
    (bands,) = lists
    if terrain is None:
        return bands
    images = bands[: len(bands) - len(terrain_bands(bands))]
    return (*images, *(f"{TERRAIN_ROLE}:{band}" for band in terrain))


def _none_has(pairs: geopandas.GeoDataFrame, noun: str) -> str:
    """Begin the sentence that none of these pairs has something."""
    return f"its only {noun} does not have" if len(pairs) == 1 else f"none of its {len(pairs)} {noun}s has"
