"""The verbs that import image pairs into a workspace: from disk, and from a STAC catalogue."""

import difflib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import FetchError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, list_names, place_text, user_path
from tsmu.workspace.ranges import check_percent, check_range
from tsmu.workspace.report import Report, first_names

if TYPE_CHECKING:
    import geopandas

    from tsmu.imagery import FetchOptions, FetchResult, TerrainOptions

FETCH_RANGES: dict[str, tuple[float, float]] = {  # smallest and largest value of each number
    "pre_days": (1, 36_500),
    "post_days": (1, 36_500),
    "size": (1, 1e6),
    "resolution": (0.01, 1e5),
    "workers": (1, 16),
}


@dataclass(repr=False)
class PairReport(Report):
    """The report of a verb that makes image pairs.

    Attributes:
        pairs: the pairs of this source, one row each: id, pre, post, dates, region, shift, and the footprint in
            EPSG:4326; None if there are none.
    """

    pairs: "geopandas.GeoDataFrame | None" = None


class PairVerbs(WorkspaceBase):
    """Verbs of a workspace that import image pairs."""

    def add_pairs(
        self,
        source: Path | str,
        *,
        region: str | None = None,
        repair: bool = False,
        correct_shift: bool = False,
        dem: Path | str | None = None,
        terrain: str | Sequence[str] | None = None,
        strict: bool = False,
    ) -> PairReport:
        """Import pairs of pre-event and post-event images; they replace the earlier pairs of the same source.

        No image is copied; the table of pairs refers to the files.

        Args:
            source: a folder of Google Earth screenshots or of GeoTIFFs matched by name, or a table that lists them.
            region: the region of all these pairs; by default that in which they lie on the region map.
            repair: repair footprints where there is only one possible repair.
            correct_shift: move pre images that are shifted by half a pixel or more against their post images.
            dem: a file or address of elevations in metres, on any grid, from which the pairs get terrain bands.
            terrain: names of the terrain bands, such as `["slope", "height_500m"]`; by default the slope.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with the pairs.

        Raises:
            ImageError: the source as a whole cannot be read, or no pair lies on the elevation model.
            RegionError: a region cannot have this name.

        Example:
            >>> report = work.add_pairs("shots")
            >>> report.pairs["region"].unique().tolist()
            ['eastern_forests']
        """
        from tsmu.imagery import add_pairs, read_pairs
        from tsmu.regions import check_region_name

        report, source, folder = self._begin(PairReport("import pairs")), user_path(source), self.folder
        if region:
            region = check_region_name(region)
        elevations = elevation_model(dem, terrain)
        log = IssueLog(source, part="pairs", strict=strict)
        before = read_pairs(folder)
        with (
            folder.lock("tsmu import pairs"),
            report.progress("Reading pairs") as show,
            report.collect_issues(log, folder.issues),
        ):
            report.pairs = pairs = add_pairs(
                folder,
                source,
                log,
                region=region,
                repair=repair,
                correct_shift=correct_shift,
                terrain=elevations,
                progress=show,
            )
        report.records = len(pairs)
        report.outputs["pairs"] = str(folder.pairs)
        _describe_pairs(report, pairs, elevations, before)
        _report_missing_data(report, pairs, source, region_map=folder.regions.exists())
        return report

    def fetch_pairs(
        self,
        *,
        stac: str,
        collection: str,
        events: str | Iterable[str] | None = None,
        pre_days: int = 60,
        post_days: int = 60,
        max_cloud: float = 20.0,
        size: float = 2560.0,
        assets: str | Iterable[str] = ("red", "green", "blue"),
        resolution: float | None = None,
        region: str | None = None,
        workers: int = 2,
        strict: bool = False,
    ) -> PairReport:
        """Fetch a pre-event and a post-event image of each event, only the pixels around it, and import them as pairs.

        Images that were fetched before are not fetched again. To fetch those of an event again, remove its folder in
        the folder `fetched`.

        Args:
            stac: the address of a STAC API, or the root of a static STAC catalogue.
            collection: the name of a collection in the catalogue.
            events: ids of events; by default all events of the workspace.
            pre_days: how many days before the event the pre scene may lie.
            post_days: how many days after the event the post scene may lie.
            max_cloud: largest cloud cover of a scene in percent; a scene that states none is used only if this is 100.
            size: side in metres of the square that is fetched around an event that is a point. For an event with an
                extent, the box around it with a margin of 320 m is fetched, but at least this square.
            assets: names of assets, or common names of bands; `ASSET.2` is an asset's second band.
            resolution: pixel size in metres; by default that of the post scene.
            region: the region of these pairs; by default by region map and inventory.
            workers: number of events that are fetched at once; many are a burden to the server.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with all pairs of the workspace that were fetched, now or before. Events without a pair are
            among its issues.

        Raises:
            FetchError: the catalogue cannot be opened, a file cannot be written, an event is not in the workspace, no
                asset is named, or a number lies outside its range.
            InventoryError: the workspace has no events.
            RegionError: a region cannot have this name.

        Example:
            >>> earthquake = work.add_inventory("earthquake.csv").events
            >>> where = {"stac": "catalog/catalog.json", "collection": "scenes"}
            >>> report = work.fetch_pairs(**where, events=earthquake["event_id"], size=640)
            >>> [f"{day:%F}" for day in report.pairs[["date_pre", "date_post"]].iloc[0]]
            ['2019-05-20', '2019-06-09']
        """
        from tsmu.imagery import FetchOptions, fetch_pairs
        from tsmu.inventory import read_events
        from tsmu.regions import check_region_name

        report, folder = self._begin(PairReport("fetch pairs")), self.folder
        region = check_region_name(region) if region else None
        bands = list_names(assets)
        options = FetchOptions(stac, collection, pre_days, post_days, max_cloud, size, bands, resolution, workers)
        _check_fetch_options(options)
        known = read_events(folder.events)
        chosen = _chosen_events(events, known["event_id"].tolist(), folder.events)
        log = IssueLog(folder.events, part="fetch", strict=strict)
        with folder.lock("tsmu fetch pairs"):
            with report.progress("Fetching") as show, report.collect_issues(log, folder.issues):
                outcome = fetch_pairs(known, chosen, options, folder.fetched, log, source=folder.events, progress=show)
            if outcome.regions:
                self._add_fetched_pairs(report, outcome, region, strict)
        _describe_fetch(report, outcome, events=len(chosen), without=len(log.errors))
        return report

    def _add_fetched_pairs(self, report: PairReport, outcome: "FetchResult", region: str | None, strict: bool) -> None:
        """Add the fetched images to the workspace's table of pairs."""
        from tsmu.imagery import add_pairs, user_regions, write_pair_table

        folder = self.folder
        table = write_pair_table(folder.fetched, outcome.regions, region or "")
        log = IssueLog(table, part="pairs", strict=strict)
        with report.progress("Reading pairs") as show, report.collect_issues(log, folder.issues):
            report.pairs = add_pairs(folder, table, log, region=user_regions(table), progress=show)
        report.records = len(report.pairs)
        report.outputs |= {"fetched": str(folder.fetched), "pairs": str(folder.pairs)}


