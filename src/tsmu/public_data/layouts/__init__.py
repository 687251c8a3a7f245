"""How the files of a public set become chips (`images/`, `masks/`, `pre/`) or a layer of regions.

One module for each layout, with one function `lay_out(source, out, show)`. Each looks for its files by the names that
the authors gave them, wherever in `source` they lie, because people unpack archives into folders of their own.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tsmu.public_data.layouts.laid_out import LaidOut, ShowChips

__all__ = ["LaidOut", "lay_out"]

LayOut = Callable[[Path, Path, ShowChips], LaidOut]


def lay_out(layout: str, source: Path, out: Path, show: ShowChips = lambda *_: None) -> LaidOut:
    """Lay out the files of a public set.

    Args:
        layout: the name of a module of this folder, as the catalogue has it.
        source: the unpacked files.
        out: the folder to write into; what lies there of an earlier part of the set is kept.
        show: called with the chips that are done, and all of them.

    Returns:
        How many chips (or layers) were written, and what was left out.

    Raises:
        DataError: the files are not those of the layout; the message says what is missing.
    """
    function: LayOut = import_module(f"{__name__}.{layout}").lay_out
    return function(source, out, show)
