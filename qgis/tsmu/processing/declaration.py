"""What an algorithm is made of: its words, what it asks for, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from ..translation import tr
from .outputs import Output
from .parameters import Parameter, Workspace
from .values import Values


@dataclass(frozen=True)
class Declaration:
    """One algorithm.

    Attributes:
        name: its name in QGIS, such as `map`; models and scripts use it, so it stays.
        title: what the toolbox shows.
        group: where it stands in the toolbox.
        help: what it does, in a few sentences.
        commands: the words of the commands that it runs, one after the other, such as `("map",)`. The parameters are
            those of the first command.
        parameters: what it asks for.
        outputs: what comes out, besides what all have: `RECORDS`, `LEFT_OUT` and `REPORT`.
        needs_workspace: whether it works in a workspace.
        prepare: where more is to be done than to run the commands: gives words instead of those of the parameters.
    """

    name: str
    title: str
    group: str
    help: str
    commands: tuple[tuple[str, ...], ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[Output, ...] = ()
    needs_workspace: bool = True
    prepare: Callable[[Values], list[str]] | None = None

    def all_parameters(self) -> tuple[Parameter, ...]:
        """The workspace, where one is needed, and the others."""
        if not self.needs_workspace:
            return self.parameters
        label = tr("Workspace (folder)")
        return (Workspace("WORKSPACE", label, "--workspace", optional=False, folder=True), *self.parameters)

    def all_outputs(self) -> tuple[Output, ...]:
        """The outputs of this algorithm, and those that all have."""
        return (
            *self.outputs,
            Output("RECORDS", tr("Done"), "number", "records"),
            Output("LEFT_OUT", tr("Left out"), "number", "left_out"),
        )
