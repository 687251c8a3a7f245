"""The verbs that bring image pairs into a workspace, and pictures of them out of it."""

from typing import TYPE_CHECKING

from tsmu.workspace.report import Report

if TYPE_CHECKING:
    from tsmu.imagery import TerrainOptions


def add_terrain_to_report(report: Report, elevations: "TerrainOptions") -> None:
    """Say which terrain bands were made of which elevation model, and that its values are taken as metres."""
    bands = [f"terrain:{band}" for band in elevations.bands]
    report.details["terrain"] = {"dem": str(elevations.dem), "bands": bands}
    report.say(f"{', '.join(bands)} from {elevations.dem}, whose values are taken as metres")
