"""A static STAC catalogue of the layers, with relative links, complete in its folder.

If a decoder made the probability map, its item links to the model as the Machine Learning Model extension recommends:
it is `derived_from` the model's item, a copy of which lies in the catalogue too.
"""

import os
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pystac
import rasterio
import shapely

from tsmu.errors import SituationError
from tsmu.files import read_json_object
from tsmu.imagery import Grid, RasterInfo, describe_raster
from tsmu.situation.inputs import LANDSLIDE_LAYER, LAYERS_FILE, SIDES, Observed, Situation, ZoneRasters
from tsmu.situation.pictures.style import OBSERVED_LABELS, plain_text
from tsmu.situation.sources import days_of_side, used_sources

PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
CLASSIFICATION = "https://stac-extensions.github.io/classification/v2.0.0/schema.json"
PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
MODEL_LEVEL = "L4"  # the processing level of a model's output
COG, TIFF = "image/tiff; application=geotiff; profile=cloud-optimized", "image/tiff; application=geotiff"
FLATGEOBUF, KMZ, GEOPACKAGE = (
    "application/vnd.flatgeobuf",
    "application/vnd.google-earth.kmz",
    "application/geopackage+sqlite3",
)
MODEL_FOLDER = "model"
RANGE = tuple[date, date]


def write_catalogue(situation: Situation, folder: Path, place: Path) -> None:
    """Write the catalogue of the layers in a folder.

    Args:
        situation: the event as it is known now.
        folder: the folder that holds the layers.
        place: the path to which the folder's files will be moved later; the relative paths to the model's files start
            from it.

    Raises:
        SituationError: `situation.method.model` is not a valid STAC item.
        ImageError: a raster cannot be read.
    """
    title = f"{plain_text(situation.name, 200)}: landslides"
    catalogue = pystac.Catalog("situation", f"{title}, as known on {situation.made.date()}", title=title)
    catalogue.set_self_href(str(folder / "catalog.json"))
    sources = used_sources(situation)
    fallback = (situation.day, situation.day)
    days = {side: days_of_side(sources, side) or fallback for side in SIDES}
    model = _model_item(situation, folder, place)
    for zone in situation.zones:
        images = {side: _image_item(folder, zone, side, days[side], situation.day) for side in SIDES}
        items = list(images.values())
        results = _result_item(folder, situation, zone, (min(days["pre"]), max(days["post"])))
        for item in [*items, results]:
            _add(catalogue, item, folder / zone.name / f"{item.id}.json")
        for item in items:
            results.add_derived_from(item)
        if model is not None and "probability" in results.assets:
            _derive_from_model(results, model)
    _add(catalogue, _vector_item(folder, situation, (min(days["pre"]), max(days["post"]))), folder / "landslides.json")
    if model is not None:
        _add(catalogue, model, folder / MODEL_FOLDER / f"{model.id}.json")
    catalogue.make_all_asset_hrefs_relative()
    catalogue.save(pystac.CatalogType.SELF_CONTAINED)


