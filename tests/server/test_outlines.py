"""Outlines in one click over the API."""

import pytest
import shapely

from tests.server.conftest import Client, first
from tsmu.database import Database, query, scenes, shift_scene
from tsmu.workspace_folder import WorkspaceFolder

METRE = 1 / 111_195  # degrees of latitude


def middle(records: Database, landslide_id: str) -> tuple[shapely.Geometry, str]:
    """A landslide's outline, and a place within it as the parameter `at`."""
    table = query(records)
    outline = table.geometry[table["id"] == landslide_id].iloc[0]
    point = outline.representative_point()
    return outline, f"{point.x},{point.y}"


def scene_id(records: Database) -> str:
    return str(scenes(records)["id"].iloc[0])


def iou(geometry: dict[str, object], outline: shapely.Geometry) -> float:
    shape = shapely.geometry.shape(geometry)
    both = shape.intersection(outline).area
    return both / (shape.area + outline.area - both)


@pytest.mark.parametrize("source", ["", "&source=image"])
def test_a_click_gives_nested_outlines(client: Client, records: Database, source: str) -> None:
    largest = query(records).sort_values("area_m2")["id"].iloc[-3]
    outline, at = middle(records, largest)
    viewer = client(write=False)  # who may not decide may ask, too
    answer = viewer.get(f"/api/scenes/{scene_id(records)}/outlines?at={at}{source}").json()
    assert answer["source"] == ("image" if source else "probability")
    areas = [one["area_m2"] for one in answer["outlines"]]
    assert areas == sorted(areas)
    shown = answer["outlines"][answer["start"]]
    assert (shown["level"] is None) == bool(source)
    if not source:
        assert iou(shown["geometry"], outline) > 0.9


def test_outlines_lie_where_the_shifted_images_are_shown(client: Client, records: Database) -> None:
    landslide_id, _ = first(records)
    _, at = middle(records, landslide_id)
    address = f"/api/scenes/{scene_id(records)}/outlines"
    before = client().get(address, params={"at": at}).json()
    shift_scene(records, scene_id(records), 0.0, 200.0)
    x, y = (float(part) for part in at.split(","))
    after = client().get(address, params={"at": f"{x},{y + 200 * METRE}"}).json()
    shapes = [shapely.geometry.shape(one["outlines"][one["start"]]["geometry"]) for one in (before, after)]
    assert shapes[1].centroid.y - shapes[0].centroid.y == pytest.approx(200 * METRE, rel=1e-3)
    assert shapes[1].area == pytest.approx(shapes[0].area, rel=1e-6)


def test_a_candidate_is_redrawn_at_other_levels(client: Client, records: Database, survey: WorkspaceFolder) -> None:
    landslide_id, _ = first(records)
    outline, _ = middle(records, landslide_id)
    with survey.lock("map"):  # another command is at work
        answer = client().get(f"/api/landslides/{landslide_id}/outlines").json()
    assert iou(answer["outlines"][answer["start"]]["geometry"], outline) > 0.9
    (survey.maps / "valley" / "probability.tif").unlink()
    refused = client().get(f"/api/landslides/{landslide_id}/outlines")
    assert refused.status_code == 404
    assert "edit its outline by hand" in refused.json()["error"]


def test_what_cannot_be_outlined_is_refused_in_one_line(client: Client, records: Database) -> None:
    address = f"/api/scenes/{scene_id(records)}/outlines"
    for at, status, message in (
        ("7,46", 422, "outside the scene"),
        ("7", 400, "at: not longitude,latitude"),
        ("nan,7", 400, "at: not"),
    ):
        answer = client().get(address, params={"at": at})
        assert (answer.status_code, message in answer.json()["error"]) == (status, True), answer.text
    assert client().get(address).status_code == 422
    assert client().get("/api/scenes/nothing/outlines?at=7,46").status_code == 404
    assert client().get("/api/landslides/nothing/outlines").status_code == 404


def test_no_place_on_earth_is_a_fault_of_the_server(client: Client, records: Database) -> None:
    address = f"/api/scenes/{scene_id(records)}/outlines"
    west, south, east, north = scenes(records).geometry.iloc[0].bounds
    places = ["0,90", "180,-90", "-180,0", "1e-300,1e-300", f"{west},{south}", f"{east},{north}", f"{west},{north}"]
    with client() as browser:
        for at in places:
            for source in ("probability", "image"):
                answer = browser.get(address, params={"at": at, "source": source})
                assert answer.status_code in (200, 422), (at, answer.text)
                assert answer.status_code == 200 or "\n" not in answer.json()["error"]
