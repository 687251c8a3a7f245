"""The server as users start it: a process of its own on a free port, beside other writers, killed, asked by GDAL."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

import geopandas
import pyogrio
import pytest
import shapely

from tests.conftest import Tsmu
from tests.database.conftest import squares
from tests.database.test_building import add
from tests.processes import interrupt
from tests.server.conftest import decision
from tests.server.serving import ask, log_of, serving
from tsmu import database as db
from tsmu.database import landslides_of_decision
from tsmu.workspace_folder import WorkspaceFolder


@pytest.fixture
def larger(survey: WorkspaceFolder) -> WorkspaceFolder:
    with db.open_database(survey.database) as records:
        add(records, squares(300))
    return survey


def test_the_server_ends_well_by_an_interruption(survey: WorkspaceFolder) -> None:
    with serving(survey) as (address, process):
        assert ask(f"{address}/api/queue?limit=1")["features"]
        assert interrupt(process) == 0
    assert "interrupted" not in log_of(survey).read_text()


def test_what_was_acknowledged_survives_a_kill(larger: WorkspaceFolder) -> None:
    acknowledged: dict[str, str] = {}
    with serving(larger, "--write") as (address, process):
        queue = ask(f"{address}/api/queue?order=size&limit=200")["features"]

        def decide() -> None:
            for feature in queue:
                body = decision("accept", (feature["id"], 1))
                try:
                    ask(f"{address}/api/decisions", body)
                except (URLError, ConnectionError, OSError):
                    return
                acknowledged[body["id"]] = feature["id"]

        deciding = threading.Thread(target=decide)
        deciding.start()
        while len(acknowledged) < 25:
            time.sleep(0.005)
        process.kill()
        deciding.join()
    assert 25 <= len(acknowledged) < 200
    with db.open_database(larger.database) as records:
        confirmed = db.query(records, db.Filters(status=["confirmed"]))
        assert set(acknowledged.values()) <= set(confirmed["id"])
        assert len(confirmed) - len(acknowledged) <= 1  # the one that nobody heard of any more
        assert db.check(records).empty


def test_readers_writers_and_a_mapping_run_lose_nothing(
    larger: WorkspaceFolder, seconds: float = 3, readers: int = 5
) -> None:
    made: list[str] = []
    failures: list[str] = []
    with serving(larger, "--write") as (address, _):
        end = time.monotonic() + seconds

        def look() -> None:
            while time.monotonic() < end:
                for path in ("queue?order=uncertainty", "landslides?limit=50", "tiles/6/33/22.mvt", "dashboard"):
                    try:
                        urllib.request.urlopen(f"{address}/api/{path}", timeout=60).read()
                    except HTTPError as error:
                        if error.code != 429:
                            failures.append(f"{path}: {error}")

        def write(name: str) -> None:
            while time.monotonic() < end:
                [feature] = ask(f"{address}/api/queue?order=size&limit=1")["features"]
                properties = feature["properties"]
                body = decision("comment", (feature["id"], properties["version"]), why="looked", by=name)
                try:
                    ask(f"{address}/api/decisions", body)
                    made.append(body["id"])
                except HTTPError as error:
                    if error.code not in (409, 429):
                        failures.append(str(error))
                time.sleep(0.05)

        threads = [threading.Thread(target=look) for _ in range(readers)]
        threads += [threading.Thread(target=write, args=(name,)) for name in ("eva", "jo", "kim")]
        for thread in threads:
            thread.start()
        mapping = (
            "import sys; from tests.database.conftest import *; from tests.database.test_building import NEWER, add;"
            "database = open_database(sys.argv[1]); add(database, squares(2000, 5), NEWER); database.close()"
        )
        subprocess.run([sys.executable, "-c", mapping, str(larger.database)], check=True, timeout=300)
        for thread in threads:
            thread.join()
    assert not failures
    assert made
    with db.open_database(larger.database) as records:
        assert all(landslides_of_decision(records, name) for name in made)
        assert len(db.query(records, db.Filters(bbox=(12, 45, 33, 47)))) == 2000
        assert db.check(records).empty


@pytest.mark.soak
def test_twenty_readers_and_three_writers_for_a_minute(larger: WorkspaceFolder) -> None:
    test_readers_writers_and_a_mapping_run_lose_nothing(larger, 60, 20)


def test_gdal_reads_filtered_features_page_by_page(larger: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with db.open_database(larger.database) as records:
        expected = db.query(records)
        some = expected["id"].iloc[0]
        db.review(records, some, status="confirmed", by="eva", why="seen")
    with serving(larger) as (address, _):
        source = f"OAPIF:{address}/ogc"
        assert pyogrio.list_layers(source).tolist()[0][0] == "landslides"
        found = pyogrio.read_dataframe(source, layer="landslides", PAGE_SIZE="7", INITIAL_REQUEST_PAGE_SIZE="7")
        assert sorted(found["id"]) == sorted(expected["id"])
        same = geopandas.GeoDataFrame(found).set_index("id").loc[expected["id"]]
        assert shapely.equals_exact(same.geometry.array, expected.geometry.array, 1e-9).all()
        box = (7.0, 45.9, 7.2, 46.1)
        boxed = pyogrio.read_dataframe(source, layer="landslides", bbox=box, PAGE_SIZE="7")
        assert set(boxed["id"]) == set(expected[expected.intersects(shapely.box(*box))]["id"])
        confirmed = pyogrio.read_dataframe(source, layer="landslides", where="status = 'confirmed'")
        assert confirmed["id"].to_list() == [some]


def test_features_are_filtered_by_cql2(larger: WorkspaceFolder) -> None:
    with db.open_database(larger.database) as records:
        slides = db.query(records)
    limit, box = float(slides["area_m2"].median()), (7.0, 45.9, 7.2, 46.1)
    large = slides[slides["area_m2"] >= limit]
    inside = large[large.intersects(shapely.box(*box))]
    text = f"area_m2 >= {limit!r} and S_INTERSECTS(geom, BBOX{box})"
    larger_than = {"op": ">=", "args": [{"property": "area_m2"}, limit]}
    with serving(larger) as (address, _):
        collection = ask(f"{address}/ogc/collections/landslides")
        links = {link["rel"]: link["href"] for link in reversed(collection["links"])}  # the first one is JSON

        def ids(**parameters: str) -> set[str]:
            page = ask(f"{links['items']}?{urlencode({'limit': '10000', **parameters})}")
            assert page["numberMatched"] == page["numberReturned"]
            return {feature["id"] for feature in page["features"]}

        assert 0 < len(inside) < len(large) < len(slides)
        assert ids(filter=text) == set(inside["id"])
        assert ids(**{"filter": json.dumps(larger_than), "filter-lang": "cql2-json"}) == set(large["id"])
        chosen = large["id"].iloc[0]
        assert ids(filter=f"area_m2 >= {limit!r}", id=chosen) == {chosen}  # or would not narrow it
        assert ids(filter="area_m2 < 0 or area_m2 > 0", id=chosen) == {chosen}
        described = ask(links["http://www.opengis.net/def/rel/ogc/1.0/queryables"])
        assert described["properties"]["area_m2"]["type"] == "number"
        assert "candidate" in described["properties"]["status"]["enum"]
        assert described["properties"]["date_max"]["format"] == "date"
        for name in described["properties"].keys() - {"geom"}:
            ids(filter=f"{name} is null")  # each can be asked for
        for bad in (
            {"filter": "area > 3"},
            {"filter": "area_m2 >"},
            {"filter": "area_m2 > 3", "filter-lang": "cql2-json"},
            {"filter": "area_m2 > 3", "filter-lang": "ecql"},
            {"filter": "area_m2 > 3", "filter-crs": "http://www.opengis.net/def/crs/EPSG/0/2056"},
        ):
            with pytest.raises(HTTPError) as caught:
                ids(**bad)
            assert caught.value.code == 400, bad


def test_the_features_api_keeps_to_the_standard(larger: WorkspaceFolder) -> None:
    with serving(larger) as (address, _):
        landing = ask(f"{address}/ogc")
        links = {link["rel"]: link["href"] for link in landing["links"]}
        assert {"self", "service-desc", "conformance", "data"} <= set(links)
        assert ask(links["service-desc"])["openapi"].startswith("3.")
        declared = ask(links["conformance"])["conformsTo"]
        assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in declared
        [collection] = ask(links["data"])["collections"]
        items = next(link["href"] for link in collection["links"] if link["rel"] == "items")
        ids: list[str] = []
        page = ask(f"{items}?limit=50&datetime=2024-04-15T00:00:00Z/..")
        while True:
            assert page["type"] == "FeatureCollection"
            assert page["numberReturned"] == len(page["features"]) <= 50
            assert page["timeStamp"].endswith("Z")
            ids += [feature["id"] for feature in page["features"]]
            following = [link["href"] for link in page["links"] if link["rel"] == "next"]
            if not following:
                break
            page = ask(following[0])
        assert len(ids) == len(set(ids)) == page["numberMatched"]
        one = ask(f"{items}/{ids[0]}")
        assert (one["type"], one["id"]) == ("Feature", ids[0])
        assert {"self", "collection"} <= {link["rel"] for link in one["links"]}
        assert ask(f"{items}?limit=100000")["numberReturned"] == len(ids)
        for bad in ("?limit=0", "?bbox=1,2", "?datetime=spring", "?datetime=2024-05-01T99:00:00Z/..", "?none=1"):
            with pytest.raises(HTTPError) as caught:
                ask(f"{items}{bad}")
            assert caught.value.code == 400, bad
            assert bad[1:].partition("=")[0] in json.loads(caught.value.read())["error"], bad
        for missing in (f"{items}/nothing", f"{address}/ogc/collections/none/items"):
            with pytest.raises(HTTPError, match="404"):
                ask(missing)


def test_a_server_that_ends_leaves_one_whole_file(larger: WorkspaceFolder) -> None:
    with serving(larger, "--write", "--reviewer", "kim") as (address, process):
        [feature] = ask(f"{address}/api/queue?limit=1&order=size")["features"]
        made = ask(
            f"{address}/api/decisions", {"id": str(uuid.uuid4()), "action": "reject", "landslides": {feature["id"]: 1}}
        )
        assert made["by"] == "kim"
        assert interrupt(process) == 0
    assert not list(larger.root.glob("landslides.gpkg-*"))
    layer = pyogrio.read_dataframe(larger.root / "landslides.gpkg", layer="landslide", where="status = 'rejected'")
    assert layer["changed_by"].to_list() == ["kim"]


def test_the_file_alone_has_what_was_decided_soon_after(larger: WorkspaceFolder, tmp_path: Path) -> None:
    def decisions_in_copy() -> int:
        copy = shutil.copyfile(larger.database, tmp_path / "copy.gpkg")
        with closing(sqlite3.connect(copy)) as connection:
            return int(connection.execute("SELECT count(DISTINCT decision_id) FROM review").fetchone()[0])

    with serving(larger, "--write") as (address, _):
        for feature in ask(f"{address}/api/queue?order=size&limit=20")["features"]:
            ask(f"{address}/api/decisions", decision("accept", (feature["id"], 1)))
        end = time.monotonic() + 60
        while decisions_in_copy() < 20 and time.monotonic() < end:
            time.sleep(0.5)
        assert decisions_in_copy() == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--host", "0.0.0.0"), "give --token-file"),
        (("--token-file", "none"), "cannot be read"),
        (("--dem", "none.tif"), "no such file"),
        (("--dem", "{root}/words.geojson"), "words.geojson: "),
        (("--dem", "{root}/scenes/valley/post.tif"), "has 3 bands; an elevation model has one"),
    ],
)
def test_a_server_that_would_be_unsafe_does_not_start(
    survey: WorkspaceFolder, tsmu: Tsmu, options: tuple[str, ...], message: str
) -> None:
    (survey.root / "words.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    options = tuple(option.format(root=survey.root) for option in options)
    done = tsmu("serve", "--workspace", survey.root, *options, "--json")
    assert done.returncode == 2
    assert message in json.loads(done.stdout)["error"]


def test_nothing_of_it_is_loaded_without_need() -> None:
    code = "import sys, tsmu, tsmu.cli; print([m for m in ('fastapi', 'uvicorn', 'rio_tiler') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
