"""How the files of a public set become chips (`images/`, `masks/`, `pre/`) or a layer of regions.

There is one module for each layout, with one function `lay_out(source, out, show)`. It finds the files by the names
that the authors gave them, anywhere below `source`, because users unpack archives into folders of their own.
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
        layout: the name of a module of this folder, as in the catalogue.
        source: the folder with the unpacked files.
        out: the folder to write into; files from an earlier part of the set are kept.
        show: called with the number of chips (or files) that are done, and the number of all.

    Returns:
        How many chips (or layers) were written, and how many files were left out.

    Raises:
        DataError: the files are not those of the layout; the message says what is missing.
    """
    function: LayOut = import_module(f"{__name__}.{layout}").lay_out
    return function(source, out, show)
