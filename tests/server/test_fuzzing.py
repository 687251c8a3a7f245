"""Every operation of the API with values of the right kind and of any other: no answer is an error of the server."""

import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.conftest import Client, first
from tsmu.database import Database, scenes

ENDLESS = "/api/changes"
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "0", "-1", "1e400", "nan", "7,46,8,47", "2024-05-01/..", "a-b", "%00", "\x00", "*", "{}", "[]"]
    ),
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, -1, 2**31, 2**63, 2**64, 1e308]))
POSITIONS = st.lists(st.one_of(st.floats(-180, 180), NUMBERS), min_size=0, max_size=3)
GEOMETRIES = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["Polygon", "MultiPolygon", "LineString", "Point", "GeometryCollection", "x"]),
            "coordinates": st.recursive(POSITIONS, lambda parts: st.lists(parts, max_size=5), max_leaves=12),
        }
    ),
    st.builds(
        lambda points: {"type": "Polygon", "coordinates": [[*points, points[0]]]},
        st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=3, max_size=6),
    ),
)


def values(schema: dict[str, Any], document: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a JSON schema, and sometimes of none."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return st.one_of(*(values(choice, document) for choice in schema["anyOf"]))
    if "enum" in schema:
        return st.one_of(st.sampled_from(schema["enum"]), TEXTS)
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        required = set(schema.get("required", ()))
        fields = {
            name: GEOMETRIES if name == "geometry" else values(part, document)
            for name, part in schema["properties"].items()
        }
        return st.fixed_dictionaries(
            {name: part for name, part in fields.items() if name in required},
            optional={name: part for name, part in fields.items() if name not in required},
        )
    if kind == "object":
        return st.dictionaries(TEXTS, st.one_of(NUMBERS, TEXTS), max_size=3)
    if kind == "array":
        return st.lists(values(schema.get("items", {}), document), max_size=4)
    simple = {"integer": st.integers(-5, 40), "number": st.floats(-1e3, 1e3), "boolean": st.booleans()}
    return st.one_of(simple.get(str(kind), TEXTS), NUMBERS, TEXTS, st.none())


@st.composite
def requests(draw: st.DrawFn, document: dict[str, Any], known: dict[str, list[str]]) -> dict[str, Any]:
    """A request of any operation, half of the time about a landslide and a scene that exist."""
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path != ENDLESS
    ]
    path, method, operation = draw(st.sampled_from(operations))
    query: dict[str, str] = {}
    for parameter in operation.get("parameters", []):
        drawn = values(parameter["schema"], document)
        if parameter["in"] == "path":
            value = draw(st.one_of(st.sampled_from(known.get(parameter["name"], ["0", "1"])), drawn))
            path = path.replace(f"{{{parameter['name']}}}", quote(str(value), safe="") or "x")
        elif parameter["in"] == "query" and draw(st.integers(0, 2)) == 0:
            query[parameter["name"]] = str(draw(drawn))
    body = None
    if "requestBody" in operation:
        [content] = operation["requestBody"]["content"].values()
        body = draw(values(content["schema"], document))
        if isinstance(body, dict) and draw(st.booleans()):
            body |= {"landslides": {known["landslide_id"][0]: 1}} if "landslides" in body else {}
            body |= {"scene": known["scene_id"][0]} if "scene" in body else {}
    return {"method": method.upper(), "path": path, "query": query, "body": body}


@pytest.fixture
def known(records: Database) -> dict[str, list[str]]:
    landslide_id, scene_id = first(records)[0], scenes(records)["id"][0]
    return {
        "landslide_id": [landslide_id], "feature_id": [landslide_id], "scene_id": [scene_id],
        "collection_id": ["landslides"],
    }  # fmt: skip


def test_no_request_makes_the_server_fail(client: Client, known: dict[str, list[str]], examples: int = 60) -> None:
    with client() as browser:
        ticks = itertools.count()
        browser.app.clock = lambda: float(next(ticks))  # type: ignore[attr-defined]  # no limits
        document = browser.get("/openapi.json").json()

        @settings(
            max_examples=examples, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(requests(document, known))
        def ask(request: dict[str, Any]) -> None:
            sent = {} if request["body"] is None else {"content": as_json(request["body"])}
            headers = {"Content-Type": "application/json"} if sent else {}
            try:
                answer = browser.request(
                    request["method"], request["path"], params=request["query"], headers=headers, **sent
                )
            except UnicodeError:  # what no client can send
                return
            assert answer.status_code < 500, answer.text

        ask()


def as_json(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.soak
def test_no_request_of_many_makes_the_server_fail(client: Client, known: dict[str, list[str]]) -> None:
    test_no_request_makes_the_server_fail(client, known, 1500)
