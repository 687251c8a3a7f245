"""What the page asks for: landslides, their story, the queue, decisions, numbers."""

import io
import json
from dataclasses import replace
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import shapely

from tests.database.conftest import RUN
from tests.server.conftest import Client, decision, first
from tsmu.database import Database, Filters, SceneRecord, add_run, query, reviews, scenes
from tsmu.issues import IssueLog

STATES = ("open", "accepted", "rejected", "unsure", "bad imagery", "disputed")


def test_landslides_come_page_by_page(client: Client, records: Database) -> None:
    everything, ids, after = query(records), [], 0
    while after is not None:
        page = client().get("/api/landslides", params={"limit": 7, "after": after}).json()
        assert len(page["features"]) <= 7
        ids += [feature["id"] for feature in page["features"]]
        after = page["next"]
    assert sorted(ids) == sorted(everything["id"])
    west, south, east, north = everything.total_bounds
    half = f"{west},{south},{(west + east) / 2},{north}"
    found = client().get("/api/landslides", params={"bbox": half, "min_area": 5000}).json()["features"]
    expected = query(records, Filters(bbox=(west, south, (west + east) / 2, north), min_area=5000))
    assert {feature["id"] for feature in found} == set(expected["id"])
    assert 0 < len(found) < len(everything)


def test_one_landslide_with_its_story(client: Client, records: Database) -> None:
    landslide_id, version = first(records)
    with client() as browser:
        browser.post("/api/decisions", json=decision("accept", (landslide_id, version)))
        browser.post("/api/decisions", json=decision("reject", (landslide_id, version + 1), by="jo", why="a quarry"))
        answer = browser.get(f"/api/landslides/{landslide_id}").json()
    assert answer["feature"]["properties"]["status"] == "rejected"
    assert [v["version"] for v in answer["versions"]] == [1, 2, 3]
    assert answer["observations"][0]["bundle"] == "v001"
    assert {(v["by"], v["verdict"]) for v in answer["verdicts"]} == {("eva", "accept"), ("jo", "reject")}
    assert answer["disputed"]
    assert answer["reviews"][1]["why"] == "a quarry"
    assert client().get("/api/landslides/nothing").status_code == 404


def test_neighbours_are_the_nearest(client: Client, records: Database) -> None:
    landslide_id, _ = first(records)
    table = query(records).to_crs(query(records).estimate_utm_crs())
    boxes = table.geometry.envelope.centroid
    centre = boxes[table["id"] == landslide_id].iloc[0]
    expected = table["id"][boxes.distance(centre).sort_values().index[1:4]]
    found = client().get(f"/api/landslides/{landslide_id}/neighbours", params={"limit": 3}).json()["features"]
    assert [feature["id"] for feature in found] == expected.to_list()


@pytest.mark.parametrize("suffix", ["geojson", "csv", "gpkg"])
def test_what_is_filtered_is_exported(client: Client, records: Database, tmp_path: Path, suffix: str) -> None:
    answer = client().get(f"/api/export.{suffix}", params={"min_area": 8000})
    expected = query(records, Filters(min_area=8000))
    path = tmp_path / f"out.{suffix}"
    path.write_bytes(answer.content)
    if suffix == "csv":
        found = pd.read_csv(path)
        shapes = shapely.from_wkt(found["wkt"])
    else:
        found = geopandas.read_file(path)
        shapes = found.geometry
    assert sorted(found["id"]) == sorted(expected["id"])
    assert shapely.area(shapes).sum() == pytest.approx(shapely.area(expected.geometry).sum(), rel=1e-5)
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize("suffix", ["geojson", "csv", "gpkg"])
def test_an_export_has_the_review_its_comments_and_opinions(client: Client, records: Database, suffix: str) -> None:
    (one, version), (two, _) = first(records, 0), first(records, 1)
    with client() as browser:
        browser.post("/api/decisions", json=decision("accept", (one, version)))
        browser.post("/api/decisions", json=decision("unsure", (one, version + 1), by="jo"))
        browser.post("/api/decisions", json=decision("comment", (one, version + 2), why="a road cut"))
        browser.post("/api/decisions", json=decision("comment", (one, version + 2), why="=1+1", by="jo"))
        wrong = browser.post("/api/decisions", json=decision("comment", (two, 1), why="the wrong one")).json()
        browser.post("/api/decisions", json={"id": "take-back-1"} | wrong["undo"])
        answer = browser.get(f"/api/export.{suffix}")
    if suffix == "csv":
        found = pd.read_csv(io.StringIO(answer.text))
    else:
        found = geopandas.read_file(io.BytesIO(answer.content))
    found = found.set_index("id")
    assert found.loc[one, ["review_state", "opinions"]].to_list() == ["unsure", "eva: accept; jo: unsure"]
    first_comment, second_comment = found.loc[one, "comments"].split(" | ")
    assert (first_comment[:4], first_comment[-12:]) == ("eva ", ": a road cut")
    assert (second_comment[:3], second_comment[-6:]) == ("jo ", ": =1+1")
    assert found.loc[two, ["opinions", "comments"]].isna().all()
    assert (found["review_state"] == "open").sum() == len(found) - 1


