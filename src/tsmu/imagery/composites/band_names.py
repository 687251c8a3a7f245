"""Which asset of a scene holds a band: by its name, by the common name in the catalogue, or as is well known."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import pystac

Kind = Literal["optical", "radar"]
REQUIRED_BANDS: dict[Kind, tuple[str, ...]] = {"optical": ("red", "green", "blue"), "radar": ("vv",)}
OPTIONAL_BANDS: dict[Kind, tuple[str, ...]] = {"optical": ("nir",), "radar": ("vh",)}
# Common names that are looked for in this order. `nir08` is the near infrared of Landsat, and the narrow one of
# Sentinel-2 (B8A), which is taken only where there is no wide one (B08).
OTHER_COMMON_NAMES = {"nir": ("nir", "nir08")}
PICTURE_ROLES = {"visual", "overview", "thumbnail"}  # stretched for looking at

SENTINEL_2 = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}
LANDSAT_OLI = {"red": "SR_B4", "green": "SR_B3", "blue": "SR_B2", "nir": "SR_B5"}  # Landsat 8 and 9
LANDSAT_TM = {"red": "SR_B3", "green": "SR_B2", "blue": "SR_B1", "nir": "SR_B4"}  # Landsat 4 to 7


def find_bands(item: pystac.Item, names: tuple[str, ...]) -> dict[str, str]:
    """Find the assets of a scene that hold bands.

    Args:
        item: the scene.
        names: red, green, blue, nir, vv, vh.

    Returns:
        For each of these bands that the scene has: the name of its asset, or `ASSET.N` for band N of an asset with
        several bands.

    Example:
        >>> item = pystac.Item("a", None, None, pd.Timestamp("2024-04-01"), {})
        >>> item.add_asset("B04", pystac.Asset("red.tif"))
        >>> find_bands(item, ("red", "green"))
        {'red': 'B04'}
    """
    found = {name: _find_band(item, name) for name in names}
    return {name: asset for name, asset in found.items() if asset is not None}


def _find_band(item: pystac.Item, name: str) -> str | None:
    for common_name in OTHER_COMMON_NAMES.get(name, (name,)):
        if (asset := _by_name(item, common_name) or _by_common_name(item, common_name)) is not None:
            return asset
    well_known = _well_known_assets(item).get(name)
    return well_known if well_known in item.assets else None


def _by_name(item: pystac.Item, name: str) -> str | None:
    named = [key for key in item.assets if key.lower() == name]
    return next((key for key in named if len(_band_entries(item.assets[key])) <= 1), None)


def _by_common_name(item: pystac.Item, name: str) -> str | None:
    """The asset of one band with a common name, the finest of several; otherwise the band of an asset with more."""
    single, several = [], []
    for position, (key, asset) in enumerate(_assets_with_data(item)):
        entries = [str(entry.get("common_name", entry.get("eo:common_name", ""))) for entry in _band_entries(asset)]
        if entries == [name]:
            single.append((float(asset.extra_fields.get("gsd") or 0), position, key))
        elif name in entries:
            several.append(f"{key}.{entries.index(name) + 1}")
    return min(single)[2] if single else next(iter(several), None)


def _assets_with_data(item: pystac.Item) -> Iterator[tuple[str, pystac.Asset]]:
    for key, asset in item.assets.items():
        is_jpeg_2000 = "jp2" in (asset.media_type or "") or asset.href.lower().endswith(".jp2")  # not read by window
        if not (PICTURE_ROLES & set(asset.roles or ()) or is_jpeg_2000):
            yield key, asset


def _band_entries(asset: pystac.Asset) -> list[dict[str, Any]]:
    entries = asset.extra_fields.get("eo:bands") or asset.extra_fields.get("bands") or []
    return [entry for entry in entries if isinstance(entry, dict)]


def _well_known_assets(item: pystac.Item) -> Mapping[str, str]:
    if "SR_B4" in item.assets:
        return LANDSAT_OLI if "SR_B6" in item.assets else LANDSAT_TM
    return SENTINEL_2