def elevation_model(dem: Path | str | None, terrain: str | Sequence[str] | None) -> "TerrainOptions | None":
    """Read the options that give pairs terrain bands.

    Args:
        dem: a file or address of elevations in metres; None gives no terrain bands.
        terrain: names of terrain bands, as a list or with commas between them; None gives the slope only.

    Returns:
        The elevation model and the bands; None without an elevation model.

    Raises:
        ImageError: bands are named without an elevation model, or one of the two cannot be used.
    """
    from tsmu.imagery import TerrainOptions

    bands = terrain if terrain is None or isinstance(terrain, str) else ",".join(list_names(terrain))
    return TerrainOptions.parse(None if dem is None else place_text(dem), bands)


def add_terrain_to_report(report: Report, elevations: "TerrainOptions") -> None:
    """Report which terrain bands were made from which elevation model, and that its values were read as metres."""
    bands = [f"terrain:{band}" for band in elevations.bands]
    report.details["terrain"] = {"dem": str(elevations.dem), "bands": bands}
    report.say(f"{', '.join(bands)} from {elevations.dem}, whose values are read as metres")


def _describe_fetch(report: Report, outcome: "FetchResult", *, events: int, without: int) -> None:
    """Put the figures of a fetch into the report, and say how many events have pairs now.

    Args:
        report: the report to be filled.
        outcome: the result of the fetch.
        events: number of events for which pairs were to be fetched.
        without: number of these events that got no pair.
    """
    report.details = {
        "events": events,
        "fetched": len(outcome.fetched),
        "already_there": len(outcome.already_complete),
        "catalogue_requests": outcome.catalogue_requests,
    }
    report.say(
        f"{counted(len(outcome.fetched), 'pair')} fetched, {len(outcome.already_complete)} fetched before, "
        f"{without} of {counted(events, 'event')} without; next: tsmu import labels DIR"
    )


