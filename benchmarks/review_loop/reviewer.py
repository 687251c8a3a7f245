"""A simulated reviewer, who knows the true mask of one scene and decides through the review server."""

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
from tsmu.evaluate import show_same_landslide
from tsmu.labels import REVIEW_MARGIN_M

ACCEPTED_IOU = 0.7  # an outline is accepted unchanged if its IoU with the true outline is at least this
QUEUE_LENGTH = 10  # number of records that are fetched at once
TIMEOUT_S = 60

Decisions = dict[str, int]


def review_scene(workspace: Path, scene: str, truth: Path, records: int) -> Decisions:
    """Decide on the candidates of a scene in the order of the review queue, the most uncertain first.

    A candidate that shares with a true landslide at least half of the smaller of both outlines is accepted if its IoU
    reaches `ACCEPTED_IOU`, and edited otherwise; other candidates are rejected. True landslides nearby that the map has
    missed are drawn, because `labels from-review` treats the ground around a decision as reviewed.

    Args:
        workspace: folder of the workspace.
        scene: name of the scene that is reviewed.
        truth: raster of the true mask, 1 on landslides.
        records: largest number of decisions, including drawn landslides.

    Returns:
        The number of decisions of each action.
    """
    decisions: Counter[str] = Counter()
    with _review_server(workspace) as request:
        [record] = [entry for entry in request("/api/scenes") if entry["name"] == scene]
        box = ",".join(map(str, record["bounds"]))
        true_landslides = _TrueLandslides(truth, request(f"/api/landslides?bbox={box}&limit=10000")["features"])

        def decide(action: str, shape: BaseGeometry | None = None, **more: Any) -> None:
            if decisions.total() < records:
                outline = {} if shape is None else {"geometry": shapely.geometry.mapping(shape)}
                request("/api/decisions", {"id": str(uuid.uuid4()), "action": action} | outline | more)
                decisions[action] += 1

        while decisions.total() < records:
            queue = request(f"/api/queue?order=uncertainty&bbox={box}&limit={QUEUE_LENGTH}")["features"]
            for feature in queue:
                outline, properties = shapely.geometry.shape(feature["geometry"]), feature["properties"]
                action, shape = true_landslides.judge(outline)
                decide(action, shape, landslides={feature["id"]: properties["version"]})
                for missed in true_landslides.missed_near(shape or outline):
                    decide("draw", missed, scene=record["id"], region=properties["region"])
            if not queue:
                break
    return dict(decisions)


class _TrueLandslides:
    """The true outlines of a scene in EPSG:4326, and which of them the map has missed."""

    def __init__(self, mask: Path, candidates: list[dict[str, Any]]) -> None:
        with rasterio.open(mask) as dataset:
            values = dataset.read(1)
            parts = shapes(values, mask=values == 1, connectivity=8, transform=dataset.transform)
            true = geopandas.GeoSeries([shapely.geometry.shape(part) for part, _ in parts], crs=dataset.crs)
        self._true = true.to_crs(4326).array
        # Distances are measured in the UTM zone of the landslides; without landslides there is no zone and no distance.
        self._on_ground = true.to_crs(true.estimate_utm_crs()) if len(true) else true
        mapped = [shapely.geometry.shape(feature["geometry"]) for feature in candidates]
        self._missed = set(range(len(true))) - set(shapely.STRtree(self._true).query(mapped, "intersects")[1].tolist())

    def judge(self, outline: BaseGeometry) -> tuple[str, BaseGeometry | None]:
        """Choose the action for a candidate (`accept`, `edit` or `reject`); for an edit also gives the true outline."""
        touched = self._true[shapely.intersects(self._true, outline)]
        shared = shapely.area(shapely.intersection(touched, outline))
        same = touched[show_same_landslide(shared, shapely.area(touched), outline.area)]
        if not len(same):
            return "reject", None
        right = shapely.union_all(same)
        overlap = right.intersection(outline).area / right.union(outline).area
        return ("accept", None) if overlap >= ACCEPTED_IOU else ("edit", right)

    def missed_near(self, outline: BaseGeometry) -> list[BaseGeometry]:
        """Find missed landslides on ground that a decision on this outline marks as reviewed.

        A landslide is returned by the first such call only.
        """
        surroundings = (
            geopandas.GeoSeries([outline], crs=4326).to_crs(self._on_ground.crs).item().buffer(2 * REVIEW_MARGIN_M)
        )
        nearby = self._missed.intersection(self._on_ground.sindex.query(surroundings, "intersects").tolist())
        self._missed -= nearby
        return [self._true[number] for number in sorted(nearby)]


@contextmanager
def _review_server(workspace: Path) -> Iterator[Any]:
    """Run a review server for the block of a `with` statement.

    Yields:
        A function that sends a request to a path of the server (a POST if there is a body, else a GET) and returns the
        JSON of the answer.
    """
    command = [sys.executable, "-m", "tsmu", "serve", "--write", "--port", "0", "--workspace", str(workspace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split("  ")[0].rstrip("/")
            if not address.startswith("http://127.0.0.1:"):
                raise BenchmarkError(
                    f"{workspace}: the review server did not start; try: tsmu serve --workspace {workspace}"
                )

            def request(path: str, body: dict[str, Any] | None = None) -> Any:
                data = None if body is None else json.dumps(body).encode()
                headers = {"X-Tsmu": "1", "Content-Type": "application/json"}
                message = urllib.request.Request(address + path, data, headers)
                with urllib.request.urlopen(message, timeout=TIMEOUT_S) as answer:
                    return json.loads(answer.read())

            yield request
        finally:
            server.terminate()
