"""OGC API - Features: each conformance class that is claimed, by the requirements of the standard, and by GDAL."""

import json
import subprocess
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from starlette.testclient import TestClient

from tests.server.conftest import Client, decision, first
from tests.server.serving import serving
from tsmu.database import Database, query
from tsmu.server.query_parameters import DEFAULT_PAGE, MAX_PAGE
from tsmu.workspace_folder import WorkspaceFolder

CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
CRS_PART = "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf"
FILTERING = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf"
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"
COLLECTION = "/ogc/collections/landslides"
ITEMS = f"{COLLECTION}/items"
RESOURCES = ("/ogc", "/ogc/conformance", "/ogc/collections", COLLECTION, f"{COLLECTION}/queryables", ITEMS)
TESTED = {  # by the class, the test of its requirements
    f"{CORE}/core": "test_core_resources_link_to_each_other_and_refuse_what_they_do_not_know",
    f"{CORE}/geojson": "test_core_numbers_are_exact_and_extents_true",
    f"{CORE}/html": "test_html_is_given_to_who_asks_for_it",
    f"{CRS_PART}/crs": "test_coordinates_come_in_each_system_with_its_axes",
    f"{FILTERING}/queryables": "test_queryables_are_a_json_schema",
    f"{FILTERING}/queryables-query-parameters": "test_filters_give_what_they_say",
    f"{FILTERING}/filter": "test_filters_give_what_they_say",
    f"{FILTERING}/features-filter": "test_filters_take_geometries_of_each_system",
    f"{CQL2}/cql2-text": "test_filters_give_what_they_say",
    f"{CQL2}/cql2-json": "test_filters_give_what_they_say",
    f"{CQL2}/basic-cql2": "test_filters_give_what_they_say",
    f"{CQL2}/basic-spatial-functions": "test_filters_take_geometries_of_each_system",
}


@pytest.fixture
def ogc(client: Client) -> TestClient:
    return client()


@pytest.fixture
def slides(records: Database) -> geopandas.GeoDataFrame:
    return query(records)


def ids(ogc: TestClient, **parameters: Any) -> set[str]:
    """Ids of the features that fulfil parameters; the numbers in the answer must be right."""
    answer = ogc.get(ITEMS, params={"limit": 10_000, **parameters})
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["numberMatched"] == page["numberReturned"] == len(page["features"])
    return {feature["id"] for feature in page["features"]}


def middle_box(slides: geopandas.GeoDataFrame) -> tuple[float, float, float, float]:
    """A box whose sides go through landslides."""
    centres = shapely.get_coordinates(slides.geometry.representative_point())
    west, south = np.quantile(centres, 0.2, axis=0)
    east, north = np.quantile(centres, 0.8, axis=0)
    return float(west), float(south), float(east), float(north)


def test_the_classes_that_are_claimed_are_those_that_are_tested(ogc: TestClient) -> None:
    assert set(ogc.get("/ogc/conformance").json()["conformsTo"]) == set(TESTED)
    assert set(TESTED.values()) <= set(globals())


def test_core_resources_link_to_each_other_and_refuse_what_they_do_not_know(
    ogc: TestClient, slides: geopandas.GeoDataFrame
) -> None:
    for path in (*RESOURCES, f"{ITEMS}/{slides['id'][0]}"):
        answer, head = ogc.get(path), ogc.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-security-policy"):
            assert head.headers[name] == answer.headers[name]
        assert ogc.get(path, params={"nothing": "1"}).status_code == 400
        assert ogc.get(path, params={"f": "xml"}).status_code == 400
        links = answer.json().get("links", [])
        if links:
            assert {"self"} <= {link["rel"] for link in links}
        for link in links:
            assert {"href", "rel", "type", "title"} <= link.keys()
            media_type = ogc.get(link["href"]).headers["content-type"]
            if link["rel"] != "service-desc":  # which is plain JSON
                assert media_type.startswith(link["type"].partition(";")[0]), link
    assert ogc.get(f"{ITEMS}/none").status_code == 404
    assert ogc.head("/ogc/collections/none").status_code == 404


