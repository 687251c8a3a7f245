"""Read the scenes that `Workspace.map` is given: one raster, several, or the rows of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import MapError
from tsmu.issues import IssueLog
from tsmu.workspace.base import as_day, place_text

if TYPE_CHECKING:
    from tsmu.mapping import SceneRequest
    from tsmu.workspace_folder import WorkspaceFolder

Place = Path | str
Day = date | str


@dataclass(frozen=True)
class SingleScene:
    """The options that are for a single scene: pre-event raster, name, and days of its images (ISO 8601)."""

    pre: str | None
    name: str | None
    date_pre: str | None
    date_post: str | None


def scene_places(scenes: Place | Sequence[Place]) -> list[str]:
    """Convert one scene or several to a list of texts.

    Raises:
        MapError: no scene is named, or one is neither a path nor an address.
    """
    several = scenes if isinstance(scenes, Iterable) and not isinstance(scenes, Place) else [scenes]
    places = [place_text(scene, MapError) for scene in several]
    if not places:
        raise MapError("no scene is named; give a post-event raster, or a table of scenes")
    return places


def is_scene_table(place: str) -> bool:
    """Whether a path is that of a table of scenes and not of a raster, by its suffix."""
    from tsmu.tabular import TABLE_SUFFIXES

    return place.lower().endswith(TABLE_SUFFIXES)


def scene_requests(
    places: Sequence[str], single: SingleScene, region: str | None, log: IssueLog
) -> "list[tuple[int | None, SceneRequest]]":
    """Make the requests for the named scenes.

    Args:
        places: post-event rasters, or a single table of scenes.
        single: options for a single scene.
        region: the region whose decoder maps the scenes, unless a row of the table names one; None if the region map
            chooses it.
        log: the log to which rows with defects are added; they are left out.

    Returns:
        The requests, with the number of their row if they come from a table.

    Raises:
        MapError: options for a single scene are given with a table or with several scenes.
    """
    from tsmu.mapping import (
        SceneRequest,
        check_scene_name,
        default_scene_name,
        path_or_url,
        read_scene_table,
    )

    for_one_scene = single.pre or single.name or single.date_pre or single.date_post
    if len(places) == 1 and is_scene_table(places[0]):
        if for_one_scene:
            raise MapError(f"{places[0]}: pre images, names and dates of a table's scenes stand in its columns")
        orders: list[tuple[int | None, SceneRequest]] = []
        for row, order in read_scene_table(Path(places[0]), log):
            if isinstance(order, str):
                log.error(places[0], order, "not mapped", row=row)
            else:
                orders.append((row, replace(order, region=order.region or region)))
        return orders
    if for_one_scene and len(places) > 1:
        raise MapError("--pre, --name and dates are for one scene; give a table with a row for each")
    pre = path_or_url(single.pre) if single.pre else None
    name, days = check_scene_name(single.name) if single.name else None, (single.date_pre, single.date_post)
    return [
        (None, SceneRequest(post, pre, name or default_scene_name(post), region, *days))
        for post in map(path_or_url, places)
    ]


def iso_day(day: Day | None) -> str | None:
    """Write a day as ISO 8601; None is returned unchanged.

    Raises:
        MapError: the value is not a day.
    """
    if day is None:
        return None
    return as_day(day, MapError).isoformat()


def map_folders(
    orders: "Sequence[SceneRequest]", out: Path | None, folder: "WorkspaceFolder"
) -> "list[tuple[SceneRequest, Path]]":
    """Choose the folder of each scene's map: `out`, or a folder of the scene's name in the workspace.

    Raises:
        MapError: two maps would be written into the same folder.
    """
    from tsmu.mapping import check_unique_names

    check_unique_names(orders)
    if out and len(orders) > 1:
        raise MapError(f"--out {out}: is for one scene, here are {len(orders)}; leave it out, they go to {folder.maps}")
    return [(order, out or folder.maps / order.name) for order in orders]
