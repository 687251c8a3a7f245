"""Image pairs of events from a STAC catalogue: found, read by window, written; what is there stays."""

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
from tsmu.files import remove, write_json, written_whole
from tsmu.imagery.stac.catalogue import Catalogue
from tsmu.imagery.stac.event_area import Area
from tsmu.imagery.stac.fetched_pairs import SIDES, folder_names, image, is_complete
from tsmu.imagery.stac.scene_choice import Wanted, choose
from tsmu.imagery.stac.scene_reader import Reader, write_cog
from tsmu.issues import IssueLog

GIVE_UP_AFTER = 8  # events for which the server failed one after the other, each after asking again

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Terms:
    """What to fetch.

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
class Outcome:
    """What became of the events.

    Attributes:
        fetched: folder names of new pairs.
        there: folder names of pairs that were complete already.
        regions: all these folder names -> region as the inventory says, or "".
        catalogue_requests: how many the catalogue answered; those for pixels are GDAL's and not counted.
    """

    fetched: list[str]
    there: list[str]
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
    terms: Terms,
    out: Path,
    log: IssueLog,
    *,
    source: Path,
    progress: Progress | None = None,
) -> Outcome:
    """Fetch a pre and a post image of each event that has none yet.

    Writes `out/NAME/NAME_pre.tif`, `NAME_post.tif` (COGs on one UTM grid around the event), and the STAC
    items they come from, `pre.json` and `post.json`; a folder appears whole. NAME is the event's id, fit
    for a file name. Nothing is asked of the server for an event whose folder is complete.

    Args:
        events: all of the workspace, as `tsmu.inventory.read_events` gives them, in EPSG:4326.
        chosen: ids of those to fetch.
        terms: what to fetch.
        out: the folder of the events' folders; no other process writes there.
        log: takes each event that gets no pair, with the reason.
        source: the file that the log names for events.
        progress: called with (done, all, event) after each event.

    Raises:
        FetchError: the catalogue cannot be opened, or a file not be written.
    """
    names = folder_names(events["event_id"])
    there = [names[event] for event in chosen if is_complete(out / names[event])]
    complete = set(there)
    missing = events[events["event_id"].isin({event for event in chosen if names[event] not in complete})]
    todo = [event for row in missing.itertuples() if (event := _event(row, out / names[row.event_id], source, log))]
    fetched, requests = _fetch_all(todo, terms, out, source, log, progress) if todo else ([], 0)
    told = {names[event]: region for event, region in zip(events["event_id"], events["region"].fillna(""), strict=True)}
    return Outcome(fetched, there, {name: told[name] for name in there + fetched}, requests)


def _fetch_all(
    todo: Sequence[_Event], terms: Terms, out: Path, source: Path, log: IssueLog, progress: Progress | None
) -> tuple[list[str], int]:
    """The folder names of the events that got a pair, and how many requests the catalogue answered."""
    for left in out.glob(".*.*-*"):  # half-written when a run was killed
        remove(left)
    catalogue, reader = Catalogue(terms.stac, terms.collection), Reader(terms.assets, terms.resolution)
    fetched: list[str] = []
    failed_in_a_row = 0
    with ThreadPoolExecutor(terms.workers) as pool:
        jobs = {pool.submit(_fetch, event, terms, catalogue, reader): event for event in todo}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                event = jobs[job]
                try:
                    job.result()
                    fetched.append(event.folder.name)
                    failed_in_a_row = 0
                except SceneError as error:
                    log.error(source, f"event {event.id}: {error}")
                    failed_in_a_row = failed_in_a_row + 1 if isinstance(error, ServerError) else 0
                if progress:
                    progress(done, len(jobs), event.id)
                if failed_in_a_row == GIVE_UP_AFTER and done < len(jobs):
                    problem = f"the server failed for {GIVE_UP_AFTER} events in a row"
                    log.error(source, problem, f"{len(jobs) - done} events are left; run it again later")
                    break
        finally:
            pool.shutdown(cancel_futures=True)
    return fetched, catalogue.requests


def _event(row: Any, folder: Path, source: Path, log: IssueLog) -> _Event | None:
    days = [None if pd.isna(value) else pd.Timestamp(value).date() for value in (row.date_min, row.date_max)]
    first, last = days
    if first is None or last is None:
        unknown = "date" if first is None and last is None else "first day" if first is None else "last day"
        log.error(source, f"event {row.event_id}: its {unknown} is not known, so neither is what is pre and post")
        return None
    if row.geometry is None or row.geometry.is_empty:
        log.error(source, f"event {row.event_id}: has no place")
        return None
    return _Event(row.event_id, folder, first, last, row.geometry)


def _fetch(event: _Event, terms: Terms, catalogue: Catalogue, reader: Reader) -> None:
    area = Area.around(event.shape, terms.size)
    sides = Wanted("pre", event.first, terms.pre_days), Wanted("post", event.last, terms.post_days)
    items: dict[str, pystac.Item] = {}
    for wanted in sides:
        found = catalogue.scenes(area.box, wanted.first, wanted.last)
        items[wanted.side] = choose(found, wanted, area.footprint, terms.max_cloud)
    bands = {side: reader.bands(items[side]) for side in SIDES}
    grid = reader.grid(area, bands["post"])
    if event.folder.exists():  # a file of it is missing
        remove(event.folder)
    with written_whole(event.folder) as temporary:
        temporary.mkdir()
        for side, item in items.items():
            pixels = reader.pixels(item, bands[side], grid)
            write_cog(temporary / image(event.folder, side).name, pixels, grid, bands[side], _tags(item))
            item.make_asset_hrefs_absolute()
            write_json(temporary / f"{side}.json", item.to_dict(transform_hrefs=False))


def _tags(item: pystac.Item) -> dict[str, str]:
    return {"stac_item": item.id, "stac_collection": item.collection_id or ""}