def _describe_pairs(
    report: Report,
    pairs: "geopandas.GeoDataFrame",
    elevations: "TerrainOptions | None",
    before: "geopandas.GeoDataFrame | None",
) -> None:
    """Put the figures of imported pairs into the report, and say which terrain bands they got or lost.

    Args:
        report: the report to be filled.
        pairs: the imported pairs.
        elevations: the elevation model of their terrain bands; None without one.
        before: all pairs of the workspace before the import; None if there were none.
    """
    report.details = {
        "regions": pairs["region"].fillna("none").value_counts().to_dict(),
        "resampled": int(pairs["resampled"].sum()),
        "shift_corrected": int(pairs["shift_corrected"].sum()),
        "shifts": [
            {"id": pair.id, "right_px": pair.shift_x_px, "down_px": pair.shift_y_px, "moved": pair.shift_corrected}
            for pair in pairs[pairs["shift_x_px"].notna()].itertuples()
        ],
        "overlapping": int((pairs["overlap_count"] > 0).sum()),
    }
    if elevations:
        add_terrain_to_report(report, elevations)
    elif before is not None and (lost := int(before[before["id"].isin(pairs["id"])]["terrain"].notna().sum())):
        report.say(f"warning: {lost} of them had terrain bands and have none now; --dem FILE gives them back")
    report.details["post_only"] = int(pairs["pre"].isna().sum())


def _report_missing_data(report: Report, pairs: "geopandas.GeoDataFrame", source: Path, *, region_map: bool) -> None:
    """Report which pairs were imported, which data they lack (pre image, region), and the next command."""
    regions = pairs["region"].fillna("no region").value_counts().to_dict()
    by_region = ", ".join(f"{count} in {name}" for name, count in regions.items())
    post_only = int(pairs["pre"].isna().sum())
    if post_only == len(pairs):
        images = counted(post_only, "post image without a pre image", "post images without a pre image")
    else:
        images = counted(len(pairs), "pair")
    lacking_pre = f", {post_only} of them without a pre image" if 0 < post_only < len(pairs) else ""
    report.say(f"{images} imported ({first_names(pairs['id'])}): {by_region}{lacking_pre}")
    if post_only == len(pairs) > 1:
        report.say("for pairs, name them KEY_pre and KEY_post, or pre and post in a folder of each pair's own")
    moved = pairs[pairs["shift_corrected"]]
    for name, x, y in zip(moved["id"], moved["shift_x_px"], moved["shift_y_px"], strict=True):
        report.say(f"{name}: the pre image lay {x:.1f} px right and {y:.1f} px down of the post image; moved back")
    if pairs["region"].isna().any():
        from tsmu.regions import region_advice

        report.say(f"warning: pairs without a region give no chips; {region_advice(source, region_map=region_map)}")
    report.say(f"next: tsmu import labels {shlex.quote(str(source)) if source.is_dir() else 'DIR'}")


def _check_fetch_options(options: "FetchOptions") -> None:
    """Refuse numbers outside their ranges, and an empty list of assets.

    Raises:
        FetchError: an option is refused.
    """
    check_percent("max_cloud", options.max_cloud, FetchError)
    for name, (low, high) in FETCH_RANGES.items():
        whole = name in ("pre_days", "post_days", "workers")
        check_range(name, getattr(options, name), FetchError, low, high, whole=whole)
    if not options.assets:
        raise FetchError("no assets to fetch; name at least one")


def _chosen_events(events: str | Iterable[str] | None, known: list[str], file: Path) -> list[str]:
    """List the ids of the events to fetch; None chooses all events.

    Raises:
        FetchError: an event is not in the workspace, whose events lie in `file`.
    """
    if events is None:
        return known
    chosen = list_names(events)
    for name in chosen:
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.0)) or "none"
            raise FetchError(f"--events {name}: {file} has no event of this id; near: {near}")
    return chosen
