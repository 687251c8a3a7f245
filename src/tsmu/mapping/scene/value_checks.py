"""Whether a scene's numbers are of the kind that a model was trained on."""

from collections.abc import Sequence

import numpy as np

from tsmu.errors import MapError
from tsmu.imagery.together import undeclared_fill
from tsmu.mapping.scene.raster import Scene

WINDOWS, SIDE = 4, 64  # windows along each axis, pixels of a window
BRIGHTEST = 98  # percentile
TOO_BRIGHT, TOO_DARK = 8.0, 1 / 50  # times the training's brightest values
SAME = {"float64": "float32"}  # rasters are read so


def check_fills(scene: Scene) -> None:
    """Refuse a scene in which many pixels have a value that looks like a fill value that is not declared.

    Raises:
        MapError: it has one.
        ImageError: the scene is damaged.
    """
    if {info.dtype for info in scene.infos} == {"uint8"}:
        return
    images = scene.image_channels
    parts = [part[images].reshape(len(images), -1, 1) for part in scene.samples(WINDOWS, SIDE)]
    values = np.concatenate(parts, axis=1)
    found = undeclared_fill(values, np.asarray(np.isfinite(values).all(axis=0)))
    if found:
        position, value, count = found
        raise MapError(
            f"{scene.name}: {count} pixels of a sample of {scene.bands[images[position]]} are {value:.10g}, far from "
            f"all others; if that means no data, declare it: gdal_edit.py -a_nodata {value:.10g} FILE"
        )


def check_values(scene: Scene, dtypes: Sequence[str] | None, mean: Sequence[float], std: Sequence[float]) -> None:
    """Refuse a scene whose numbers mean something else than those of the training.

    The type of the files must be one that was trained on. Where it has more than 8 bits, or where
    the bundle is too old to know, a sample of the scene must also be of the same order of size.

    Args:
        scene: the scene, open.
        dtypes: of the training images; None if unknown.
        mean: per band, of the training images, raw units.
        std: per band, likewise.

    Raises:
        MapError: it does not fit.
        ImageError: the scene is damaged.
    """
    for info in scene.infos:
        if dtypes is not None and SAME.get(info.dtype, info.dtype) not in [SAME.get(name, name) for name in dtypes]:
            raise MapError(
                f"{info.path}: its values are {info.dtype}, the model was trained on {' and '.join(dtypes)}; say how "
                "to scale them with --scale FACTOR, or pass --scale 1 to take them as they are"
            )
    if dtypes == ["uint8"]:
        return
    images = scene.image_channels  # slopes and heights are of one unit everywhere
    usual = max(abs(mean[i]) + 2 * std[i] for i in images)
    found = [np.abs(part[np.isfinite(part)]) for part in (v[images] for v in scene.samples(WINDOWS, SIDE))]
    values = np.concatenate(found) if found else np.empty(0)
    if not len(values) or not (brightest := float(np.percentile(values, BRIGHTEST))):
        return
    if not TOO_DARK * usual <= brightest <= TOO_BRIGHT * usual:
        raise MapError(
            f"{scene.name}: its values reach about {brightest:.3g}, those of the training images about {usual:.3g}; "
            f"scale them with --scale FACTOR (perhaps {usual / brightest:.2g}), or pass --scale 1 to take them as "
            "they are"
        )