def test_core_numbers_are_exact_and_extents_true(ogc: TestClient, slides: geopandas.GeoDataFrame) -> None:
    box = middle_box(slides)
    inside = set(slides["id"][slides.intersects(shapely.box(*box))])
    assert 0 < len(inside) < len(slides)
    text = ",".join(map(str, box))
    assert ids(ogc, bbox=text) == inside
    page = ogc.get(ITEMS, params={"bbox": text, "limit": 2}).json()
    assert (page["numberMatched"], len(page["features"])) == (len(inside), page["numberReturned"])
    assert ogc.get(ITEMS).headers["content-type"] == "application/geo+json"
    extent = ogc.get(COLLECTION).json()["extent"]
    np.testing.assert_allclose(extent["spatial"]["bbox"][0], slides.total_bounds, atol=2e-5)
    assert extent["temporal"]["interval"] == [["2024-04-01T00:00:00Z", "2024-05-01T23:59:59Z"]]


def test_html_is_given_to_who_asks_for_it(client: Client, records: Database) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    with client() as ogc:
        script = "<script>alert(1)</script>"
        ogc.post("/api/decisions", json=decision("comment", first(records), why="x", by=script))
        ogc.post("/api/decisions", json=decision("accept", first(records), by=script))
        for path in (*RESOURCES, f"{ITEMS}/{first(records)[0]}"):
            by_header, by_name = ogc.get(path, headers=browser), ogc.get(path, params={"f": "html"})
            assert by_header.headers["content-type"] == by_name.headers["content-type"] == "text/html; charset=utf-8"
            assert "Accept" in by_header.headers["vary"]
            assert "<h1>" in by_header.text and "<script>" not in by_header.text
            assert "json" in ogc.get(path, headers=browser, params={"f": "json"}).headers["content-type"]
            assert "json" in ogc.get(path, headers={"Accept": "*/*"}).headers["content-type"]
            accepted = {"Accept": "application/geo+json, text/html;q=0.5"}
            assert "json" in ogc.get(path, headers=accepted).headers["content-type"]
            alternates = [link for link in ogc.get(path).json().get("links", []) if link["rel"] == "alternate"]
            assert all(ogc.get(link["href"]).headers["content-type"].startswith("text/html") for link in alternates)
        page = ogc.get(ITEMS, params={"f": "html", "limit": 3})
        assert page.text.count("/items/") >= 3
        assert "next page" in page.text


@pytest.mark.parametrize(("uri", "epsg"), [(CRS84, 4326), (f"{EPSG}/4326", 4326), (f"{EPSG}/3857", 3857)])
def test_coordinates_come_in_each_system_with_its_axes(
    ogc: TestClient, slides: geopandas.GeoDataFrame, uri: str, epsg: int
) -> None:
    described = ogc.get(COLLECTION).json()
    assert described["storageCrs"] == CRS84
    assert uri in described["crs"] and CRS84 in described["crs"]
    answer = ogc.get(ITEMS, params={"crs": uri, "limit": 1})
    assert answer.headers["content-crs"] == f"<{uri}>"
    feature = answer.json()["features"][0]
    one = ogc.get(f"{ITEMS}/{feature['id']}", params={"crs": uri})
    assert one.headers["content-crs"] == f"<{uri}>"
    assert one.json()["geometry"] == feature["geometry"]
    to_crs = pyproj.Transformer.from_crs("OGC:CRS84", "OGC:CRS84" if uri == CRS84 else epsg)
    stored = shapely.get_coordinates(slides.set_index("id").loc[feature["id"], "geometry"])
    expected = np.column_stack(to_crs.transform(*stored.T))
    np.testing.assert_allclose(shapely.get_coordinates(shapely.geometry.shape(feature["geometry"])), expected)
    box = middle_box(slides)
    lower, upper = np.column_stack(to_crs.transform(box[::2], box[1::2]))
    text = ",".join(map(str, [*lower, *upper]))
    assert ids(ogc, **{"bbox": text, "bbox-crs": uri, "crs": uri}) == ids(ogc, bbox=",".join(map(str, box)))
    for name in ("crs", "bbox-crs", "filter-crs"):
        assert ogc.get(ITEMS, params={name: f"{EPSG}/2056", "bbox": text}).status_code == 400
    assert ogc.get(f"{ITEMS}/{feature['id']}", params={"crs": "EPSG:3857"}).status_code == 400


