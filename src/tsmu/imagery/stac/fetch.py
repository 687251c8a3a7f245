"""Fetch image pairs of events from a STAC catalogue; a pair that is complete is not fetched again."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pystac

from tsmu.errors import SceneError, ServerError
from tsmu.files import atomic_write, remove, write_json
from tsmu.imagery.stac.catalogue import StacCatalogue
from tsmu.imagery.stac.event_area import EventArea
from tsmu.imagery.stac.fetched_pairs import SIDES, event_folder_names, image_path, is_complete
from tsmu.imagery.stac.scene_choice import SceneCriteria, choose_scene
from tsmu.imagery.stac.scene_reader import SceneReader, write_cog
from tsmu.issues import IssueLog
from tsmu.wording import counted

MAX_FAILURES_IN_A_ROW = 8  # events for which the server failed, each after retries, before the rest is left out

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class FetchOptions:
    """Which scenes to fetch, and how.

    Attributes:
        stac: address of the catalogue.
        collection: id of the collection in it.
        pre_days: how many days before the event its pre scene may lie.
        post_days: how many days after it its post scene may lie.
        max_cloud: percent of a scene.
        size: metres; side of the footprint around a point.
        assets: names of the scenes' assets or bands, or their common names.
        resolution: metres; None takes that of the post scene.
        workers: how many events are fetched at once.

    Example:
        >>> options = FetchOptions(
        ...     "https://earth-search.aws.element84.com/v1", "sentinel-2-l2a", pre_days=60, post_days=30, max_cloud=20,
        ...     size=2560, assets=["red", "green", "blue"], resolution=None, workers=2,
        ... )
    """

    stac: str
    collection: str
    pre_days: int
    post_days: int
    max_cloud: float
    size: float
    assets: Sequence[str]
    resolution: float | None
    workers: int


@dataclass(frozen=True)
class FetchResult:
    """What was fetched.

    Attributes:
        fetched: folder names of new pairs.
        already_complete: folder names of pairs that were complete before.
        regions: all these folder names -> region as the inventory says, or "".
        catalogue_requests: how many requests the catalogue answered; those for pixels are GDAL's and not counted.
    """

    fetched: list[str]
    already_complete: list[str]
    regions: dict[str, str]
    catalogue_requests: int


@dataclass(frozen=True)
class _Event:
    id: str
    folder: Path
    first: date
    last: date
    shape: Any


def fetch_pairs(
    events: gpd.GeoDataFrame,
    chosen: Sequence[str],
    options: FetchOptions,
    out: Path,
    log: IssueLog,
    *,
    source: Path,
    progress: Progress | None = None,
) -> FetchResult:
    """Fetch a pre and a post image of each event that has none yet.

    Writes `out/NAME/NAME_pre.tif`, `NAME_post.tif` (COGs on one UTM grid around the event), and the STAC
    items they come from, `pre.json` and `post.json`; a folder appears whole. NAME is the event's id, made fit
    for a file name. Nothing is asked of the server for an event whose folder is complete.

    Args:
        events: all events of the workspace, as `tsmu.inventory.read_events` gives them, in EPSG:4326.
        chosen: ids of those to fetch.
        options: which scenes, and how.
        out: the folder of the events' folders; no other process writes there.
        log: takes each event that gets no pair, with the reason.
        source: the file that the log names for events.
        progress: called with (done, all, event) after each event.

    Raises:
        FetchError: the catalogue cannot be opened, or a file not be written.

    Example:
        >>> events = gpd.GeoDataFrame({"event_id": ["glc:1"], "region": ["nepal"]}, geometry=[shapely.Point(85, 27)])
        >>> options = FetchOptions("https://example.org", "scenes", 60, 30, 20, 2560, ["red"], None, 2)
        >>> fetch_pairs(events, [], options, Path("fetched"), log, source=Path("events.gpkg")).fetched  # none is chosen
        []
    """
    names = event_folder_names(events["event_id"])
    complete = [names[event] for event in chosen if is_complete(out / names[event])]
    missing = events[events["event_id"].isin({event for event in chosen if names[event] not in set(complete)})]
    todo = [event for row in missing.itertuples() if (event := _event(row, out / names[row.event_id], source, log))]
    fetched, requests = _fetch_all(todo, options, out, source, log, progress) if todo else ([], 0)
    regions = dict(zip((names[event] for event in events["event_id"]), events["region"].fillna(""), strict=True))
    return FetchResult(fetched, complete, {name: regions[name] for name in complete + fetched}, requests)


def _fetch_all(
    todo: Sequence[_Event], options: FetchOptions, out: Path, source: Path, log: IssueLog, progress: Progress | None
) -> tuple[list[str], int]:
    """Fetch events in parallel: the folder names of those that got a pair, and the catalogue's requests."""
    for partial in out.glob(".*.*-*"):  # half-written when a run was killed
        remove(partial)
    catalogue = StacCatalogue(options.stac, options.collection)
    reader = SceneReader(options.assets, options.resolution)
    fetched: list[str] = []
    failures_in_a_row = 0
    with ThreadPoolExecutor(options.workers) as pool:
        jobs = {pool.submit(_fetch_event, event, options, catalogue, reader): event for event in todo}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                event = jobs[job]
                try:
                    job.result()
                    fetched.append(event.folder.name)
                    failures_in_a_row = 0
                except SceneError as error:
                    log.error(source, f"event {event.id}: {error}")
                    failures_in_a_row = failures_in_a_row + 1 if isinstance(error, ServerError) else 0
                if progress:
                    progress(done, len(jobs), event.id)
                if failures_in_a_row == MAX_FAILURES_IN_A_ROW and done < len(jobs):
                    problem = f"the server failed for {MAX_FAILURES_IN_A_ROW} events in a row"
                    left = counted(len(jobs) - done, "event is", "events are")
                    log.error(source, problem, f"{left} left; run it again later")
                    break
        finally:
            pool.shutdown(cancel_futures=True)
    return fetched, catalogue.requests


