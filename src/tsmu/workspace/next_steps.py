"""The commands that messages recommend next: in a new workspace, and for a first map after an update."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsmu.workspace_folder import WorkspaceFolder

SIDES = ("pre", "before", "post", "after")  # names of image files that are the same for every scene

# The first command in a new workspace, by the data that the user has.
FIRST_STEPS = {
    "a landslide inventory": "tsmu import inventory FILE",
    "images of places, with or without labels": "tsmu import pairs DIR --region NAME",
    "chips with masks": "tsmu import chips DIR --region NAME",
    "two images and no labels": "tsmu map POST.tif --pre PRE.tif --by change",
    "an event and no images": "tsmu respond --aoi FILE --date YYYY-MM-DD --stac URL --collection NAME",
}


def first_steps() -> str:
    """List the commands to begin with in a new workspace, one line for each kind of data that users start from.

    Example:
        >>> print(first_steps().splitlines()[0])
          a landslide inventory: tsmu import inventory FILE
    """
    return "\n".join(f"  {have}: {command}" for have, command in FIRST_STEPS.items())


def map_command(folder: "WorkspaceFolder", region: str) -> str:
    """Write the `tsmu map` command for a region, with the images of its first pair if it has one.

    The command is a part of the last message of an update that has succeeded, so this function raises no error: if the
    table of pairs cannot be read, the scene is called `POST.tif`.
    """
    try:
        scene, name = _first_pair(folder, region)
    except Exception:  # noqa: BLE001
        scene, name = "POST.tif", ""
    return f"tsmu map {scene} --region {shlex.quote(region)}{name}"


def _first_pair(folder: "WorkspaceFolder", region: str) -> tuple[str, str]:
    """The arguments of `tsmu map` for a region's first pair: its images and elevation model, and `--name` if needed."""
    from tsmu.imagery import read_pairs

    pairs = read_pairs(folder)
    if pairs is None or (pairs := pairs[pairs["region"] == region]).empty:
        return "POST.tif", ""
    pair = pairs.iloc[0]
    pre = f" --pre {_short(pair['pre'])}" if isinstance(pair["pre"], str) else ""
    dem = f" --dem {_short(pair['dem'])}" if isinstance(pair.get("dem"), str) else ""
    name = f" --name {shlex.quote(pair['id'])}" if Path(pair["post"]).stem.lower() in SIDES else ""
    return f"{_short(pair['post'])}{pre}{dem}", name


def _short(place: str) -> str:
    """Quote a path or an address for a shell; a path starts from the current folder if it is shorter so."""
    from tsmu.imagery import is_remote

    return shlex.quote(place if is_remote(place) else min(os.path.relpath(place), place, key=len))