def test_without_a_system_coordinates_are_degrees_longitude_first(ogc: TestClient) -> None:
    assert ogc.get(ITEMS).headers["content-crs"] == f"<{CRS84}>"
    west, south, *_ = shapely.geometry.shape(ogc.get(ITEMS).json()["features"][0]["geometry"]).bounds
    assert west < -100 and 40 < south < 50


def test_queryables_are_a_json_schema(ogc: TestClient) -> None:
    [link] = [one for one in ogc.get(COLLECTION).json()["links"] if one["rel"].endswith("/queryables")]
    answer = ogc.get(link["href"])
    assert answer.headers["content-type"] == "application/schema+json"
    schema = answer.json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert schema["$id"] == link["href"]
    assert schema["properties"]["geom"]["format"] == "geometry-multipolygon"
    for name in schema["properties"].keys() - {"geom"}:
        ids(ogc, filter=f"{name} is null")


FILTERS = (
    "area_m2 > 8000",
    "not area_m2 > 8000",
    "area_m2 <> 0 and (area_m2 <= 5000 or area_m2 >= 9000)",
    "5000 < area_m2",
    "status = 'candidate'",
    "trigger is null",
    "region is not null",
    "date_max = DATE('2024-05-01')",
    "date_max < DATE('2024-05-01')",
    "changed_at > TIMESTAMP('2020-01-01T00:00:00Z')",
    "true",
)


@pytest.mark.parametrize("text", FILTERS)
def test_filters_give_what_they_say(ogc: TestClient, slides: geopandas.GeoDataFrame, text: str) -> None:
    import cql2

    area = slides["area_m2"]
    expected = {
        FILTERS[0]: area > 8000,
        FILTERS[1]: area <= 8000,
        FILTERS[2]: (area <= 5000) | (area >= 9000),
        FILTERS[3]: area > 5000,
        FILTERS[8]: area < 0,
    }.get(text, area > 0)
    found = ids(ogc, filter=text)
    assert found == set(slides["id"][expected])
    as_json = json.dumps(cql2.parse_text(text).to_json())
    if as_json.startswith("{"):  # true alone is no object
        assert ids(ogc, **{"filter": as_json, "filter-lang": "cql2-json"}) == found
    one = slides["id"][0]
    assert ids(ogc, id=one, filter=text) == ({one} & found)
    assert ids(ogc, status="rejected", filter=text) == set()
    assert ogc.get(ITEMS, params={"filter": f"({text}"}).status_code == 400


@pytest.mark.parametrize(("uri", "crs"), [(CRS84, "OGC:CRS84"), (f"{EPSG}/4326", 4326), (f"{EPSG}/3857", 3857)])
def test_filters_take_geometries_of_each_system(
    ogc: TestClient, slides: geopandas.GeoDataFrame, uri: str, crs: Any
) -> None:
    box = middle_box(slides)
    to_crs = pyproj.Transformer.from_crs("OGC:CRS84", crs)
    area = shapely.transform(shapely.box(*box), lambda points: np.column_stack(to_crs.transform(*points.T)))
    lower, upper = np.column_stack(to_crs.transform(box[::2], box[1::2]))
    sides = ", ".join(map(repr, map(float, [*lower, *upper])))
    inside = set(slides["id"][slides.intersects(shapely.box(*box))])
    for shape in (area.wkt, f"BBOX({sides})"):
        assert ids(ogc, **{"filter": f"S_INTERSECTS(geom, {shape})", "filter-crs": uri}) == inside
    centre = shapely.transform(
        slides.geometry[0].representative_point(), lambda points: np.column_stack(to_crs.transform(*points.T))
    )
    assert slides["id"][0] in ids(ogc, **{"filter": f"S_INTERSECTS(geom, {centre.wkt})", "filter-crs": uri})


def test_landslides_that_went_into_others_are_given_to_who_asks_for_them(
    ogc: TestClient, slides: geopandas.GeoDataFrame
) -> None:
    first, second, third = slides["id"][:3]
    for action, these in (("merge", [first, second]), ("reject", [third])):
        assert ogc.post("/api/decisions", json=decision(action, *((one, 1) for one in these))).status_code == 200
    shown = set(slides["id"]) - {second}
    assert ids(ogc) == ids(ogc, filter="area_m2 > 0") == shown  # as /api/landslides
    assert ids(ogc, status="merged") == ids(ogc, filter="status = 'merged'") == {second}
    assert ids(ogc, merged_into=first) == ids(ogc, filter=f"NOT (merged_into <> '{first}')") == {second}
    assert ids(ogc, filter="status IN ('merged', 'rejected')") == {second, third}
    in_json = {"filter": '{"op": "=", "args": [{"property": "status"}, "merged"]}', "filter-lang": "cql2-json"}
    assert ids(ogc, **in_json) == {second}
    assert ogc.get(f"{ITEMS}/{second}").status_code == 200


