"""The verb that responds to an event: imagery before and after it, a first map, and a situation report."""

import math
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from tsmu.errors import FetchError, MapError, SituationError, TsmuError, one_line
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import as_day, place_text, user_path
from tsmu.workspace.mapping import MapVerbs
from tsmu.workspace.ranges import check_choice, check_percent, check_range
from tsmu.workspace.response_inputs import (
    area_argument,
    check_imagery_numbers,
    default_event_name,
    read_districts,
    requests_of_one_mapper,
    zone_requests,
)
from tsmu.workspace.response_record import Event, Response, ResponseFolder, response_of
from tsmu.workspace.response_report import MappingChoice, RespondReport, gather_situation, write_situation
from tsmu.workspace.scene_map import MapReport
from tsmu.workspace.scene_requests import Day, Place

if TYPE_CHECKING:
    import geopandas

    from tsmu.imagery import EventImagery
    from tsmu.mapping import MapOptions, SceneRequest

MAPPING_CHOICES = ("auto", "decoder", "change", "both")
# Smaller landslides are left out: m2, nine pixels of 10 m. The number was not measured; it is assumed that most of the
# noise of a map by change is single pixels that changed.
MIN_AREA = 900.0


class RespondVerbs(MapVerbs):
    """The verb of a workspace that responds to an event."""

    def respond(
        self,
        *,
        aoi: Place | Sequence[float],
        date: Day,
        stac: str,
        collection: str,
        name: str | None = None,
        by: str = "auto",
        region: str = "auto",
        dem: Place | None = None,
        cloud_mask: str | None = None,
        districts: Place | None = None,
        district_name: str | None = None,
        threshold: int | None = None,
        min_area: float = MIN_AREA,
        resolution: float | None = None,
        pre_days: int = 365,
        post_days: int = 120,
        max_cloud: float = 100.0,
        workers: int = 4,
    ) -> RespondReport:
        """Respond to an event: compose imagery before and after it, map it, and write a situation report.

        The same call continues a response that was interrupted. If there is later imagery, it makes a new map and a
        new report of the same event, which says what is new, what is confirmed, and what is seen now. A name of an
        event stands for one day and one area.

        Args:
            aoi: the area: a file of polygons, or west, south, east, north in degrees.
            date: day of the event, a date or ISO 8601; images of that day are not used, neither before nor after it.
            stac: the address of a STAC API, or the root of a static STAC catalogue.
            collection: the name of a collection in the catalogue, such as `sentinel-2-l2a` or, for radar,
                `sentinel-1-rtc`.
            name: the name of the event; by default it is made from the area and the day.
            by: the way of mapping: `decoder`, `change`, `both` one after the other, or `auto`: the region's decoder if
                the region was learned and the decoder fits the imagery, otherwise change.
            region: the region whose decoder maps, and to which the landslides belong; `auto` finds it by the region
                map.
            dem: elevations in metres, for the relief of the report's map, and for a map by change, in which they make
                landslides on flat ground less likely.
            cloud_mask: the values of a mask's pixels that are clouds, `ASSET:VALUES`; `none` uses all pixels; by
                default the mask is SCL or QA_PIXEL.
            districts: a file of polygons; the report counts landslides in each of them.
            district_name: the column with the names of districts; by default `name`, in upper or lower case.
            threshold: the probability in percent, 1 to 100, from which pixels are landslides; by default that of the
                decoder or of a map by change.
            min_area: area in m2; smaller landslides are left out.
            resolution: pixel size in metres; by default that of the scenes.
            pre_days: how many days before the event the scenes may lie.
            post_days: how many days after the event the scenes may lie.
            max_cloud: largest cloud cover of a scene in percent; a scene that states none is used only if this is 100.
            workers: number of scenes that are read at once; many are a burden to the server.

        Returns:
            The report, with imagery, maps, landslides and files.

        Raises:
            FetchError: there is no such imagery; imagery that was composed so far is kept.
            MapError, ImageError: the imagery cannot be mapped with these options.
            SituationError: the name is that of another event, the districts cannot be used, or the report cannot be
                written.
            DatabaseError, BundleError: the database or the model cannot be used; the text of the error says why.

        Example:
            >>> work.respond(aoi=(7, 46, 7.1, 46.1), date="2999-01-01", stac="catalog.json", collection="scenes")
            Traceback (most recent call last):
            tsmu.errors.FetchError: `date=2999-01-01`: lies in the future; ...
        """
        from tsmu.imagery import AreaOfInterest, CompositeOptions, check_dem, compose_event, resolve_dem
        from tsmu.mapping import MapOptions, check_scene_name

        check_choice("by", by, MAPPING_CHOICES, SituationError)
        check_percent("threshold", threshold, MapError, 1, whole=True)
        check_range("min_area", min_area, MapError, 0, math.inf)
        check_imagery_numbers(resolution, pre_days, post_days, max_cloud, workers)
        report, folder = self._begin(RespondReport("respond")), self.folder
        day, elevations = as_day(date, FetchError), None if dem is None else place_text(dem)
        options = CompositeOptions(stac, collection, cloud_mask, resolution, pre_days, post_days, max_cloud, workers)
        responses = ResponseFolder(folder.root, check_scene_name(name or default_event_name(aoi, day)))
        log = IssueLog(responses.path, part="imagery")
        area = AreaOfInterest.parse(area_argument(aoi), log)
        event = Event(day, area.geometry)
        responses.require_same_event(event)
        counted_by = None if districts is None else read_districts(user_path(districts), district_name, log)
        if by in ("decoder", "both"):  # checked before imagery is composed, which takes long
            self._require_model(has_pair=True)
        if elevations is not None:
            check_dem(resolve_dem(elevations))
        with (
            folder.lock("tsmu respond"),
            report.collect_issues(log, folder.issues),
            report.progress("Composing") as show,
        ):
            imagery = compose_event(area, day, options, responses.imagery, log, show)
        report.imagery = imagery
        report.say(_line_of_imagery(imagery))
        requests = zone_requests(imagery, responses.path.name, None if region == "auto" else region)
        mapper = self._choose_mapper(by, imagery, requests, elevations)
        report.say(str(mapper))
        for mapped_by in mapper.each:
            orders = requests_of_one_mapper(requests, mapped_by) if mapper.by == "both" else requests
            options_of_map = MapOptions(
                by=mapped_by, threshold=threshold, min_area=min_area, dem=self._dem_for(mapped_by, elevations)
            )
            self._map_zones(report, orders, options_of_map, IssueLog(responses.path, part=f"by {mapped_by}"))
        response = response_of(imagery, report.scenes, min_area)
        responses.add(response, event)
        with folder.lock("tsmu respond"), report.progress("Reporting") as show:
            show(0, 1, "")
            report.landslides = self._event_landslides(report, responses, response, event)
            situation = gather_situation(folder, report, responses, mapper, elevations, counted_by)
            write_situation(folder, report, responses, mapper, situation)
            show(1, 1, "")
        return report

    def _choose_mapper(
        self, by: str, imagery: "EventImagery", requests: "Sequence[SceneRequest]", dem: str | None
    ) -> MappingChoice:
        """Choose to map by decoder if the region was learned and its decoder fits all imagery, otherwise by change.

        A choice of the user other than `auto` is kept.
        """
        from tsmu.mapping import MapOptions, MapSession
        from tsmu.model import bundle_versions

        if by != "auto":
            return MappingChoice(by, "as asked")
        if imagery.kind == "radar":
            return MappingChoice("change", "the imagery is radar")
        if not bundle_versions(self.folder.models):
            return MappingChoice("change", "there is no model yet")
        try:
            session = MapSession(MapOptions(dem=self._dem_for("decoder", dem)), self.folder)
            for request in requests:
                with session.open_scene(request, self.folder.maps / request.name) as scene:
                    routing = scene.plan.routing
                    if routing.unlearned or routing.unfamiliar:
                        return MappingChoice(
                            "change", f"no decoder was learned here ({routing.reason} {routing.region})"
                        )
        except TsmuError as error:
            return MappingChoice("change", f"no decoder fits ({one_line(error)})")
        return MappingChoice("decoder", "the region was learned, and the imagery fits its decoder")

    def _dem_for(self, by: str, dem: str | None) -> str | None:
        """The elevations for a way of mapping; None if it does not use them, as decoders that did not learn terrain."""
        from tsmu.imagery import terrain_bands
        from tsmu.model import served_record

        uses_elevations = by == "change" or bool(terrain_bands(served_record(self.folder.models).bands))
        return dem if uses_elevations else None

    def _map_zones(
        self, report: RespondReport, requests: "Sequence[SceneRequest]", options: "MapOptions", log: IssueLog
    ) -> None:
        """Map the pair of each UTM zone, record the landslides in the database, and add the maps to the report."""
        self._check_options(options)
        self._check_elevations(options)
        mapped = MapReport("map", display=self.display)
        self._map_all(mapped, [(None, request) for request in requests], options, None, None, log)
        report.scenes += mapped.scenes
        report.records += mapped.records
        report.issue_list += mapped.issue_list
        report.left_out += mapped.left_out

    def _event_landslides(
        self, report: RespondReport, responses: ResponseFolder, response: Response, event: Event
    ) -> "geopandas.GeoDataFrame":
        """Read the landslides of the event from the database.

        These are the candidates in the area that are shown by this response, or by an earlier one that was mapped in
        the same way, and the landslides on which people decided.
        """
        from tsmu.database import landslides_in_scenes, open_database

        log = IssueLog(responses.path, part="earlier responses")
        names, runs = list(response.scenes), list(response.runs)
        for earlier in responses.earlier(response.imagery):
            names += earlier.scenes
            if earlier.mapped == response.mapped:
                runs += earlier.runs
            else:
                how = earlier.mapped or "by an earlier version of tsmu, which did not note how"
                problem = f"candidates that only the response with imagery up to {earlier.imagery} shows are left out"
                log.warning(str(responses.path), f"{problem}: it was mapped otherwise ({how})", "not in the report")
        report.add_issues(log, self.folder.issues)
        with closing(open_database(self.folder.database)) as database:
            return landslides_in_scenes(database, names, runs, event.area)


def _line_of_imagery(imagery: "EventImagery") -> str:
    """Write in a sentence from which days the imagery is, and how much of the area it shows without clouds."""
    areas = imagery.area_km2
    total = sum(areas.values()) or 1
    return (
        f"imagery of {imagery.pre_first} to {imagery.pre_last} and {imagery.post_first} to {imagery.post_last}"
        f"{'' if imagery.is_new else ', composed before'}: {areas['clear']:.1f} of {total:.1f} km2 seen clear before "
        f"and after ({areas['clear'] / total:.0%}), in {counted(len(imagery.zones), 'UTM zone')}"
    )
