"""Files of polygons as people have them, each of two polygons in degrees."""

import json
import zipfile
from pathlib import Path

import geopandas
import pandas as pd
import pyogrio
import shapely

KINDS = (
    "layers.gpkg", "folders.kml", "folders.kmz", "plain.fgb", "plain.parquet", "native.parquet", "plain.kml",
    "shapes.zip", "nested.zip", "plain.gml", "layers.gdb", "plain.geojsonl", "collection.geojson",
)  # fmt: skip

Polygons = tuple[shapely.Polygon, shapely.Polygon]


def vector_file(folder: Path, kind: str, polygons: Polygons) -> Path:
    """Write both polygons, in one layer or in several, into a file of a kind."""
    path = folder / kind
    named = zip("ab", polygons, strict=True)
    frames = [geopandas.GeoDataFrame({"Name": [name]}, geometry=[one], crs=4326) for name, one in named]
    both = pd.concat(frames, ignore_index=True)
    name, suffix = path.stem, path.suffix
    if suffix == ".gpkg":
        frames[0].to_file(path, layer="one")
        frames[1].to_crs(3857).to_file(path, layer="two")
        pyogrio.write_dataframe(pd.DataFrame({"styleQML": ["<qgis/>"]}), path, layer="layer_styles", append=True)
    elif suffix == ".gdb":
        for layer, frame in zip(("one", "two"), frames, strict=True):
            pyogrio.write_dataframe(frame, path, driver="OpenFileGDB", layer=layer)
    elif name == "folders":
        text = kml_with_folders(polygons)
        if suffix == ".kml":
            path.write_text(text)
        else:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("doc.kml", text)
    elif suffix == ".zip":
        for place, frame in (("one", frames[0]), ("two", frames[1])):
            (folder / place).mkdir()
            frame.to_file(folder / place / f"{place}.shp")
        inner = folder / "inner.zip"
        with zipfile.ZipFile(path if name == "shapes" else inner, "w") as archive:
            for part in sorted([*folder.glob("one/*"), *folder.glob("two/*")]):
                archive.write(part, f"süd/{part.parent.name}/{part.name}")
                archive.writestr(f"__MACOSX/süd/{part.parent.name}/._{part.name}", "nothing")
        if name == "nested":
            with zipfile.ZipFile(path, "w") as archive:
                archive.write(inner, "both.zip")
    elif suffix == ".parquet":
        both.to_parquet(path, geometry_encoding="geoarrow" if name == "native" else "WKB")
    elif name == "collection":
        point = shapely.Point(polygons[0].exterior.coords[0])
        whole = shapely.geometrycollections([*polygons, point])
        geopandas.GeoDataFrame({"Name": ["ab"]}, geometry=[shapely.force_3d(whole, 5)], crs=4326).to_file(path)
    else:
        drivers = {".fgb": "FlatGeobuf", ".kml": "LIBKML", ".gml": "GML", ".geojsonl": "GeoJSONSeq"}
        both.to_file(path, driver=drivers[suffix])
    return path


def kml_with_folders(polygons: Polygons) -> str:
    """One polygon in a folder, the other in a folder within another one of the same name."""
    first, second = map(_placemark, polygons)
    return (
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<Folder><name>slides</name>{first}</Folder>"
        f"<Folder><name>slides</name><Folder><name>north</name>{second}</Folder></Folder></Document></kml>"
    )


def _placemark(polygon: shapely.Polygon) -> str:
    ring = " ".join(f"{x!r},{y!r},0" for x, y in polygon.exterior.coords)
    outer = f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
    return f"<Placemark><name>n</name><Polygon>{outer}</Polygon></Placemark>"


BAD_ROWS = (3, 5, 6, 7)  # of `bad_features`: the header is row 1


def bad_features(folder: Path, polygons: Polygons) -> Path:
    """Features in rows 2 to 8: good; an unclosed ring; no class, good otherwise; null; empty; a point; a collection.

    What is good is the first polygon in row 2, and the second one in rows 4 and 8.
    """
    first, second = ([list(corner) for corner in one.exterior.coords] for one in polygons)
    point = {"type": "Point", "coordinates": first[0]}
    features = [
        ("a", _polygon(first)),
        ("a", _polygon(second[:-1])),
        (None, _polygon(second)),
        ("a", None),
        ("a", {"type": "Polygon", "coordinates": []}),
        ("a", point),
        ("a", {"type": "GeometryCollection", "geometries": [point, _polygon([[*corner, 9] for corner in second])]}),
    ]
    path = folder / "bad.geojson"
    written = [{"type": "Feature", "properties": {"class": value}, "geometry": shape} for value, shape in features]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": written}))
    return path


def _polygon(ring: list[list[float]]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [ring]}


CURVE_ROWS = (3, 4)  # of `curves` those that cannot be read


def curves(folder: Path, polygons: Polygons) -> Path:
    """Features in rows 2 to 6: the first polygon, a TIN, a polyhedral surface; the second as two kinds of curves."""
    first, second = polygons
    ring = second.wkt.removeprefix("POLYGON ")
    surface = "(((0 0 0, 1 0 0, 1 1 0, 0 0 0)))"
    texts = [
        first.wkt, f"TIN {surface}", f"POLYHEDRALSURFACE {surface}", f"MULTISURFACE ({ring})", f"CURVEPOLYGON {ring}",
    ]  # fmt: skip
    lines = [f'{number},"{text}"' for number, text in enumerate(texts)]
    (folder / "curves.csv").write_text("\n".join(["id,WKT", *lines]))
    path = folder / "curves.vrt"
    source = '<SrcDataSource relativeToVRT="1">curves.csv</SrcDataSource><LayerSRS>EPSG:4326</LayerSRS>'
    path.write_text(f'<OGRVRTDataSource><OGRVRTLayer name="curves">{source}</OGRVRTLayer></OGRVRTDataSource>')
    return path
