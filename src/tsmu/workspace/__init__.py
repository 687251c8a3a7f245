"""What users of the Python API and the command line work with: a workspace and its verbs.

    workspace   the class `Workspace`, put together of
    base        ... what all verbs share: folder, settings, display
    chips, ...  ... the verbs, one file for each stage of the user's way
    report      what verbs return
    display     how verbs tell what they do while they work

What others use of this room is named here, and loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsmu.workspace.chips import ChipReport
    from tsmu.workspace.display import BarDisplay, CallbackDisplay, Display, ShowProgress
    from tsmu.workspace.report import Report
    from tsmu.workspace.workspace import Workspace

_MODULES = {
    "BarDisplay": "display",
    "CallbackDisplay": "display",
    "ChipReport": "chips",
    "Display": "display",
    "Report": "report",
    "ShowProgress": "display",
    "Workspace": "workspace",
}

__all__ = [
    "BarDisplay",
    "CallbackDisplay",
    "ChipReport",
    "Display",
    "Report",
    "ShowProgress",
    "Workspace",
]


def __getattr__(name: str) -> Any:
    """Load a name of the face when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