def _add(catalogue: pystac.Catalog, item: pystac.Item, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    catalogue.add_item(item, set_parent=True)
    item.set_self_href(str(path))


def _image_item(folder: Path, zone: ZoneRasters, side: str, days: RANGE, event_day: date) -> pystac.Item:
    path = getattr(zone, side)
    info = describe_raster(path)
    item = _item(f"{zone.name}-{SIDES[side]}", Grid.from_raster(info).footprint, days)
    item.properties |= {"title": f"Composite {SIDES[side]} {event_day}", "gsd": info.pixel_size}
    item.add_asset(
        side, _raster_asset(folder / zone.name / f"{side}.tif", info, path, f"Composite {SIDES[side]} the event")
    )
    item.stac_extensions = [PROJECTION]
    return item


def _result_item(folder: Path, situation: Situation, zone: ZoneRasters, days: RANGE) -> pystac.Item:
    info = describe_raster(zone.observed)
    item = _item(f"{zone.name}-landslides", Grid.from_raster(info).footprint, days)
    item.properties |= {"title": f"Landslide probability and observed ground, {zone.name}"}
    item.stac_extensions = [PROJECTION, CLASSIFICATION]
    observed = _raster_asset(folder / zone.name / "observed.tif", info, zone.observed, "What was seen before and after")
    observed.extra_fields["classification:classes"] = [
        {"value": 0, "name": "outside", "description": "outside the area"},
        *(
            {"value": int(value), "name": Observed(value).name.lower(), "description": label}
            for value, label in OBSERVED_LABELS.items()
        ),
    ]
    item.add_asset("observed", observed)
    if zone.probability is not None:
        info = describe_raster(zone.probability)
        asset = _raster_asset(
            folder / zone.name / "probability.tif", info, zone.probability, "Landslide probability, percent"
        )
        item.add_asset("probability", asset)
    item.properties["processing:lineage"] = f"mapped by {plain_text(situation.method.name, 100)}"
    item.stac_extensions.append(PROCESSING)
    return item


def _vector_item(folder: Path, situation: Situation, days: RANGE) -> pystac.Item:
    item = _item("landslides", situation.area, days)
    item.properties["title"] = "Landslides"
    files = (
        (LAYERS_FILE, GEOPACKAGE, "Landslides, observed ground, area and districts with styles for QGIS"),
        (f"{LANDSLIDE_LAYER}.fgb", FLATGEOBUF, "Landslides"),
        (f"{LANDSLIDE_LAYER}.kmz", KMZ, "Landslides for the field"),
        ("sources.csv", "text/csv", "The imagery that was used and left out"),
    )
    for name, media_type, title in files:
        item.add_asset(name, pystac.Asset(str(folder / name), title=title, media_type=media_type, roles=["data"]))
    return item


def _item(name: str, shape: Any, days: RANGE) -> pystac.Item:
    first, last = (
        datetime.combine(day, moment, UTC) for day, moment in zip(days, (time(), time(23, 59, 59)), strict=True)
    )
    return pystac.Item(
        name, shapely.geometry.mapping(shape), list(shape.bounds), None, {}, start_datetime=first, end_datetime=last
    )


def _raster_asset(href: Path, info: RasterInfo, path: Path, title: str) -> pystac.Asset:
    with rasterio.open(path) as dataset:
        is_cog = dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG"
        names = [str(band or f"band {number}") for number, band in enumerate(dataset.descriptions, start=1)]
    fields: dict[str, Any] = {
        "bands": [{"name": band} for band in names],
        "data_type": info.dtype,
        "proj:shape": [info.height, info.width],
        "proj:transform": list(info.transform)[:6],
    }
    if info.nodata is not None:
        fields["nodata"] = "nan" if info.nodata != info.nodata else info.nodata
    code = info.crs.to_epsg() if info.crs is not None else None
    fields["proj:code"] = f"EPSG:{code}" if code else None
    return pystac.Asset(str(href), title=title, media_type=COG if is_cog else TIFF, roles=["data"], extra_fields=fields)


def _model_item(situation: Situation, folder: Path, place: Path) -> pystac.Item | None:
    """A copy of the model's STAC item with paths that lead from the catalogue to the model's files.

    None where no model made the map.
    """
    path = situation.method.model
    if path is None:
        return None
    record = read_json_object(path)
    try:
        item = pystac.Item.from_dict(record)
    except (pystac.STACError, pystac.STACTypeError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise SituationError(f"{path}: is no STAC item of a model ({reason}); give a bundle's bundle.json") from None
    for asset in item.assets.values():
        relative = os.path.relpath(path.resolve().parent / asset.href, place.resolve() / MODEL_FOLDER)
        asset.href = str(folder / MODEL_FOLDER / relative)  # `make_all_asset_hrefs_relative` leaves `relative`
    item.clear_links()
    return item


def _derive_from_model(results: pystac.Item, model: pystac.Item) -> None:
    """Name the model in the item of the results, as the best practices of the MLM extension recommend."""
    href = f"../{MODEL_FOLDER}/{model.id}.json"
    name = model.properties.get("mlm:name", model.id)
    results.assets["probability"].extra_fields |= {
        "processing:level": MODEL_LEVEL,
        "processing:expression": {"format": "stac-mlm", "expression": href},
        "mlm:name": name,
    }
    fields = {"mlm:name": name, "processing:level": MODEL_LEVEL}
    results.add_link(pystac.Link("derived_from", model, pystac.MediaType.GEOJSON, extra_fields=fields))
