"""A scripted geologist: knows the truth of one scene, and decides through the review server."""

import json
import subprocess
import sys
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas
import rasterio
import shapely
from rasterio.features import shapes
from shapely.geometry.base import BaseGeometry

from tsmu.errors import BenchmarkError
from tsmu.evaluate.overlap import show_same_landslide
from tsmu.labels.reviewed import AROUND_M

GOOD = 0.7  # IoU with the true outline from which one is accepted as it is
AT_ONCE = 10  # records asked for
WAIT_S = 60

Decisions = dict[str, int]


def review(space: Path, scene: str, truth: Path, records: int) -> Decisions:
    """Decide on what the queue brings next, the most uncertain first, as somebody does who knows.

    What shares half of the smaller outline with true landslides is accepted where it is drawn well
    and edited where it is not; all else is rejected. True landslides beside it that the map has
    missed are drawn: the ground around a decided one counts as looked at (`labels from-review`).

    Args:
        space: the workspace.
        scene: name of the scene that is reviewed.
        truth: its true mask.
        records: how many decisions at most; drawn ones count.

    Returns:
        Number of decisions by action.
    """
    done: Counter[str] = Counter()
    with _serving(space) as ask:
        [seen] = [one for one in ask("/api/scenes") if one["name"] == scene]
        box = ",".join(map(str, seen["bounds"]))
        known = _Truth(truth, ask(f"/api/landslides?bbox={box}&limit=10000")["features"])

        def decide(action: str, shape: BaseGeometry | None = None, **more: Any) -> None:
            if done.total() < records:
                outline = {} if shape is None else {"geometry": shapely.geometry.mapping(shape)}
                ask("/api/decisions", {"id": str(uuid.uuid4()), "action": action} | outline | more)
                done[action] += 1

        while done.total() < records:
            queue = ask(f"/api/queue?order=uncertainty&bbox={box}&limit={AT_ONCE}")["features"]
            for feature in queue:
                outline, told = shapely.geometry.shape(feature["geometry"]), feature["properties"]
                action, shape = known.opinion(outline)
                decide(action, shape, landslides={feature["id"]: told["version"]})
                for missed in known.missed_beside(shape or outline):
                    decide("draw", missed, scene=seen["id"], region=told["region"])
            if not queue:
                break
    return dict(done)


class _Truth:
    """The true outlines of a scene, EPSG:4326, and which of them the map has missed."""

    def __init__(self, mask: Path, found: list[dict[str, Any]]) -> None:
        with rasterio.open(mask) as dataset:
            is_one = dataset.read(1)
            parts = shapes(is_one, mask=is_one == 1, connectivity=8, transform=dataset.transform)
            true = geopandas.GeoSeries([shapely.geometry.shape(part) for part, _ in parts], crs=dataset.crs)
        self._true = true.to_crs(4326).array
        self._on_ground = true
        mapped = [shapely.geometry.shape(feature["geometry"]) for feature in found]
        self._missed = set(range(len(true))) - set(shapely.STRtree(self._true).query(mapped, "intersects")[1].tolist())

    def opinion(self, outline: BaseGeometry) -> tuple[str, BaseGeometry | None]:
        """What to do, and for an edit the outline as it should be."""
        touched = self._true[shapely.intersects(self._true, outline)]
        shared = shapely.area(shapely.intersection(touched, outline))
        same = touched[show_same_landslide(shared, shapely.area(touched), outline.area)]
        if not len(same):
            return "reject", None
        right = shapely.union_all(same)
        overlap = right.intersection(outline).area / right.union(outline).area
        return ("accept", None) if overlap >= GOOD else ("edit", right)

    def missed_beside(self, outline: BaseGeometry) -> list[BaseGeometry]:
        """Missed ones on ground that will count as looked at, each once."""
        place = geopandas.GeoSeries([outline], crs=4326).to_crs(self._on_ground.crs).item().buffer(2 * AROUND_M)
        beside = self._missed.intersection(self._on_ground.sindex.query(place, "intersects").tolist())
        self._missed -= beside
        return [self._true[number] for number in sorted(beside)]


@contextmanager
def _serving(space: Path) -> Iterator[Any]:
    """A running review server, as what gets a path, or posts what is given there."""
    command = [sys.executable, "-m", "tsmu", "serve", "--write", "--port", "0", "--workspace", str(space)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split("  ")[0].rstrip("/")
            if not address.startswith("http://127.0.0.1:"):
                raise BenchmarkError(f"{space}: the review server did not start; try: tsmu serve --workspace {space}")

            def ask(path: str, body: dict[str, Any] | None = None) -> Any:
                data = None if body is None else json.dumps(body).encode()
                headers = {"X-Tsmu": "1", "Content-Type": "application/json"}
                wanted = urllib.request.Request(address + path, data, headers)
                with urllib.request.urlopen(wanted, timeout=WAIT_S) as answer:
                    return json.loads(answer.read())

            yield ask
        finally:
            server.terminate()