def test_the_queue_is_what_nobody_decided_on_in_the_order_asked_for(client: Client, records: Database) -> None:
    table = query(records)
    with client() as browser:
        ask = lambda **more: browser.get("/api/queue", params={"limit": 200, **more}).json()  # noqa: E731
        sizes = [f["properties"]["area_m2"] for f in ask(order="size")["features"]]
        assert sizes == sorted(table["area_m2"], reverse=True)
        doubtful = ask(order="uncertainty", limit=1)["features"][0]["id"]
        observations = browser.get(f"/api/landslides/{doubtful}").json()["observations"]
        assert observations[0]["mean_probability"] == 0.5
        place = table.geometry.iloc[3].envelope.centroid
        near = ask(order="near", near=f"{place.x},{place.y}", limit=1)["features"][0]
        assert near["id"] == table["id"].iloc[3]
        largest = ask(order="size", near=f"{place.x},{place.y}", limit=5)["features"]
        assert [f["properties"]["area_m2"] for f in largest] == sizes[:5]
        without = {"without": [f["id"] for f in largest]}
        rest = browser.post("/api/queue", params={"order": "size", "limit": 5}, json=without).json()["features"]
        assert [f["properties"]["area_m2"] for f in rest] == sizes[5:10]
        nothing = {
            "open": 0,
            "accepted": 0,
            "rejected": 0,
            "unsure": 0,
            "bad imagery": 0,
            "disputed": 0,
            "decided": 0,
            "total": 0,
        }
        assert ask()["progress"] == nothing | {"open": len(table), "total": len(table)}
        made = browser.post("/api/decisions", json=decision("unsure", (near["id"], 1))).json()
        assert near["id"] not in [f["id"] for f in ask()["features"]]
        assert [f["id"] for f in ask(state="unsure")["features"]] == [near["id"]]
        assert ask(region="alps")["progress"]["unsure"] == 1
        assert ask(region="alps")["progress"]["decided"] == 0
        assert ask(region="jura")["progress"] == nothing
        shown = browser.get("/api/landslides", params={"review_state": "unsure"}).json()["features"]
        assert [(f["id"], f["properties"]["review_state"]) for f in shown] == [(near["id"], "unsure")]
        browser.post("/api/decisions", json={"id": "take-back-1"} | made["undo"])
        assert ask()["progress"]["open"] == len(table)


def test_the_most_uncertain_first_is_by_the_views_and_else_by_the_threshold(client: Client, records: Database) -> None:
    mapped = query(records)
    west, south = mapped.total_bounds[:2]
    shapes = [shapely.box(west - 0.1 * n, south, west - 0.1 * n + 0.001, south + 0.001) for n in (1, 2, 3, 4)]
    values = {
        "max_probability": 0.9,
        "mean_probability": [0.62, 0.85, 0.62, 0.9],
        "mean_deviation": [0.1, 0.2, None, None],
    }
    more = geopandas.GeoDataFrame(values, geometry=shapes, crs=4326)
    by = replace(RUN, threshold=60)
    add_run(records, more, SceneRecord("beside", shapely.box(west - 1, south, west, south + 1)), by, IssueLog("test"))
    params = {"order": "uncertainty", "bbox": f"{west - 1},{south - 1},{west - 0.01},{south + 1}"}
    found = client().get("/api/queue", params=params).json()["features"]
    order = [round((west + 0.001 - max(x for x, _ in f["geometry"]["coordinates"][0][0])) / 0.1) for f in found]
    assert order == [2, 1, 3, 4]
    story = client().get(f"/api/landslides/{found[0]['id']}").json()
    assert story["observations"][0]["mean_deviation"] == 0.2


def test_a_decision_sent_again_is_made_once(client: Client, records: Database) -> None:
    body = decision("accept", first(records))
    with client() as browser:
        once, twice = (browser.post("/api/decisions", json=body).json() for _ in range(2))
    assert (once["repeated"], twice["repeated"]) == (False, True)
    assert once["changes"] == twice["changes"]
    assert len(reviews(records, first(records)[0])) == 1


