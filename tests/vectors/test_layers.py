"""One reader for all files of polygons: every layer, every kind, and bad features told by their rows."""

import json
import zipfile
from pathlib import Path

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from tests.made_vectors import BAD_ROWS, CURVE_ROWS, KINDS, bad_features, curves, vector_file
from tsmu.errors import MapError
from tsmu.issues import IssueLog
from tsmu.vectors import (
    LONGITUDE_LATITUDE,
    attribute_text,
    divide_layers,
    is_vector_file,
    layer_names,
    read_layers,
    read_polygons,
    reproject,
)

BOTH = (shapely.box(9, 46, 9.01, 46.01), shapely.box(9.02, 46, 9.03, 46.01))


def read(path: Path, *layers: str) -> tuple[shapely.Geometry, IssueLog]:
    """All polygons of a file in degrees, as one geometry; and what is told."""
    log = IssueLog(path)
    frames = read_polygons(path, log, MapError, layers)
    shapes = [reproject(np.array(frame.geometry.array, object), frame.crs, LONGITUDE_LATITUDE) for frame in frames]
    return shapely.union_all(np.concatenate(shapes)), log


def same(first: shapely.Geometry, second: shapely.Geometry) -> bool:
    return bool(shapely.area(shapely.symmetric_difference(first, second)) < 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_all_layers_of_every_kind(tmp_path: Path, kind: str) -> None:
    path = vector_file(tmp_path, kind, BOTH)
    beside = set(tmp_path.rglob("*"))
    assert is_vector_file(path)
    found, log = read(path)
    assert same(found, shapely.union_all(BOTH))
    assert [issue.problem for issue in log] == (["a GeometryCollection"] if "collection" in kind else [])
    assert set(tmp_path.rglob("*")) == beside  # GDAL leaves nothing beside the user's files


def test_layers_are_chosen_by_name_and_tables_are_none(tmp_path: Path) -> None:
    path = vector_file(tmp_path, "layers.gpkg", BOTH)
    assert layer_names(path, MapError) == ["one", "two"]
    assert same(read(path, "two")[0], BOTH[1])
    assert same(read(path, "two", "one")[0], shapely.union_all(BOTH))
    with pytest.raises(MapError, match=r"layers\.gpkg: no layer 'layer_styles'; its layers are: one, two"):
        read(path, "layer_styles")
    kml = vector_file(tmp_path, "folders.kml", BOTH)
    assert layer_names(kml, MapError) == ["slides", "slides (#2)", "north"]
    assert same(read(kml, "north")[0], BOTH[1])


def test_layers_are_divided_among_several_files(tmp_path: Path) -> None:
    path = vector_file(tmp_path, "layers.gpkg", BOTH)
    other = vector_file(tmp_path, "plain.fgb", BOTH)
    assert divide_layers(["two"], [path, other], MapError) == {path: ["two"], other: []}
    assert divide_layers([], [path, other], MapError) == {path: [], other: []}
    with pytest.raises(MapError, match="no layer 'three'; the layers are: one, two, plain"):
        divide_layers(["three"], [path, other], MapError)
    with pytest.raises(MapError, match=r"layers\.gpkg: has several layers \(one, two\) and none that `layer` names"):
        divide_layers(["plain"], [path, other], MapError)


def test_bad_features_are_left_out_and_told_with_their_rows(tmp_path: Path) -> None:
    found, log = read(bad_features(tmp_path, BOTH))
    assert same(found, shapely.union_all(BOTH))
    assert {issue.row: issue.problem for issue in log.errors} == {
        3: "a geometry that cannot be read (Points of LinearRing do not form a closed linestring)",
        5: "has no geometry",
        6: "has no geometry",
        7: "a Point, not a polygon",
    }
    assert set(BAD_ROWS) == {issue.row for issue in log.errors}
    assert [(issue.row, issue.action) for issue in log if issue.severity == "warning"] == [(8, "its polygons used")]


def test_curves_become_polygons_and_surfaces_are_told(tmp_path: Path) -> None:
    found, log = read(curves(tmp_path, BOTH))
    assert same(found, shapely.union_all(BOTH))
    assert [(issue.row, issue.problem) for issue in log] == [
        (CURVE_ROWS[0], "a TIN, which cannot be read"),
        (CURVE_ROWS[1], "a PolyhedralSurface, which cannot be read"),
    ]


@pytest.mark.parametrize("dimensions", ["Z", "M", "ZM"])
def test_heights_and_measures_are_dropped(tmp_path: Path, dimensions: str) -> None:
    more = " 7" * len(dimensions)
    text = BOTH[0].wkt.replace("POLYGON", f"POLYGON {dimensions}").replace(",", f"{more},").replace("))", f"{more}))")
    (tmp_path / "curves.csv").write_text(f'id,WKT\n1,"{text}"\n')
    curves_vrt = curves(tmp_path, BOTH)
    (tmp_path / "curves.csv").write_text(f'id,WKT\n1,"{text}"\n')
    found, log = read(curves_vrt)
    assert same(found, BOTH[0]) and not len(log)
    assert not shapely.has_z(found) and not shapely.has_m(found)


def test_broken_polygons_of_geoparquet_are_told_too(tmp_path: Path) -> None:
    """A GeoParquet file, read without GDAL, with an unclosed ring, a TIN and a bow tie in WKB."""
    path = vector_file(tmp_path, "plain.parquet", BOTH)
    table = pq.read_table(path)
    wkb = [shapely.to_wkb(BOTH[0]), None, shapely.to_wkb(BOTH[1])[:-16], b"\1\xf8\3\0\0\0\0\0\0"]
    wkb[2] = wkb[2][:9] + (4).to_bytes(4, "little") + wkb[2][13:]
    bow = shapely.Polygon([(9.02, 46), (9.03, 46.01), (9.03, 46), (9.02, 46.01)])
    values = {"Name": list("abcde"), "geometry": pa.array([*wkb, shapely.to_wkb(bow)], pa.binary())}
    pq.write_table(pa.table(values).replace_schema_metadata(table.schema.metadata), path)
    found, log = read(path)
    assert found.area == pytest.approx(1.5e-4)
    assert [issue.row for issue in log.errors] == [3, 4, 5]
    assert ["closed" in log.errors[1].problem, "TIN" in log.errors[2].problem] == [True, True]
    assert [(issue.row, issue.action) for issue in log if issue.severity == "warning"] == [(6, "repaired")]


def test_layers_without_polygons_beside_others_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "survey.gpkg"
    geopandas.GeoDataFrame(geometry=[BOTH[0]], crs=4326).to_file(path, layer="slides")
    roads = [shapely.LineString([(9, 46), (9, 47 + i)]) for i in range(9)]
    geopandas.GeoDataFrame(geometry=roads, crs=4326).to_file(path, layer="roads")
    found, log = read(path)
    assert same(found, BOTH[0])
    assert [str(issue) for issue in log] == [f"{path}, layer roads: its 9 features are no polygons; layer not read"]


def test_coordinates_in_metres_that_call_themselves_degrees_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(json.dumps(shapely.geometry.mapping(shapely.box(500_000, 5_100_000, 500_100, 5_100_100))))
    assert [issue.problem for issue in read(path)[1]] == ["lies nowhere on Earth"]


def test_what_has_no_crs_of_the_earth_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    frame = geopandas.GeoDataFrame(geometry=[BOTH[0]])
    with pytest.warns(UserWarning, match="crs"):
        frame.to_file(path)
    with pytest.raises(MapError, match=r"x\.gpkg: .*coordinate reference system"):
        read(path)
    pyogrio.write_dataframe(frame.set_crs("+proj=eqc +R=3396190"), path)
    with pytest.raises(MapError, match="not one of the Earth"):
        read(path)


def test_archives_and_files_that_cannot_be_read_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
        archive.writestr("settings.json", "{}")
    with pytest.raises(MapError, match=r"x\.zip: no map layer in this archive"):
        read(path)
    path.write_bytes(b"PK\3\4 and no more")
    with pytest.raises(MapError, match=r"x\.zip: cannot be read"):
        read(path)
    for name, content in (("x.kmz", b"PK\3\4"), ("x.fgb", b"fgb"), ("x.parquet", b"PAR1"), ("x.kml", b"<kml>")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MapError, match=rf"{name}: cannot be read as polygons") as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_whole_numbers_stay_whole_beside_missing_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    geopandas.GeoDataFrame({"class": geopandas.pd.array([1, None], "Int64")}, geometry=list(BOTH), crs=4326).to_file(
        path
    )

    (layer,) = read_layers(path, IssueLog(path), MapError)
    assert [attribute_text(value) for value in layer.attributes["class"]] == ["1", ""]


CHINESE, GERMAN = ["四川", "汶川"], ["Graubünden", "Wallis"]


def shapefile(path: Path, names: list[str], encoding: str, *, driver: int = 0, keep_cpg: bool = False) -> Path:
    """Write a shapefile whose column `region` has the names; only `driver`, or a .cpg, says their encoding."""
    geopandas.GeoDataFrame({"region": names}, geometry=list(BOTH), crs=4326).to_file(path, encoding=encoding)
    if not keep_cpg:
        path.with_suffix(".cpg").unlink()
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = driver
    path.with_suffix(".dbf").write_bytes(table)
    return path


@pytest.mark.parametrize("driver", [0, 0x57])
@pytest.mark.parametrize(
    ("names", "encoding", "told"),
    [(CHINESE, "UTF-8", False), (GERMAN, "UTF-8", False), (GERMAN, "CP1252", True), (["a", "b"], "CP1252", False)],
)
def test_texts_of_a_shapefile_that_does_not_say_their_encoding(
    tmp_path: Path, names: list[str], encoding: str, told: bool, driver: int
) -> None:
    log = IssueLog("test")
    (found,) = read_layers(shapefile(tmp_path / "a.shp", names, encoding, driver=driver), log, MapError)
    assert found.attributes["region"].tolist() == names
    assert ["read as Windows-1252" in issue.action for issue in log] == [True] * told


def test_a_wrong_guess_at_an_encoding_is_told_with_the_way_out(tmp_path: Path) -> None:
    path, log = shapefile(tmp_path / "a.shp", CHINESE, "GB18030"), IssueLog("test")
    assert read_layers(path, log, MapError)[0].attributes["region"].tolist() != CHINESE
    (issue,) = log.issues
    assert "write the right one, such as GB18030, into a.cpg beside it" in issue.action
    path.with_suffix(".cpg").write_text("GB18030")
    assert read_layers(path, log, MapError)[0].attributes["region"].tolist() == CHINESE
    assert len(log) == 1


def test_an_encoding_that_a_shapefile_says_is_heeded(tmp_path: Path) -> None:
    log = IssueLog("test")
    for path in (
        shapefile(tmp_path / "a.shp", CHINESE, "GBK", driver=0x4D),  # Windows 936
        shapefile(tmp_path / "b.shp", CHINESE, "GB18030", keep_cpg=True),
    ):
        assert read_layers(path, log, MapError)[0].attributes["region"].tolist() == CHINESE
    assert not len(log)


def test_a_text_that_is_cut_within_a_character_is_still_utf_8(tmp_path: Path) -> None:
    path, log = shapefile(tmp_path / "a.shp", ["川" * 26, "x" * 80], "UTF-8"), IssueLog("test")
    table, cut = path.with_suffix(".dbf").read_bytes(), b"abc" + "川".encode() * 25 + "川".encode()[:2]
    path.with_suffix(".dbf").write_bytes(table.replace("川".encode() * 26 + b"  ", cut))
    assert read_layers(path, log, MapError)[0].attributes["region"].tolist() == ["abc" + "川" * 25, "x" * 80]
    assert not len(log)


def test_names_of_columns_are_decoded_as_the_texts_are(tmp_path: Path) -> None:
    path, log = tmp_path / "a.shp", IssueLog("test")
    geopandas.GeoDataFrame({"地区": [1, 2]}, geometry=list(BOTH), crs=4326).to_file(path, encoding="UTF-8")
    path.with_suffix(".cpg").unlink()
    assert read_layers(path, log, MapError)[0].attributes.columns.tolist() == ["地区"]
