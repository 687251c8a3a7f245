"""Find the rasters of a scene's layers on this machine: images, maps, and the elevations that the server was given.

The path of a raster is found from the database and the workspace only, never from the text of a request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tsmu.errors import ImageError
from tsmu.imagery import describe_raster, is_remote
from tsmu.mapping import DEVIATION_FILE, PROBABILITY_FILE, check_scene_name, is_map_of
from tsmu.server.context import ServerContext
from tsmu.workspace_folder import WorkspaceFolder

Shift = tuple[float, float]  # metres on the ground, east and north, by which a raster is moved on the map


class SceneLayer(StrEnum):
    """A layer of a scene that can be shown."""

    PRE = "pre"
    POST = "post"
    PROBABILITY = "probability"
    UNCERTAINTY = "uncertainty"
    HILLSHADE = "hillshade"


# Layers of whole percents, with the names of their colour maps.
PERCENT_LAYERS = {SceneLayer.PROBABILITY: "inferno", SceneLayer.UNCERTAINTY: "viridis"}


@dataclass(frozen=True)
class SceneRaster:
    """A raster file on this machine.

    Attributes:
        path: the path of the file.
        modified_ns: when the file was last written, in nanoseconds since 1970; as a part of cache keys it keeps tiles
            and statistics of an older file from being used.
    """

    path: Path
    modified_ns: int

    @property
    def band_names(self) -> tuple[str, ...]:
        """The names of the bands in lower case, in the order of the file."""
        return _band_names(self)

    def choose_bands(self, names: Sequence[str] | None) -> tuple[int, ...]:
        """Choose the bands to show; return their numbers in the file, counted from 1.

        Args:
            names: the name of one band, or the names of the three bands shown as red, green and blue. None chooses the
                bands named red, green and blue; if there are none, the first three bands, or the first of fewer.

        Raises:
            ImageError: the raster has no band with one of the names.
        """
        if names is None:
            if {"red", "green", "blue"} <= set(self.band_names):
                names = ("red", "green", "blue")
            else:
                return (1, 2, 3) if len(self.band_names) >= 3 else (1,)
        for name in names:
            if name not in self.band_names:
                raise ImageError(f"band {name!r}: this image has {', '.join(self.band_names)}")
        return tuple(self.band_names.index(name) + 1 for name in names)


@lru_cache(maxsize=4096)
def _band_names(raster: SceneRaster) -> tuple[str, ...]:
    return tuple(name.lower() for name in describe_raster(raster.path).bands)


def find_raster(context: ServerContext, scene: dict[str, Any], layer: SceneLayer) -> SceneRaster | None:
    """Find the raster of a scene's layer; None if the scene has no such layer, or its file is not on this machine.

    Args:
        context: the server's context.
        scene: the scene's row in the scene table.
        layer: the layer of the scene.
    """
    if layer == SceneLayer.HILLSHADE:
        path = context.dem
    elif layer in PERCENT_LAYERS:
        name = PROBABILITY_FILE if layer == SceneLayer.PROBABILITY else DEVIATION_FILE
        folder = _find_map(context, scene)
        path = folder / name if folder else None
    else:
        stored = scene[layer]
        path = None if not stored or is_remote(stored) else context.workspace.root / stored
    return SceneRaster(path, path.stat().st_mtime_ns) if path and path.is_file() else None


def _find_map(context: ServerContext, scene: dict[str, Any]) -> Path | None:
    """Find the folder of a scene's newest map by the name of the scene; None if there is no map of it.

    A map that was made of another scene of the same name is not the scene's.
    """
    for folder in context.workspace.map_folders(check_scene_name(scene["name"])):
        probability = folder / PROBABILITY_FILE
        if probability.is_file() and _shows_scene(context, probability, scene["post"]):
            return folder
    return None


def _shows_scene(context: ServerContext, path: Path, post: str | None) -> bool:
    """Whether a map's raster was made of a scene's post-event image; True if the scene's record names no image."""
    return post is None or _is_map_of(context.workspace, path.parent, post, path.stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _is_map_of(space: WorkspaceFolder, folder: Path, post: str, modified_ns: int) -> bool:
    """Whether the map in a folder was made of a post-event image, a path or an address."""
    del modified_ns  # it is only a key of the cache: a map that was made anew is checked again
    try:
        return is_map_of(folder, post if is_remote(post) else space.root / post, space)
    except (ImageError, OSError):  # the image cannot be read, so it cannot be shown to be the map's
        return False


def missing_images(context: ServerContext, scene: dict[str, Any]) -> dict[str, str]:
    """Name the images of a scene that are not on this machine: file names without folders, by layer.

    Args:
        context: the server's context.
        scene: the scene's row in the scene table.
    """
    images = [layer for layer in (SceneLayer.PRE, SceneLayer.POST) if scene[layer]]
    missing = [layer for layer in images if find_raster(context, scene, layer) is None]
    return {str(layer): PurePosixPath(urlsplit(scene[layer]).path.replace("\\", "/")).name for layer in missing}


def require_raster(raster: SceneRaster | None, layer: SceneLayer) -> SceneRaster:
    """Return a raster, or raise an error if there is none.

    Raises:
        ImageError: the raster is None, because `find_raster` did not find one.
    """
    if raster is None:
        raise ImageError(f"{layer}: this scene has none on this machine")
    return raster


def layer_shift(scene: dict[str, Any], layer: SceneLayer) -> Shift:
    """The shift that the database stores for a layer of a scene: metres on the ground, east and north.

    The hillshade is not moved, because the elevations do not belong to the scene. The pre-event image is moved like
    the other layers unless a shift of its own is stored.
    """
    if layer == SceneLayer.HILLSHADE:
        return 0.0, 0.0
    if layer == SceneLayer.PRE and scene["pre_shift_east_m"] is not None:
        return scene["pre_shift_east_m"], scene["pre_shift_north_m"] or 0.0
    return scene["shift_east_m"] or 0.0, scene["shift_north_m"] or 0.0
