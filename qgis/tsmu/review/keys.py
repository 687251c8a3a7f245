"""Which key does what in the dock; the same letters as on the review page."""

from __future__ import annotations

from typing import NamedTuple

from ..translation import tr


class Command(NamedTuple):
    """What a key and a button do.

    Attributes:
        name: the verdict, or another word that the dock knows.
        label: of the button.
        key: the letter.
    """

    name: str
    label: str
    key: str


def commands() -> list[Command]:
    """All commands, in the order of the buttons."""
    return [
        Command("accept", tr("Accept"), "A"),
        Command("reject", tr("Reject"), "R"),
        Command("unsure", tr("Unsure"), "U"),
        Command("bad imagery", tr("Bad imagery"), "B"),
        Command("previous", tr("Previous"), "P"),
        Command("next", tr("Next"), "N"),
        Command("flip", tr("Before / after"), "F"),
        Command("zoom", tr("Zoom to it"), "G"),
        Command("comment", tr("Comment"), "C"),
        Command("edit", tr("Edit outline"), "E"),
        Command("undo", tr("Undo"), "Z"),
    ]