def _event(row: Any, folder: Path, source: Path, log: IssueLog) -> _Event | None:
    """The event of a row; None, and a line in the log, where its dates or its place are not known."""
    first, last = (None if pd.isna(value) else pd.Timestamp(value).date() for value in (row.date_min, row.date_max))
    if first is None or last is None:
        unknown = "date" if first is None and last is None else "first day" if first is None else "last day"
        log.error(source, f"event {row.event_id}: its {unknown} is not known, so neither is what is pre and post")
        return None
    if row.geometry is None or row.geometry.is_empty:
        log.error(source, f"event {row.event_id}: has no place")
        return None
    return _Event(row.event_id, folder, first, last, row.geometry)


def _fetch_event(event: _Event, options: FetchOptions, catalogue: StacCatalogue, reader: SceneReader) -> None:
    """Choose, read and write both scenes of one event."""
    area = EventArea.around(event.shape, options.size)
    items: dict[str, pystac.Item] = {}
    for criteria in (
        SceneCriteria("pre", event.first, options.pre_days),
        SceneCriteria("post", event.last, options.post_days),
    ):
        scenes = catalogue.scenes(area.box, criteria.first, criteria.last)
        items[criteria.side] = choose_scene(scenes, criteria, area.footprint, options.max_cloud)
    bands = {side: reader.bands(items[side]) for side in SIDES}
    grid = reader.grid(area, bands["post"])
    if event.folder.exists():  # a file of it is missing
        remove(event.folder)
    with atomic_write(event.folder) as temporary:
        temporary.mkdir()
        for side, item in items.items():
            pixels = reader.pixels(item, bands[side], grid)
            tags = {"stac_item": item.id, "stac_collection": item.collection_id or ""}
            write_cog(temporary / image_path(event.folder, side).name, pixels, grid, bands[side], tags)
            item.make_asset_hrefs_absolute()
            write_json(temporary / f"{side}.json", item.to_dict(transform_hrefs=False))