@pytest.mark.parametrize(
    ("west", "east", "whole"), [(1e9, 2e9, False), (-2e9, -1e9, False), (2.1e7, 2.2e7, False), (-3e7, 3e7, True)]
)
def test_what_lies_beyond_the_world_has_nothing(
    ogc: TestClient, slides: geopandas.GeoDataFrame, west: float, east: float, whole: bool
) -> None:
    uri = "http://www.opengis.net/def/crs/EPSG/0/3857"
    expected = set(slides["id"]) if whole else set()
    assert ids(ogc, **{"bbox": f"{west},-2e7,{east},2e7", "bbox-crs": uri}) == expected
    box, area = f"S_INTERSECTS(geom, BBOX({west}, -2e7, {east}, 2e7))", shapely.box(west, -2e7, east, 2e7).wkt
    assert ids(ogc, **{"filter": box, "filter-crs": uri}) == expected
    answer = ogc.get(ITEMS, params={"filter": f"S_INTERSECTS(geom, {area})", "filter-crs": uri, "limit": 10_000})
    assert answer.status_code == (200 if whole else 400)  # nothing is left of an area that lies beyond


READ_BY_OGR = """
import json, sys
from osgeo import ogr
ogr.UseExceptions()
source = ogr.Open("OAPIF:" + sys.argv[1])
layer = source.GetLayerByName("landslides")
whole = layer.GetFeatureCount()
extent = layer.GetExtent()
west, south, east, north = map(float, sys.argv[2:])
layer.SetSpatialFilterRect(west, south, east, north)
inside = sorted(feature.GetField("id") for feature in layer)
count = layer.GetFeatureCount()
layer.SetSpatialFilter(None)
layer.SetAttributeFilter("area_m2 > 8000 AND status = 'candidate'")
print(json.dumps([whole, extent, inside, count, sorted(feature.GetField("id") for feature in layer)]))
"""


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="the system's Python, with GDAL")
def test_gdal_of_the_system_counts_and_filters(survey: WorkspaceFolder, slides: geopandas.GeoDataFrame) -> None:
    if subprocess.run(["/usr/bin/python3", "-c", "from osgeo import ogr"], capture_output=True, check=False).returncode:
        pytest.skip("GDAL in the system's Python (Debian: python3-gdal)")
    box = middle_box(slides)
    with serving(survey) as (address, _):
        command = ["/usr/bin/python3", "-c", READ_BY_OGR, f"{address}/ogc", *map(str, box)]
        environment = {"NO_PROXY": "127.0.0.1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    whole, extent, inside, count, large = json.loads(done.stdout)
    expected = sorted(slides["id"][slides.intersects(shapely.box(*box))])
    assert whole == len(slides)
    np.testing.assert_allclose(extent, slides.total_bounds[[0, 2, 1, 3]], atol=1e-4)
    assert inside == expected
    assert count == len(expected)
    assert large == sorted(slides["id"][slides["area_m2"] > 8000])


def test_gdal_reads_in_another_system(
    survey: WorkspaceFolder, slides: geopandas.GeoDataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    expected = slides.set_index("id").geometry
    with serving(survey) as (address, _):
        found = pyogrio.read_dataframe(f"OAPIF:{address}/ogc", layer="landslides", CRS="EPSG:3857")
    assert found.crs == "EPSG:3857"
    np.testing.assert_allclose(
        shapely.get_coordinates(found.set_index("id").loc[expected.index].geometry),
        shapely.get_coordinates(expected.to_crs(3857)),
        rtol=1e-9,
    )


def test_the_page_size_is_told_where_qgis_looks_for_it(ogc: TestClient) -> None:
    limit = ogc.get("/openapi.json").json()["components"]["parameters"]["limit"]
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}
