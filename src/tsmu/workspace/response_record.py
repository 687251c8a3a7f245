"""The responses to one event: where they lie in a workspace, and what each of them mapped."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmu.errors import FetchError, SituationError, WorkspaceError
from tsmu.files import read_json_object, write_json

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from tsmu.imagery import EventImagery
    from tsmu.workspace.scene_map import SceneMap

RECORD_FILE = "responses.json"
FOLDER = "responses"  # of a workspace
SAME_AREA = 1e-6  # share of an area by which the same area may differ when it is read from another file


@dataclass(frozen=True)
class Event:
    """What the name of an event stands for.

    Attributes:
        day: of the event.
        area: of the event, EPSG:4326.
    """

    day: date
    area: "BaseGeometry"

    def is_same(self, other: "Event") -> bool:
        """Whether the day and the area are the same."""
        differing = self.area.symmetric_difference(other.area).area
        return self.day == other.day and differing <= SAME_AREA * self.area.area

    def __str__(self) -> str:
        """Say the day, and the box around the area in degrees."""
        return f"{self.day} in the area {','.join(f'{bound:.6g}' for bound in self.area.bounds)}"


@dataclass(frozen=True)
class Response:
    """What one call of `respond` used and mapped.

    Attributes:
        imagery: name of the dated folder of its imagery.
        scenes: names of the scenes that were mapped, as the database knows them.
        runs: ids of the runs that mapped them; none in records of earlier versions.
        mapped: how they were mapped, in words: only maps that were made alike are counted together.
    """

    imagery: str
    scenes: tuple[str, ...]
    runs: tuple[str, ...] = ()
    mapped: str = ""


class ResponseFolder:
    """The folder of an event in a workspace: its imagery, its reports, and the record of its responses.

    Args:
        root: of the workspace.
        name: of the event.

    Attributes:
        event: what the name stands for; None before the first response.
        responses: to that event, the oldest first.

    Raises:
        WorkspaceError: the record is damaged.
    """

    def __init__(self, root: Path, name: str) -> None:
        from shapely.errors import ShapelyError

        self.path = root / FOLDER / name
        self.imagery = self.path / "imagery"
        self._file = self.path / RECORD_FILE
        stored = read_json_object(self._file) if self._file.exists() else {"responses": []}
        try:
            self.responses = [_response(one) for one in stored["responses"]]
            self.event = _event(stored["event"]) if "event" in stored else None
        except (KeyError, TypeError, ValueError, AttributeError, ShapelyError):
            raise WorkspaceError(f"{self._file}: damaged; remove it, and earlier responses are not compared") from None
        if self.event is None:
            self._find_event()

    def require_same_event(self, event: Event) -> None:
        """Refuse another event under the name of this one.

        Raises:
            SituationError: the name stands for another day, or another area.
        """
        if self.event is not None and not self.event.is_same(event):
            raise SituationError(
                f"{self.path}: stands for the event of {self.event}; give that of {event} another name with "
                "--name NAME, or remove this folder if it is a mistake"
            )

    def report(self, imagery: str) -> Path:
        """The folder of the report of the response with this imagery."""
        return self.path / f"report-{imagery}"

    def earlier(self, imagery: str) -> Sequence[Response]:
        """The responses with other imagery, the oldest first."""
        return [one for one in self.responses if one.imagery != imagery]

    def add(self, response: Response, event: Event) -> None:
        """Record a response to an event; one with the same imagery is replaced."""
        from shapely.geometry import mapping

        self.event, self.responses = event, [*self.earlier(response.imagery), response]
        about = {"day": event.day.isoformat(), "area": mapping(event.area)}
        write_json(self._file, {"event": about, "responses": [asdict(one) for one in self.responses]})

    def _find_event(self) -> None:
        """Tell the event of a record of earlier versions by its latest imagery; leave out responses to other events."""
        events = [self._event_of(one) for one in self.responses]
        self.event = next((event for event in reversed(events) if event is not None), None)
        if self.event is not None:
            pairs = zip(self.responses, events, strict=True)
            self.responses = [one for one, event in pairs if event is not None and self.event.is_same(event)]

    def _event_of(self, response: Response) -> Event | None:
        """The event of a response, by its imagery; None where that is gone."""
        from tsmu.imagery import read_event_imagery

        try:
            imagery = read_event_imagery(self.imagery / response.imagery)
        except FetchError:
            return None
        return Event(imagery.day, imagery.area)


def response_of(imagery: "EventImagery", scenes: "Sequence[SceneMap]", min_area: float) -> Response:
    """The record of a response: its imagery, scenes and runs, and how they were mapped."""
    summaries = [scene.summary for scene in scenes]
    how = {
        f"{_mapper_of(one)} from {' and '.join(f'{threshold} %' for threshold in one['thresholds'])}"
        for one in summaries
    }
    mapped = f"{', '.join(sorted(how))}; {min_area:g} m2 and more"
    return Response(
        imagery.folder.name, tuple(scene.name for scene in scenes), tuple(one["run"] for one in summaries), mapped
    )


def _mapper_of(summary: dict[str, Any]) -> str:
    """What mapped a scene: by change, or by which decoders of which model."""
    if summary["bundle"] == "change":
        return "by change"
    return f"by {' and '.join(summary['regions'])} of {summary['bundle']}"


def _response(stored: dict[str, Any]) -> Response:
    runs, mapped = stored.get("runs", ()), str(stored.get("mapped", ""))
    return Response(str(stored["imagery"]), tuple(stored["scenes"]), tuple(runs), mapped)


def _event(stored: dict[str, Any]) -> Event:
    from shapely.geometry import shape

    return Event(date.fromisoformat(stored["day"]), shape(stored["area"]))
