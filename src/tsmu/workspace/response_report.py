"""The situation report of a response: what it is written from, and where it is written."""

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

SAID_ISSUES = 8  # that the report repeats


@dataclass(repr=False)
class RespondReport(Report):
    """What a response made.

    Attributes:
        imagery: the composites before and after the event.
        scenes: their maps, one for each UTM zone.
        landslides: what this response's maps show in the area, and what people decided or drew there, as the database
            has it now, EPSG:4326; with what earlier responses show that were mapped in the same way.
        page: the situation report, an HTML page.
        layers: the folder of the layers beside it.
    """

    imagery: "EventImagery | None" = None
    scenes: list[SceneMap] = field(default_factory=list)
    landslides: "geopandas.GeoDataFrame | None" = None
    page: Path | None = None
    layers: Path | None = None


@dataclass(frozen=True)
class MappingChoice:
    """What maps the imagery of an event, and why: decoders, change, or both."""

    by: str
    reason: str

    @property
    def each(self) -> tuple[str, ...]:
        """The mappers one by one; the raster of the first is that of the report."""
        return ("decoder", "change") if self.by == "both" else (self.by,)

    def __str__(self) -> str:
        """Say what maps and why, in a sentence."""
        return f"mapped by {'the decoder and by change' if self.by == 'both' else self.by}: {self.reason}"


def gather_situation(
    folder: WorkspaceFolder,
    report: RespondReport,
    responses: ResponseFolder,
    mapper: MappingChoice,
    dem: str | None,
    districts: "Districts | None",
) -> "Situation":
    """Gather what the situation report is written from."""
    from tsmu.situation import Situation, ZoneRasters

    imagery = report.imagery
    assert imagery is not None and report.landslides is not None
    zones = []
    for zone in imagery.zones:
        of_zone = [scene.probability for scene in report.scenes if scene.post == zone.post]
        probability = of_zone[0] if of_zone else None  # a zone that could not be mapped is among the issues
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
    """Write the situation report, and say where everything lies."""
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
    """How a scene was mapped."""
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
    """The last report with other imagery, if it was written."""
    from tsmu.situation import read_former

    for response in reversed(responses.earlier(imagery)):
        if (folder := responses.report(response.imagery)).exists():
            return read_former(folder)
    return None


def _remarks(report: Report, root: Path) -> list[str]:
    """The first issues, which readers of the situation report should know, without paths of this machine."""
    texts = [f"{issue.problem}.".replace(f"{root}/", "") for issue in report.issue_list]
    problems = dict.fromkeys(text[0].upper() + text[1:] for text in texts)
    more = [f"And {len(problems) - SAID_ISSUES} more, in issues.csv."] if len(problems) > SAID_ISSUES else []
    return [*list(problems)[:SAID_ISSUES], *more]