def test_a_conflict_shows_the_present_record_and_both_decisions_are_kept(client: Client, records: Database) -> None:
    landslide_id, version = first(records)
    with client() as browser:
        assert browser.post("/api/decisions", json=decision("accept", (landslide_id, version))).status_code == 200
        late = browser.post("/api/decisions", json=decision("reject", (landslide_id, version), by="jo"))
        assert late.status_code == 409
        present = late.json()["present"][0]["properties"]
        assert (present["version"], present["status"], present["changed_by"]) == (2, "confirmed", "eva")
        again = browser.post("/api/decisions", json=decision("reject", (landslide_id, present["version"]), by="jo"))
        assert again.status_code == 200
        answer = browser.get("/api/reviewers").json()
    assert answer["disputed"] == [landslide_id]
    assert answer["agreement"][0] | {"kappa": 0} == {
        "reviewers": ["eva", "jo"],
        "landslides": 1,
        "same": 0,
        "agreement": 0.0,
        "kappa": 0,
    }


def test_shapes_are_drawn_edited_split_and_merged(client: Client, records: Database) -> None:
    scene = scenes(records)["id"].item()
    place = query(records).geometry[0].envelope.centroid
    outline = shapely.geometry.mapping(shapely.box(place.x, place.y, place.x + 0.001, place.y + 0.001))
    middle = place.x + 0.0005
    line = {"type": "LineString", "coordinates": [[middle, place.y - 1], [middle, place.y + 1]]}
    with client() as browser:
        send = lambda body: browser.post("/api/decisions", json=body).json()["changes"]  # noqa: E731
        [drawn] = send(decision("draw", geometry=outline, scene=scene, region="alps"))
        kept, part = send(decision("split", (drawn["id"], 1), geometry=line))
        merged = send(decision("merge", (kept["id"], 2), (part["id"], 1)))
        assert [change["status"] for change in merged] == ["confirmed", "merged"]
        edited = send(decision("edit", (drawn["id"], 3), geometry=outline))
        assert edited[0]["version_after"] == 4
        assert (
            client().get("/api/landslides", params={"status": "confirmed"}).json()["features"][0]["id"] == drawn["id"]
        )


def test_the_dashboard_counts_what_the_database_holds(client: Client, records: Database) -> None:
    with client() as browser:
        browser.post("/api/decisions", json=decision("accept", first(records, 0)))
        browser.post("/api/decisions", json=decision("reject", first(records, 1)))
        answer = browser.get("/api/dashboard").json()
    table = query(records)
    assert {row["month"] for row in answer["counts"]} == {"2024-05"}
    assert sum(row["landslides"] for row in answer["counts"]) == len(table)
    assert sum(row["area_m2"] for row in answer["counts"]) == pytest.approx(table["area_m2"].sum())
    progress = answer["progress"]
    assert (progress["accepted"], progress["rejected"], progress["decided"]) == (1, 1, 2)
    assert (progress["open"], progress["total"]) == (len(table) - 2, len(table))
    by_state = [row["landslides"] for row in answer["counts"] if row["review_state"] == "open"]
    assert sum(by_state) == progress["open"]
    assert answer["work"] == [
        {"by": "eva", "landslides": 2, "accept": 1, "reject": 1, "unsure": 0, "bad imagery": 0},
    ]
    assert (answer["model"][0]["precision"], answer["model"][0]["recall"]) == (0.5, None)
    answer = client().get("/api/info").json()
    assert answer["write"] is True
    assert answer["person"] == {"name": "eva", "role": "reviewer"}
    assert client(write=False).get("/api/info").json()["person"]["role"] == "viewer"
    assert (answer["name"], answer["events"]) == ("survey", [])
    assert str(records.name) not in json.dumps(answer)


def test_an_area_that_was_looked_at_is_noted_once(client: Client) -> None:
    [scene] = client().get("/api/scenes").json()
    body = {
        "id": "looked-at-1",
        "scene": scene["id"],
        "geometry": shapely.geometry.mapping(shapely.box(*scene["bounds"])),
    }
    with client() as browser:
        assert len({browser.post("/api/areas", json=body).json()["id"] for _ in range(2)}) == 1
        assert browser.post("/api/areas", json=body | {"id": "looked-at-2", "scene": "none"}).status_code == 404


def test_the_api_tells_itself_without_anything_from_elsewhere(client: Client) -> None:
    page = client().get("/docs")
    assert page.status_code == 200
    assert "POST /api/decisions" in page.text
    for address in json.dumps(client().get("/openapi.json").json()["paths"]).split('"'):
        if address.startswith("/api/"):
            assert address in page.text
    assert "http://" not in page.text and "https://" not in page.text and "<script" not in page.text
    assert client().get("/docs.css").status_code == 200
