"""Write the report and its layers into a hidden folder, and rename them into place from there, the page last."""

from dataclasses import dataclass
from pathlib import Path

from tsmu.files import remove, sync, write_json, write_text
from tsmu.situation.facts import gather_facts
from tsmu.situation.inputs import FACTS_FILE, LAYERS_FOLDER, Situation
from tsmu.situation.layers import write_layers
from tsmu.situation.page import render_page
from tsmu.situation.pictures import draw_map, landslide_pictures

PAGE_FILE, CATALOGUE_FILE = "report.html", "catalog.json"
UNFINISHED = ".unfinished"  # the folder in which a report is written before its files are renamed into place


@dataclass(frozen=True)
class ReportFiles:
    """The files of a report.

    Attributes:
        page: path of the HTML page.
        facts: path of the JSON file with the figures of the page.
        layers: the folder of the layers.
        catalogue: path of the layers' STAC catalogue.
    """

    page: Path
    facts: Path
    layers: Path
    catalogue: Path


def write_report(situation: Situation, folder: Path) -> ReportFiles:
    """Write the report of a situation and the layers beside it; an earlier report in the folder is replaced.

    Everything is written into a hidden folder first. Then each file is renamed into its place, the page last; so a
    killed process leaves no half-written file, and the next call removes the hidden folder that it left. The same
    situation gives the same bytes.

    Args:
        situation: the event as it is known now.
        folder: where the report is written; it is made if need be. Files of other origin below its subfolder
            `layers` are deleted.

    Raises:
        SituationError: a layer cannot be written.
        ImageError: a raster cannot be read.

    Example:
        >>> files = write_report(seen_event, Path("report"))
        >>> sorted(path.name for path in files.page.parent.iterdir())
        ['layers', 'report.html', 'report.json']
    """
    unfinished = folder / UNFINISHED
    remove(unfinished)
    unfinished.mkdir(parents=True)
    try:
        facts = gather_facts(situation)
        picture = draw_map(situation, facts)
        pictures = landslide_pictures(situation, facts.ground.landslide_classes)
        page = render_page(situation, facts, picture, pictures)
        record = {
            "event": situation.name,
            "day": situation.day.isoformat(),
            "made": situation.made.isoformat(),
            "remarks": list(situation.remarks),
            **facts.as_dict(),
        }
        write_layers(situation, facts, unfinished / LAYERS_FOLDER, folder / LAYERS_FOLDER)
        write_json(unfinished / FACTS_FILE, record)
        write_text(unfinished / PAGE_FILE, page)
        sync(unfinished)
        _move_into(unfinished, folder)
    finally:
        remove(unfinished)
    layers = folder / LAYERS_FOLDER
    return ReportFiles(folder / PAGE_FILE, folder / FACTS_FILE, layers, layers / CATALOGUE_FILE)


def _move_into(unfinished: Path, folder: Path) -> None:
    """Rename all files into their places, the page last; then remove layers of an earlier report that it lacks."""
    files = sorted(path.relative_to(unfinished) for path in unfinished.rglob("*") if path.is_file())
    files.sort(key=lambda path: (len(path.parts) == 1, path.name == PAGE_FILE))
    for path in files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (unfinished / path).replace(target)
    layers = folder / LAYERS_FOLDER
    for old in sorted(layers.rglob("*"), reverse=True):  # reverse order: a folder comes after its content
        if old.is_dir():
            if not any(old.iterdir()):
                old.rmdir()
        elif old.relative_to(folder) not in files:
            old.unlink()
