"""The stored record of the responses to one event: their folder in a workspace, and what each of them mapped."""

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
FOLDER = "responses"  # name of the folder of all responses in a workspace
SAME_AREA = 1e-6  # two areas are the same if the ground that only one of them covers is at most this share of the area


@dataclass(frozen=True)
class Event:
    """An event, which is defined by its day and its area.

    Attributes:
        day: the day of the event.
        area: the area of the event, polygons in EPSG:4326.
    """

    day: date
    area: "BaseGeometry"

    def is_same(self, other: "Event") -> bool:
        """Whether another event has the same day and the same area."""
        differing = self.area.symmetric_difference(other.area).area
        return self.day == other.day and differing <= SAME_AREA * self.area.area

    def __str__(self) -> str:
        """Write the day, and the box around the area in degrees."""
        return f"{self.day} in the area {','.join(f'{bound:.6g}' for bound in self.area.bounds)}"


@dataclass(frozen=True)
class Response:
    """What one call of `respond` used and mapped.

    Attributes:
        imagery: name of the dated folder of its imagery.
        scenes: names of the scenes that were mapped, as in the database.
        runs: ids of the runs in which the scenes were mapped; empty in records of older releases of tsmu.
        mapped: a description of how the scenes were mapped; the report counts landslides of several responses together
            only if this is the same.
    """

    imagery: str
    scenes: tuple[str, ...]
    runs: tuple[str, ...] = ()
    mapped: str = ""


class ResponseFolder:
    """The folder of an event in a workspace: its imagery, its reports, and the record of its responses.

    Args:
        root: the folder of the workspace.
        name: the name of the event.

    Attributes:
        path: the folder of the event.
        imagery: the folder of its imagery, with one dated folder for each set of scenes.
        event: the event's day and area; None before the first response.
        responses: the responses to this event, the oldest first.

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
            self.responses = [_response(record) for record in stored["responses"]]
            self.event = _event(stored["event"]) if "event" in stored else None
        except (KeyError, TypeError, ValueError, AttributeError, ShapelyError):
            raise WorkspaceError(f"{self._file}: damaged; remove it, and earlier responses are not compared") from None
        if self.event is None:
            self._find_event()

    def require_same_event(self, event: Event) -> None:
        """Refuse another event under the same name.

        Raises:
            SituationError: the earlier responses under this name are to an event of another day, or in another area.
        """
        if self.event is not None and not self.event.is_same(event):
            raise SituationError(
                f"{self.path}: stands for the event of {self.event}; give that of {event} another name with "
                "--name NAME, or remove this folder if it is a mistake"
            )

    def report(self, imagery: str) -> Path:
        """The folder of the report of a response, by the name of its imagery's dated folder."""
        return self.path / f"report-{imagery}"

    def earlier(self, imagery: str) -> Sequence[Response]:
        """The responses with other imagery than that of the given dated folder, the oldest first."""
        return [one for one in self.responses if one.imagery != imagery]

    def add(self, response: Response, event: Event) -> None:
        """Store a response to an event; it replaces an earlier response with the same imagery."""
        from shapely.geometry import mapping

        self.event, self.responses = event, [*self.earlier(response.imagery), response]
        about = {"day": event.day.isoformat(), "area": mapping(event.area)}
        write_json(self._file, {"event": about, "responses": [asdict(one) for one in self.responses]})

    def _find_event(self) -> None:
        """Find the event of a record of an older release of tsmu, which does not name it, by its latest imagery.

        Responses whose imagery is of another event, or is gone, are left out.
        """
        events = [self._event_of(one) for one in self.responses]
        self.event = next((event for event in reversed(events) if event is not None), None)
        if self.event is not None:
            pairs = zip(self.responses, events, strict=True)
            self.responses = [one for one, event in pairs if event is not None and self.event.is_same(event)]

    def _event_of(self, response: Response) -> Event | None:
        """Read the event of a response from its imagery; None if the imagery does not exist any more."""
        from tsmu.imagery import read_event_imagery

        try:
            imagery = read_event_imagery(self.imagery / response.imagery)
        except FetchError:
            return None
        return Event(imagery.day, imagery.area)


def response_of(imagery: "EventImagery", scenes: "Sequence[SceneMap]", min_area: float) -> Response:
    """Make the record of a response from its imagery and maps.

    Args:
        imagery: the composites before and after the event.
        scenes: the maps.
        min_area: m2; smaller landslides were left out.
    """
    summaries = [scene.summary for scene in scenes]
    methods = {
        f"{_mapper_of(summary)} from {' and '.join(f'{threshold} %' for threshold in summary['thresholds'])}"
        for summary in summaries
    }
    mapped = f"{', '.join(sorted(methods))}; {min_area:g} m2 and more"
    names, runs = tuple(scene.name for scene in scenes), tuple(summary["run"] for summary in summaries)
    return Response(imagery.folder.name, names, runs, mapped)


def _mapper_of(summary: dict[str, Any]) -> str:
    """Write how a scene was mapped: by change, or by which decoders of which version of the model."""
    if summary["bundle"] == "change":
        return "by change"
    return f"by {' and '.join(summary['regions'])} of {summary['bundle']}"


def _response(stored: dict[str, Any]) -> Response:
    """Read a response from the JSON of the record."""
    runs, mapped = stored.get("runs", ()), str(stored.get("mapped", ""))
    return Response(str(stored["imagery"]), tuple(stored["scenes"]), tuple(runs), mapped)


def _event(stored: dict[str, Any]) -> Event:
    """Read an event from the JSON of the record."""
    from shapely.geometry import shape

    return Event(date.fromisoformat(stored["day"]), shape(stored["area"]))
