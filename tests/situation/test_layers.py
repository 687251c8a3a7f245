"""The layers beside a report: what GIS, phones and catalogues read of them."""

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from tsmu.errors import SituationError
from tsmu.inventory import import_inventory
from tsmu.issues import IssueLog
from tsmu.situation import MapMethod, ReportFiles, Situation, write_report
from tsmu.vectors import GROUND_LAYER

SHOWN = ("candidate", "confirmed")
KML = "{http://www.opengis.net/kml/2.2}"


@pytest.mark.parametrize("name", ["situation.gpkg", "landslides.fgb"])
def test_landslides_are_read_as_they_were(situation: Situation, report: ReportFiles, name: str) -> None:
    written = pyogrio.read_dataframe(report.layers / name, layer="landslides").set_index("id")
    shown = situation.landslides[situation.landslides["status"].isin(SHOWN)].set_index("id")
    assert set(written.index) == set(shown.index)
    assert written.crs.to_epsg() == 4326
    assert set(written.geom_type) == {"MultiPolygon"}
    for column in ("status", "area_m2", "probability"):
        assert written[column].to_dict() == shown[column].to_dict()
    assert written.sort_values("number")["area_m2"].is_monotonic_decreasing
    assert set(written["date_min"]) == {"2024-03-12"}
    for key, outline in shown.geometry.items():
        assert written.geometry[key].equals(outline)


def test_observed_ground_is_outlined(situation: Situation, report: ReportFiles) -> None:
    table = pyogrio.read_dataframe(report.layers / "situation.gpkg", layer="observed")
    assert table.geometry.is_valid.all()
    facts = json.loads(report.facts.read_text())["ground"]
    for value, name in ((1, "seen_m2"), (2, "not_before_m2"), (3, "not_after_m2"), (4, "neither_m2")):
        assert table["area_m2"][table["class"] == value].sum() == pytest.approx(facts[name], rel=0.003)
    assert set(table["zone"]) == {zone.name for zone in situation.zones}


def test_the_geopackage_has_its_styles_and_all_layers(
    situation: Situation, report: ReportFiles, tmp_path: Path
) -> None:
    package = shutil.copy(report.layers / "situation.gpkg", tmp_path / "copy.gpkg")
    names = {name for name, _ in pyogrio.list_layers(package)}
    assert names == {"landslides", "observed", "area", "districts", "layer_styles"}
    with closing(sqlite3.connect(package)) as connection:
        rows = connection.execute(
            "SELECT f_table_name, f_geometry_column, styleName, styleQML, useAsDefault FROM layer_styles"
        ).fetchall()
        geometry = dict(connection.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
    assert {(row[0], row[2]) for row in rows if row[4]} == {
        ("landslides", "status"), ("observed", "observed"), ("area", "area"), ("districts", "districts"),
    }  # fmt: skip
    assert all(geometry[row[0]] == row[1] for row in rows)
    for row in rows:
        assert ET.fromstring(row[3].split("\n", 1)[1]).tag == "qgis"
    districts = pyogrio.read_dataframe(package, layer="districts")
    assert set(districts["name"]) == {"Westland", "Midland", "Southeast"}
    assert districts["landslides"].sum() <= len(situation.landslides)


def test_styles_lie_beside_what_they_are_for(report: ReportFiles) -> None:
    for style in ("landslides.qml", "EPSG_32651/observed.qml", "EPSG_32652/probability.qml"):
        assert (report.layers / style).with_suffix(".fgb" if style[0] == "l" else ".tif").exists()
    with rasterio.open(report.layers / "EPSG_32651" / "observed.tif") as dataset:
        values = set(np.unique(dataset.read(1)).tolist()) - {0}
    styled = ET.fromstring((report.layers / "EPSG_32651" / "observed.qml").read_text().split("\n", 1)[1])
    entries = {int(entry.get("value", "")): entry.get("label") for entry in styled.iter("paletteEntry")}
    assert values <= set(entries)
    assert entries[3] == "not seen after"
    steps = ET.fromstring((report.layers / "EPSG_32651" / "probability.qml").read_text().split("\n", 1)[1]).iter("item")
    assert [item.get("label") for item in steps][0::5] == ["under 10 %", "90 to 100 %"]


def test_kmz_holds_all_landslides_with_what_is_known(situation: Situation, report: ReportFiles) -> None:
    shown = situation.landslides[situation.landslides["status"].isin(SHOWN)]
    path = report.layers / "landslides.kmz"
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    read = [pyogrio.read_dataframe(path, layer=name) for name in layers if name.startswith("Landslides")]
    assert sum(map(len, read)) == len(shown)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"doc.kml", "icons/candidate.png", "icons/confirmed.png"}
        root = ET.fromstring(archive.read("doc.kml"))
    styles = {style.get("id") for style in root.iter(f"{KML}Style")}
    marks = [mark for mark in root.iter(f"{KML}Placemark") if mark.find(f"{KML}ExtendedData") is not None]
    data = [{entry.get("name"): entry.findtext(f"{KML}value") for entry in mark.iter(f"{KML}Data")} for mark in marks]
    assert {entry["id"] for entry in data} == set(shown["id"])
    assert all({"area", "probability", "first_day", "last_day", "place"} <= set(entry) for entry in data)
    assert all((mark.findtext(f"{KML}styleUrl") or "")[1:] in styles for mark in root.iter(f"{KML}Placemark"))
    assert not [link.text for link in root.iter(f"{KML}href") if "://" in (link.text or "")]
    assert GROUND_LAYER in layers
    log = IssueLog(path)
    inventory = import_inventory(path, None, None, log).events  # whoever gets it may import it
    assert any(GROUND_LAYER in str(issue) for issue in log)
    assert set(inventory["source_id"]) == set(shown["id"])


