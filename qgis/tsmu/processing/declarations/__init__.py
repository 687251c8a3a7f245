"""What each algorithm asks for, in the order of the user's way: one module for each group of the toolbox."""

from __future__ import annotations

from ..declaration import Declaration
from . import data, database, maps, model


def declarations() -> list[Declaration]:
    """All algorithms; a function, because texts are translated when it is called."""
    return [*data.declarations(), *model.declarations(), *maps.declarations(), *database.declarations()]
