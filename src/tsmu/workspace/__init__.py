"""What users of the Python API and the command line work with: a workspace and its verbs.

    workspace    the class `Workspace`, put together of
    base         ... what all verbs share: folder, settings, display
    inventories, regions, pairs, labels, chips, exports
                 ... the verbs, one file for each stage of the user's way
    tables       ... what lies in the workspace, as tables, and chips as a torch dataset
    ranges       ... the ranges that numbers must lie in
    report       what verbs return
    display      how verbs tell what they do while they work

What others use of this room is named here, and loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsmu.workspace.chips import ChipReport
    from tsmu.workspace.display import BarDisplay, CallbackDisplay, Display, ShowProgress
    from tsmu.workspace.exports import ExportReport
    from tsmu.workspace.inventories import InventoryReport
    from tsmu.workspace.labels import LabelReport
    from tsmu.workspace.pairs import PairReport
    from tsmu.workspace.regions import AssignmentReport, RegionMapReport
    from tsmu.workspace.report import Report
    from tsmu.workspace.workspace import InitReport, Workspace

_MODULES = {
    "AssignmentReport": "regions",
    "BarDisplay": "display",
    "CallbackDisplay": "display",
    "ChipReport": "chips",
    "Display": "display",
    "ExportReport": "exports",
    "InitReport": "workspace",
    "InventoryReport": "inventories",
    "LabelReport": "labels",
    "PairReport": "pairs",
    "RegionMapReport": "regions",
    "Report": "report",
    "ShowProgress": "display",
    "Workspace": "workspace",
}

__all__ = [
    "AssignmentReport",
    "BarDisplay",
    "CallbackDisplay",
    "ChipReport",
    "Display",
    "ExportReport",
    "InitReport",
    "InventoryReport",
    "LabelReport",
    "PairReport",
    "RegionMapReport",
    "Report",
    "ShowProgress",
    "Workspace",
]


def __getattr__(name: str) -> Any:
    """Load a name of the face when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
