"""Read the arguments of `Workspace.respond`: the area, the event's name, the scenes to map, and the districts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import FetchError, SituationError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import user_path
from tsmu.workspace.ranges import check_percent, check_range
from tsmu.workspace.scene_requests import Place

if TYPE_CHECKING:
    from tsmu.imagery import EventImagery
    from tsmu.mapping import SceneRequest
    from tsmu.situation import Districts

RESOLUTIONS = (0.01, 10_000)  # smallest and largest pixel size, metres
MOST_DAYS = 36_500
MOST_WORKERS = 16


def check_imagery_numbers(
    resolution: float | None, pre_days: int, post_days: int, max_cloud: float, workers: int
) -> None:
    """Refuse numbers outside their ranges; the command line makes the same checks.

    Raises:
        FetchError: a number lies outside its range.
    """
    check_range("resolution", resolution, FetchError, *RESOLUTIONS)
    check_range("pre_days", pre_days, FetchError, 1, MOST_DAYS, whole=True)
    check_range("post_days", post_days, FetchError, 1, MOST_DAYS, whole=True)
    check_percent("max_cloud", max_cloud, FetchError)
    check_range("workers", workers, FetchError, 1, MOST_WORKERS, whole=True)


def area_argument(aoi: Place | Sequence[float]) -> Path | str | Sequence[float]:
    """Read the area: as a path (with `~` for the home folder) if it is a file, otherwise unchanged."""
    if not isinstance(aoi, Path | str):
        return tuple(aoi)
    return path if (path := user_path(aoi)).is_file() else aoi


def default_event_name(aoi: Place | Sequence[float], day: date) -> str:
    """Make the name of an event from the name of the area's file, or `event`, and the day."""
    area = area_argument(aoi)
    return f"{area.stem if isinstance(area, Path) and area.is_file() else 'event'}-{day}"


def zone_requests(imagery: "EventImagery", event: str, region: str | None) -> "list[SceneRequest]":
    """Make the scenes to map: one for the pair of each UTM zone.

    The name of a scene has the name of the imagery's dated folder in it, so that later imagery makes new scenes.

    Args:
        imagery: the composites before and after the event.
        event: the name of the event.
        region: the region whose decoder maps; None if the region map chooses it.
    """
    from tsmu.mapping import SceneRequest

    return [
        SceneRequest(
            zone.post,
            zone.pre,
            f"{event}_{imagery.folder.name}_{zone.folder.name}",
            region,
            imagery.pre_last.isoformat(),
            imagery.post_last.isoformat(),
        )
        for zone in imagery.zones
    ]


def requests_of_one_mapper(requests: "Sequence[SceneRequest]", by: str) -> "list[SceneRequest]":
    """Rename scenes that are mapped in two ways, so that each way has folders of its own."""
    return [replace(request, name=f"{request.name}_{by}") for request in requests]


def read_districts(path: Path, column: str | None, log: IssueLog) -> "Districts":
    """Read the polygons by which landslides are counted.

    Raises:
        SituationError: the file cannot be read, has several layers, or has no such column.
    """
    from tsmu.situation import Districts
    from tsmu.vectors import read_polygons

    frames = read_polygons(path, log, SituationError)
    if len(frames) != 1:
        raise SituationError(f"{path}: has {counted(len(frames), 'layer')} of polygons; give a file with one")
    columns = [str(name) for name in frames[0].columns if name != frames[0].geometry.name]
    chosen = column or next((name for name in columns if name.casefold() == "name"), None)
    if chosen not in columns:
        missing = f"column {column}" if column else "column called name"
        raise SituationError(f"{path}: has no {missing}; give one with --district-name: {', '.join(columns) or 'none'}")
    return Districts(frames[0], chosen)
