"""Many landslides at once: selected by an area or by filters, one verdict, a record for each, one undo."""

import time
import uuid
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from tests.database.test_building import add
from tests.server.conftest import Client, decision, first
from tsmu.database import Database, Filters, query, reviews


def many(action: str, landslides: dict[str, int], **more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "action": action, "landslides": landslides} | more


def test_a_box_a_lasso_and_filters_select(client: Client, records: Database) -> None:
    table = query(records)
    west, south, east, north = table.total_bounds
    middle = (west + east) / 2
    with client() as browser:
        ask = lambda **params: browser.get("/api/selection", params=params).json()  # noqa: E731
        everything = ask()
        assert everything["landslides"] == dict.fromkeys(table["id"], 1)
        assert everything["area_m2"] == pytest.approx(table["area_m2"].sum())
        assert len(ask(min_area=8000)["landslides"]) == (table["area_m2"] >= 8000).sum()
        box = shapely.box(west, south, middle, north)
        expected = set(table["id"][table.intersects(box)])
        assert set(ask(bbox=f"{west},{south},{middle},{north}")["landslides"]) == expected
        triangle = shapely.Polygon([(west, south), (east, south), (west, north)])
        corners = ",".join(f"{x},{y}" for x, y in triangle.exterior.coords[:-1])
        assert set(ask(lasso=corners)["landslides"]) == set(table["id"][table.intersects(triangle)])
        one = first(records)
        browser.post("/api/decisions", json=decision("unsure", one))
        assert ask(state="unsure")["landslides"] == {one[0]: 2}
        for wrong in ("1,2,3", "1,2,3,4", "200,0,0,0,0,10", "x", "1,1,1,1,1,1", "nan,0,0,0,0,10"):
            assert browser.get("/api/selection", params={"lasso": wrong}).status_code == 400


def test_one_verdict_for_all_but_those_that_have_changed_and_one_undo(client: Client, records: Database) -> None:
    before = query(records).set_index("id")
    (changed, version), (other, _) = first(records, 0), first(records, 1)
    with client() as browser:
        chosen = browser.get("/api/selection").json()["landslides"]
        browser.post("/api/decisions", json=decision("accept", (changed, version), by="jo"))
        body = many("reject", chosen, why="clouds")
        made = browser.post("/api/decisions/many", json=body).json()
        assert made["left_out"] == [changed]
        assert {change["id"] for change in made["changes"]} == set(chosen) - {changed}
        again = browser.post("/api/decisions/many", json=body).json()
        assert again["repeated"] and len(again["changes"]) == len(made["changes"]) and again["left_out"] == [changed]
        status = query(records).set_index("id")["status"]
        assert status.drop(changed).eq("rejected").all() and status[changed] == "confirmed"
        entry = reviews(records, other).iloc[-1]
        assert (entry["action"], entry["why"], entry["by"]) == ("reject", "clouds", "eva")

        browser.post("/api/decisions", json=decision("accept", (other, 2), by="jo"))
        (third, _) = first(records, 2)
        for_a_moment = browser.post("/api/decisions", json=decision("unsure", (third, 2), by="jo")).json()
        taken_back = {"id": str(uuid.uuid4()), "by": "jo"} | for_a_moment["undo"]
        assert browser.post("/api/decisions", json=taken_back).status_code == 200
        undone = browser.post("/api/decisions", json={"id": "take-back-1"} | made["undo"]).json()
        assert undone["left_out"] == [other]
        found = query(records).set_index("id")
        assert found.drop([changed, other])["status"].eq("candidate").all()
        assert found.drop([changed, other])["author"].eq("run").all()
        assert found.geometry.equals(before.geometry)
        redone = browser.post("/api/decisions", json={"id": "make-again-1"} | undone["undo"]).json()
        assert len(redone["changes"]) == len(undone["changes"])
        assert query(records, Filters(status=["rejected"]))["id"].nunique() == len(undone["changes"])


def test_what_makes_no_sense_is_refused(client: Client, records: Database) -> None:
    chosen = dict([first(records)])
    with client() as browser:
        for body, told in (
            (many("merge", chosen), "accept, reject, unsure, bad imagery only"),
            (many("undo", chosen), "only"),
            (many("accept", {}), "landslides"),
        ):
            answer = browser.post("/api/decisions/many", json=body)
            assert answer.status_code == 422
            assert told in answer.json()["error"]
        assert client(write=False).post("/api/decisions/many", json=many("accept", chosen)).status_code == 403


def test_ten_thousand_are_decided_and_taken_back_in_seconds(client: Client, records: Database) -> None:
    number = np.arange(10_000 - len(query(records)))
    west, south = 7 + number % 100 * 0.01, 45 + number // 100 * 0.01
    shapes = shapely.box(west, south, west + 0.005, south + 0.005)
    polygons = geopandas.GeoDataFrame(geometry=shapes, crs=4326)
    add(records, polygons.assign(max_probability=0.9, mean_probability=0.7))
    with client() as browser:
        start = time.monotonic()
        chosen = browser.get("/api/selection").json()["landslides"]
        assert len(chosen) == 10_000
        made = browser.post("/api/decisions/many", json=many("reject", chosen)).json()
        decided = time.monotonic()
        assert len(made["changes"]) == 10_000
        undone = browser.post("/api/decisions", json={"id": "take-back-1"} | made["undo"]).json()
        taken_back = time.monotonic()
        assert len(undone["changes"]) == 10_000
        assert set(browser.get("/api/queue").json()["progress"].items()) >= {("open", 10_000), ("rejected", 0)}
    print(f"selected and decided in {decided - start:.1f} s, taken back in {taken_back - decided:.1f} s")