def test_kmz_of_hostile_names(situation: Situation, tmp_path: Path) -> None:
    evil = "</name><script>&\x00]]>"
    landslides = situation.landslides.assign(id=[f"{evil}{i}" for i in range(len(situation.landslides))])
    files = write_report(replace(situation, name=evil, landslides=landslides), tmp_path / "report")
    with zipfile.ZipFile(files.layers / "landslides.kmz") as archive:
        root = ET.fromstring(archive.read("doc.kml"))
    assert not list(root.iter(f"{KML}script"))
    assert (root.findtext(f"{KML}Document/{KML}name") or "").startswith("</name><script>&]]>: landslides")


def validated(folder: Path) -> list[pystac.STACObject]:
    """The catalogue and its items, checked by the specification's own schemas, which pystac has."""
    catalogue = pystac.Catalog.from_file(str(folder / "catalog.json"))
    objects: list[pystac.STACObject] = [catalogue, *catalogue.get_items(recursive=True)]
    validator = JsonSchemaSTACValidator()
    for one in objects:
        validator.validate_core(one.to_dict(include_self_link=False), one.STAC_OBJECT_TYPE, pystac.get_stac_version())
    return objects


def test_the_catalogue_is_valid_and_complete_in_its_folder(report: ReportFiles, tmp_path: Path) -> None:
    folder = shutil.copytree(report.layers, tmp_path / "elsewhere")
    _, *items = validated(folder)
    assert len(items) == 7
    named = set()
    for item in items:
        assert isinstance(item, pystac.Item)
        for link in json.loads(Path(item.self_href).read_text())["links"]:
            assert link["href"].startswith("."), link
            assert (Path(item.self_href).parent / link["href"]).exists()
        for asset in item.assets.values():
            assert not Path(asset.href).is_absolute()
            path = (Path(item.self_href).parent / asset.href).resolve()
            assert path.is_relative_to(folder)
            assert path.exists()
            named.add(path.relative_to(folder).as_posix())
            if path.suffix == ".tif":
                with rasterio.open(path) as dataset:
                    assert asset.extra_fields["proj:code"] == dataset.crs.to_string()
                    assert asset.extra_fields["proj:shape"] == list(dataset.shape)
                    assert len(asset.extra_fields["bands"]) == dataset.count
                assert asset.media_type == pystac.MediaType.COG
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.tif")} <= named


def test_a_map_of_a_decoder_names_its_model(situation: Situation, tmp_path: Path) -> None:
    model = tmp_path / "models" / "v003"
    model.mkdir(parents=True)
    (model / "weights.safetensors").write_bytes(b"weights")
    item = {
        "type": "Feature", "stac_version": "1.1.0", "id": "tsmu-v003", "geometry": None, "links": [],
        "stac_extensions": ["https://stac-extensions.github.io/mlm/v1.4.0/schema.json"],
        "properties": {"datetime": "2024-01-01T00:00:00Z", "mlm:name": "tsmu"},
        "assets": {"weights": {"href": "weights.safetensors", "roles": ["mlm:model"]}},
    }  # fmt: skip
    (model / "bundle.json").write_text(json.dumps(item))
    method = MapMethod("alps", "v003", 40, model=model / "bundle.json")
    files = write_report(replace(situation, method=method), tmp_path / "reports" / "first")
    result = json.loads((files.layers / "EPSG_32651" / "EPSG_32651-landslides.json").read_text())
    (link,) = [link for link in result["links"] if link.get("mlm:name")]
    assert (link["rel"], link["mlm:name"]) == ("derived_from", "tsmu")
    copy = (files.layers / "EPSG_32651" / link["href"]).resolve()
    expression = result["assets"]["probability"]["processing:expression"]
    assert expression["format"] == "stac-mlm"
    assert (files.layers / "EPSG_32651" / expression["expression"]).resolve() == copy
    copied = json.loads(copy.read_text())
    assert copied["properties"]["mlm:name"] == "tsmu"
    assert (copy.parent / copied["assets"]["weights"]["href"]).resolve() == model / "weights.safetensors"
    assert len(validated(files.layers)) == 9
    assert "decoder alps, version v003 of the model. Landslide: from 40 % on" in files.page.read_text("utf-8").replace(
        "\xa0", " "
    )


def test_what_is_no_model_is_refused(situation: Situation, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text("[]")
    method = MapMethod("alps", "v003", 40, model=tmp_path / "bundle.json")
    with pytest.raises(SituationError, match=r"bundle\.json: is no STAC item of a model"):
        replace(situation, method=method)


def test_rasters_take_no_room_where_the_disk_links(situation: Situation, report: ReportFiles) -> None:
    own = situation.zones[0].post
    layer = report.layers / "EPSG_32651" / "post.tif"
    assert layer.read_bytes() == own.read_bytes()
    assert layer.stat().st_ino == own.stat().st_ino
