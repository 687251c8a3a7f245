"""Gather the data of a response's situation report, and write the report."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmu.wording import counted
from tsmu.workspace.report import Report
from tsmu.workspace.response_record import ResponseFolder
from tsmu.workspace.scene_map import SceneMap
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    import geopandas

    from tsmu.imagery import EventImagery
    from tsmu.situation import Districts, FormerSituation, MapMethod, Situation

SHOWN_ISSUES = 8  # number of issues that the situation report repeats


@dataclass(repr=False)
class RespondReport(Report):
    """The report of a response to an event.

    Attributes:
        imagery: the composites before and after the event.
        scenes: the maps, one for each UTM zone and way of mapping.
        landslides: the landslides in the area as the database has them now, EPSG:4326: those on the maps of this
            response and of earlier ones that were mapped in the same way, and those that people decided on or drew.
        page: the situation report, an HTML page.
        layers: the folder of the layers that belong to the report.
    """

    imagery: "EventImagery | None" = None
    scenes: list[SceneMap] = field(default_factory=list)
    landslides: "geopandas.GeoDataFrame | None" = None
    page: Path | None = None
    layers: Path | None = None


@dataclass(frozen=True)
class MappingChoice:
    """The way in which the imagery of an event is mapped, and why.

    Attributes:
        by: `decoder`, `change` or `both`.
        reason: why it was chosen, for messages.
    """

    by: str
    reason: str

    @property
    def each(self) -> tuple[str, ...]:
        """The single ways of mapping; the report shows the raster of the first one."""
        return ("decoder", "change") if self.by == "both" else (self.by,)

    def __str__(self) -> str:
        """Write in a sentence how the imagery is mapped, and why."""
        return f"mapped by {'the decoder and by change' if self.by == 'both' else self.by}: {self.reason}"


def gather_situation(
    folder: WorkspaceFolder,
    report: RespondReport,
    responses: ResponseFolder,
    mapper: MappingChoice,
    dem: str | None,
    districts: "Districts | None",
) -> "Situation":
    """Gather the data from which the situation report is written.

    Args:
        folder: the workspace.
        report: the report of the response, with its imagery, maps and landslides.
        responses: the record of the event's responses.
        mapper: the way of mapping.
        dem: path or address of elevations for the relief; None without them.
        districts: polygons by which landslides are counted; None without them.
    """
    from tsmu.situation import Situation, ZoneRasters

    imagery = report.imagery
    assert imagery is not None and report.landslides is not None
    zones = []
    for zone in imagery.zones:
        rasters = [scene.probability for scene in report.scenes if scene.post == zone.post]
        probability = rasters[0] if rasters else None  # a zone that could not be mapped is among the issues
        zones.append(ZoneRasters(zone.folder.name, zone.pre, zone.post, zone.observed, probability, dem))
    return Situation(
        responses.path.name,
        imagery.day,
        datetime.now(UTC),
        imagery.area,
        zones,
        report.landslides,
        imagery.read_sources(),
        _method(folder.models, report.scenes[0].summary),
        districts,
        _former(responses, imagery.folder.name),
        [f"{str(mapper).capitalize()}.", *_remarks(report, folder.root)],
    )


def write_situation(
    folder: WorkspaceFolder,
    report: RespondReport,
    responses: ResponseFolder,
    mapper: MappingChoice,
    situation: "Situation",
) -> None:
    """Write the situation report, put its paths and figures into the report of the response, and say where it is."""
    from tsmu.situation import write_report

    imagery = report.imagery
    assert imagery is not None
    files, shown = write_report(situation, responses.report(imagery.folder.name)), len(situation.shown())
    report.page, report.layers = files.page, files.layers
    report.outputs |= {
        "report": str(files.page),
        "layers": str(files.layers),
        "catalogue": str(files.catalogue),
        "imagery": str(imagery.folder),
        "database": str(folder.database),
    }
    report.details = {
        "event": responses.path.name,
        "mapped_by": mapper.by,
        "reason": mapper.reason,
        "imagery_is_new": imagery.is_new,
        "area_km2": imagery.area_km2,
        "landslides": shown,
        "scenes": [scene.summary for scene in report.scenes],
    }
    report.say(f"{counted(shown, 'landslide')} of the event; look at {files.page}")
    report.say("next, to review them: tsmu serve --write; with later imagery: the same command again")


def _method(models: Path, summary: dict[str, Any]) -> "MapMethod":
    """Describe how a scene was mapped, for the situation report."""
    from tsmu.situation import MapMethod

    if summary["bundle"] == "change":
        calibrated_on = summary["reason"].partition("calibrated on ")[2] or None
        return MapMethod("change", None, summary["threshold"], calibrated_on)
    item = models / summary["bundle"] / "bundle.json"
    return MapMethod(
        summary["region"], summary["bundle"], summary["threshold"], "its validation chips",
        model=item if item.exists() else None,
    )  # fmt: skip


def _former(responses: ResponseFolder, imagery: str) -> "FormerSituation | None":
    """Read the newest situation report that was written with other imagery; None if there is none."""
    from tsmu.situation import read_former

    for response in reversed(responses.earlier(imagery)):
        if (folder := responses.report(response.imagery)).exists():
            return read_former(folder)
    return None


def _remarks(report: Report, root: Path) -> list[str]:
    """Write the first issues for readers of the situation report, without the path of the workspace (`root`)."""
    texts = [f"{issue.problem}.".replace(f"{root}/", "") for issue in report.issue_list]
    problems = dict.fromkeys(text[0].upper() + text[1:] for text in texts)
    more = [f"And {len(problems) - SHOWN_ISSUES} more, in issues.csv."] if len(problems) > SHOWN_ISSUES else []
    return [*list(problems)[:SHOWN_ISSUES], *more]
