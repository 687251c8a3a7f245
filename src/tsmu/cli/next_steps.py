"""The next command of the chain from pairs to a map, spelled out with the user's own files."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsmu.workspace import Workspace

SIDES = ("pre", "before", "post", "after")  # file names that tell no scene from another


def map_command(space: "Workspace", region: str) -> str:
    """How to map a scene of a region: its first pair if it has one, with the images that its chips are read from."""
    from tsmu.imagery.pair_store import read_pairs
    from tsmu.imagery.raster import is_remote

    pairs = read_pairs(space)
    mine = None if pairs is None else pairs[pairs["region"] == region]
    if mine is None or mine.empty:
        return f"tsmu map POST.tif --region {region}"
    pair = mine.iloc[0]
    pre = f" --pre {_short(pair['pre'])}" if isinstance(pair["pre"], str) else ""
    name = f" --name {shlex.quote(pair['id'])}" if Path(pair["post"]).stem.lower() in SIDES else ""
    dem = pair.get("dem")
    terrain = f" --dem {dem if is_remote(dem) else _short(dem)}" if isinstance(dem, str) else ""
    return f"tsmu map {_short(pair['post'])}{pre}{terrain} --region {region}{name}"


def _short(path: str) -> str:
    """A path as a shell takes it, from the current folder if that is shorter."""
    return shlex.quote(min(os.path.relpath(path), path, key=len))
