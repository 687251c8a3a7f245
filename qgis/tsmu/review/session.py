"""One review: the queue of landslides, the decisions on them, and what can be undone. No widget and no map."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .client import Client, RequestError

FETCH = 60  # landslides a request
REFILL_BELOW = 12
VERDICTS = ("accept", "reject", "unsure", "bad imagery")
DECIDED = ("accept", "reject")  # what counts as decided; the others have queues of their own

Landslide = dict  # a GeoJSON feature in degrees


@dataclass
class Made:
    """A decision that was made and can be undone.

    Attributes:
        id: of the decision.
        action: such as `accept`.
        landslide: the id of the one to come back to.
    """

    id: str
    action: str
    landslide: str


@dataclass
class Session:
    """A review by one person.

    Attributes:
        client: of the review server.
        reviewer: the name on decisions.
        order: of the queue: `near`, `uncertainty`, `size` or `date`.
        state: which queue: `open`, `unsure` or `bad imagery`.
        queue: landslides to be decided on; the current one is among them.
        current: the landslide that is shown; None where there is none.
        details: of the current one: its versions, observations and reviews.
        progress: `decided` and `total`.
        history: decisions of this session that stand, the last one last.
        scenes: the scenes of the database by id.
    """

    client: Client
    reviewer: str
    order: str = "near"
    state: str = "open"
    queue: list[Landslide] = field(default_factory=list)
    current: Landslide | None = None
    details: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, int] = field(default_factory=lambda: {"decided": 0, "total": 0})
    history: list[Made] = field(default_factory=list)
    scenes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _passed: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Load scenes and queue, and go to the first landslide."""
        self.scenes = {scene["id"]: scene for scene in self.client.get("scenes")}
        self._passed = set()
        self.current = None
        self.refill()
        self.select(self.queue[0] if self.queue else None)

    def refill(self) -> None:
        """Load the queue from the current landslide on; those that were passed over are left out."""
        near = _centre(self.current) if self.current else None
        kept = [one for one in self.queue if self._is_current(one)]
        without = [*self._passed, *(one["id"] for one in kept)]
        query = {"order": self.order, "state": self.state, "near": near, "limit": FETCH}
        answer = self.client.post("queue", {"without": without}, **query)
        self.progress = answer["progress"]
        self.queue = kept + answer["features"]

    def select(self, landslide: Landslide | None) -> None:
        """Make a landslide the current one, as it is now."""
        self.current, self.details = landslide, {}
        if landslide is not None:
            self.select_by_id(landslide["id"])

    def select_by_id(self, landslide_id: str) -> None:
        """Make a landslide the current one of which only the id is known."""
        self.details = self.client.get(f"landslides/{quote(landslide_id, safe='')}")
        self.current = self.details["feature"]

    def next(self) -> bool:
        """Pass the current one over; returns False where the queue begins again or is empty."""
        return self._move(1)

    def previous(self) -> bool:
        """Go back by one in the queue; returns False at its beginning."""
        return self._move(-1)

    def _move(self, step: int) -> bool:
        here = self._place()
        if step > 0 and self.current:
            self._passed.add(self.current["id"])
            if here + 1 >= len(self.queue):
                self.refill()
                here = self._place()
        place = here + step
        if 0 <= place < len(self.queue):
            self.select(self.queue[place])
            return True
        if step > 0 and self._passed:
            self._passed = set()
            self.refill()
            self.select(next((one for one in self.queue if not self._is_current(one)), self.current))
        return False

    def decide(self, action: str, why: str = "", geometry: dict[str, Any] | None = None) -> dict[str, Any]:
        """Decide on the current landslide, and after a verdict go to the next one.

        Args:
            action: a verdict, `comment`, or `edit` with the new outline.
            why: the reason, or the comment.
            geometry: GeoJSON in degrees.

        Returns:
            The server's answer: `changes`, and `repairs` of an outline.

        Raises:
            RequestError: it was not made; with status 409 somebody else has changed the landslide, and what it is now
                is shown.
        """
        assert self.current is not None
        landslide = self.current
        body = {"landslides": {landslide["id"]: landslide["properties"]["version"]}, "why": why}
        if geometry is not None:
            body["geometry"] = geometry
            body["scene"] = self.scene_id()
        answer = self._make(action, body)
        self.history.append(Made(answer["id"], action, landslide["id"]))
        if action in VERDICTS:
            self._count(action, 1)
            self._leave(landslide["id"])
        else:
            self.select_by_id(landslide["id"])
        return answer

    def undo(self) -> str | None:
        """Take back the last decision that stands, and go back to its landslide; returns what it was.

        Raises:
            RequestError: the landslide was changed since.
        """
        if not self.history:
            return None
        made = self.history[-1]
        self._make("undo", {"undoes": made.id})
        self.history.pop()
        self.select_by_id(made.landslide)
        self.queue = [self.current, *(one for one in self.queue if not self._is_current(one))]
        self._count(made.action, -1)
        return made.action

    def scene_id(self) -> str | None:
        """The scene in whose images the current landslide was seen last."""
        observations = self.details.get("observations") or []
        return observations[-1]["scene_id"] if observations else None

    def _make(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a decision once more where the answer was lost: the server makes it once, by its id."""
        decision = {"id": str(uuid.uuid4()), "action": action, "by": self.reviewer, **body}
        decision = {name: value for name, value in decision.items() if value is not None}
        try:
            return self.client.post("decisions", decision)
        except RequestError as error:
            if error.status == 409 and error.present:
                self.current = error.present[0]
                self.details = {**self.details, "feature": self.current}
            if error.status != 0:
                raise
        return self.client.post("decisions", decision)

    def _leave(self, landslide_id: str) -> None:
        """Go on to the landslide after one that was decided on."""
        place = next((n for n, one in enumerate(self.queue) if one["id"] == landslide_id), 0)
        self.queue = [one for one in self.queue if one["id"] != landslide_id]
        self.select(self.queue[min(place, len(self.queue) - 1)] if self.queue else None)
        if len(self.queue) < REFILL_BELOW:
            self.refill()
            if self.current is None and self.queue:
                self.select(self.queue[0])

    def _count(self, action: str, number: int) -> None:
        if action in DECIDED:
            self.progress = {**self.progress, "decided": max(0, self.progress["decided"] + number)}

    def _place(self) -> int:
        return next((n for n, one in enumerate(self.queue) if self._is_current(one)), -1)

    def _is_current(self, landslide: Landslide) -> bool:
        return self.current is not None and landslide["id"] == self.current["id"]


def _centre(landslide: Landslide) -> str:
    """Longitude and latitude of the middle of a landslide's box, as the server reads them."""
    points = list(_points(landslide["geometry"]["coordinates"]))
    longitudes, latitudes = [point[0] for point in points], [point[1] for point in points]
    longitude = (min(longitudes) + max(longitudes)) / 2
    return f"{(longitude + 180) % 360 - 180:.7f},{(min(latitudes) + max(latitudes)) / 2:.7f}"


def _points(coordinates: Any) -> Any:
    if coordinates and isinstance(coordinates[0], (int, float)):
        yield coordinates
        return
    for part in coordinates:
        yield from _points(part)
