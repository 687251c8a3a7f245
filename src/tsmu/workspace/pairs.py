"""The verbs that bring image pairs into a workspace, and pictures of them out of it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.workspace.report import Report

if TYPE_CHECKING:
    from tsmu.imagery.pair_terrain import Elevations


def add_terrain_to_report(report: Report, elevations: "Elevations") -> None:
    """Say which terrain bands were made of which elevation model, and that its values are taken as metres."""
    bands = [f"terrain:{band}" for band in elevations.bands]
    report.details["terrain"] = {"dem": str(elevations.dem), "bands": bands}
    report.say(f"{', '.join(bands)} from {elevations.dem}, whose values are taken as metres")


def how_to_name_a_region(source: Path | str, *, region_map: bool) -> str:
    """How pairs get a region that they lack; with a region map, they lie in none of its regions."""
    command = f"tsmu import pairs {shlex.quote(str(source))} --region NAME"
    if region_map:
        return f"they lie in none of the region map's; name theirs with: {command}"
    return f"name theirs with: {command}, or give a region map: tsmu regions use FILE --name-field FIELD"
