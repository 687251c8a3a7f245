"""What one person of a review server is answered everywhere: every operation of its OpenAPI document that reads."""

import itertools
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas
import numpy as np
from starlette.testclient import TestClient

from tsmu.database import Database, history, scenes
from tsmu.server.tiles.web_mercator import to_unit_square

READING_POSTS = {"/api/queue": {}}
WITHOUT_LANDSLIDES = {"/api/elevations"}  # reads an elevation model, which these servers do not have
STREAMS = ("/api/changes",)  # never end; asked for apart
UNCONCERNED = (
    "bbox", "near", "min_area", "f", "limit", "region", "datetime", "dates", "crs", "bbox-crs", "filter-crs", "rescale",
    "shift", "v", "assigned_to", "event", "size", "outlines", "after", "filter-lang", "source",
)  # fmt: skip


def all_answers(client: TestClient, database: Database, landslide_id: str, headers: dict[str, str]) -> dict[str, str]:
    """The answers to every reading operation, by the request; each parameter is also given values of its own.

    Args:
        client: of the server.
        database: that it serves.
        landslide_id: of the landslide that is asked about wherever one can be named.
        headers: of the person who asks.
    """
    document = client.get("/openapi.json").json()
    answers, reached = {}, set()
    operations = [(path, method) for path, methods in document["paths"].items() for method in methods]
    reading = [(path, method) for path, method in operations if path not in STREAMS]
    for path, method in reading:
        if method != "get" and path not in READING_POSTS:
            continue
        operation = document["paths"][path][method]
        for address, query in _requests(path, operation, database, landslide_id):
            answer = client.request(method, address, params=query, headers=headers, json=READING_POSTS.get(path))
            if answer.status_code < 300:
                reached.add((path, method))
            answers[f"{method} {address} {query}"] = f"{answer.status_code} {_text(answer.content)}"
    missed = {
        (path, method) for path, method in reading if method == "get" and path not in WITHOUT_LANDSLIDES
    } - reached
    assert not missed, f"give these operations parameters that exist: {missed}"
    return answers


def _requests(
    path: str, operation: dict[str, Any], database: Database, landslide_id: str
) -> list[tuple[str, dict[str, str]]]:
    """Addresses and queries of an operation: without query, and with each of its parameters alone."""
    known = _known_values(database, landslide_id)
    parameters = operation.get("parameters", [])
    of_path = {
        one["name"]: known.get(one["name"]) or _choices(one["schema"]) for one in parameters if one["in"] == "path"
    }
    if {"z", "x", "y"} <= set(of_path):
        of_path |= {"z": ["tile"], "x": ["x"], "y": ["y"]}
    needed = {one["name"]: known[one["name"]][0] for one in parameters if one["in"] == "query" and one.get("required")}
    queries: list[dict[str, str]] = [needed]
    for one in parameters:
        if one["in"] == "query":
            values = known[one["name"]] if one["name"] in known else _choices(one["schema"])
            queries += [needed | {one["name"]: value} for value in values]
    addresses = []
    for values in itertools.product(*of_path.values()):
        address = path
        for name, value in zip(of_path, values, strict=True):
            address = address.replace(f"{{{name}}}", quote(value, safe=""))
        addresses += _tiles(address, database, landslide_id) if "/tile/x/y" in address else [address]
    return [(address, query) for address in addresses for query in queries]


def _choices(schema: dict[str, Any]) -> list[str]:
    """The values that a schema lists, or one that fits it."""
    choices = schema.get("anyOf", [schema])
    listed = [str(value) for choice in choices for value in choice.get("enum", ())]
    if listed or "$ref" not in schema:
        return listed or {"boolean": ["true", "false"], "integer": ["1"]}.get(str(choices[0].get("type")), [])
    return _ENUMERATIONS[schema["$ref"].rpartition("/")[2]]


_ENUMERATIONS = {
    "ExportFormat": ["geojson", "csv", "gpkg"],
    "SceneLayer": ["probability"],
    "TileFormat": ["png"],
}


def _known_values(database: Database, landslide_id: str) -> dict[str, list[str]]:
    """Values of parameters by their names: conditions on what a decision changes, as a leak could show by them.

    Parameters that have nothing to do with decisions are left out, to ask fewer questions.
    """
    centre = history(database, landslide_id).geometry.iloc[-1].centroid
    west, south, east, north = centre.x - 0.01, centre.y - 0.01, centre.x + 0.01, centre.y + 0.01
    conditions = ["status = 'rejected' or changed_by = 'eva'", "version > 1"]
    known = {
        "landslide_id": [landslide_id], "feature_id": [landslide_id], "collection_id": ["landslides"],
        "scene_id": [str(scenes(database)["id"][0])], "at": [f"{centre.x},{centre.y}"],
        "line": [f"{centre.x},{centre.y}"],
        "lasso": [f"{west},{south},{east},{south},{east},{north},{west},{north}"],
        "review_state": ["open", "unsure,rejected", "disputed"], "state": ["unsure", "disputed"],
        "status": ["confirmed,rejected"], "order": ["uncertainty"], "where": conditions, "filter": conditions,
    }  # fmt: skip
    return {name: list[str]() for name in UNCONCERNED} | known


def _tiles(address: str, database: Database, landslide_id: str) -> list[str]:
    """An address with the tiles that show a landslide, from far and from near."""
    centre = history(database, landslide_id).geometry.iloc[-1].centroid
    place = to_unit_square(np.array([[centre.x, centre.y]]))[0]
    tiles = [(z, *(int(side * 2**z) for side in place)) for z in (3, 15)]
    return [address.replace("/tile/x/y", f"/{z}/{x}/{y}") for z, x, y in tiles]


def _text(content: bytes) -> str:
    """An answer's content as text, without the moment at which it was made; a GeoPackage by what is in it."""
    if content.startswith(b"SQLite format 3"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "export.gpkg"
            path.write_bytes(content)
            return str(geopandas.read_file(path).to_csv())
    return re.sub(r'"timeStamp":\s*"[^"]*"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z(?=<)', "", content.decode("latin-1"))
