"""Checks that a scene's pixel values are of the kind that a model was trained on."""

from collections.abc import Sequence

import numpy as np

from tsmu.errors import MapError
from tsmu.imagery import find_undeclared_fill, image_channels
from tsmu.mapping.scene.raster import Scene

WINDOWS, SIDE = 4, 64  # windows along each axis of the scene that are sampled, and their side in px
BRIGHTEST = 98  # percentile
TOO_BRIGHT, TOO_DARK = 8.0, 1 / 50  # as multiples of the brightest values of the training
MANY_ZEROS = 0.05  # share of an image's pixels that are 0 in all bands, from which it is said; black shadows are fewer
READ_AS = {"float64": "float32"}  # data types that rasters are read as another one


def check_undeclared_nodata(scene: Scene) -> None:
    """Refuse a scene in which many pixels have a value that looks like an undeclared no-data value.

    Raises:
        MapError: there is such a value.
        ImageError: the scene is damaged.

    Example:
        >>> with Scene(Path("post.tif")) as scene:
        ...     check_undeclared_nodata(scene)
    """
    if {info.dtype for info in scene.infos} == {"uint8"}:
        return
    images = scene.image_channels
    parts = [part[images].reshape(len(images), -1, 1) for part in scene.samples(WINDOWS, SIDE)]
    values = np.concatenate(parts, axis=1)
    fill = find_undeclared_fill(values, np.asarray(np.isfinite(values).all(axis=0)))
    if fill:
        position, value, count = fill
        raise MapError(
            f"{scene.name}: {count} pixels of a sample of {scene.bands[images[position]]} are {value:.10g}, far from "
            f"all others; if that means no data, declare it: rio edit-info --nodata {value:.10g} FILE"
        )


def remark_zeros(scene: Scene) -> None:
    """Remark on each image in which many pixels are 0 in all bands without being declared as no data.

    Programs fill holes in mosaics with 0. Nothing is refused, because 0 may have been measured as well; the image is
    mapped as it is.

    Raises:
        ImageError: the scene is damaged.

    Example:
        >>> with Scene(Path("post.tif")) as scene:
        ...     remark_zeros(scene)
        ...     scene.remarks
        []
    """
    parts = [part.reshape(len(part), -1) for part in scene.samples(WINDOWS, SIDE)]
    values = np.concatenate(parts, axis=1)
    for role, info in zip(("pre", "post")[-len(scene.infos) :], scene.infos, strict=True):
        image = values[[position for position, band in enumerate(scene.bands) if band.startswith(f"{role}:")]]
        known = image[:, np.isfinite(image).all(axis=0)]
        share = float((known == 0).all(axis=0).mean()) if known.size else 0.0
        if share >= MANY_ZEROS:
            problem = f"about {share:.0%} of its known pixels are 0 in all bands"
            action = "taken as they are; if 0 means no data, declare it: rio edit-info --nodata 0 FILE, and map again"
            scene.add_remark(str(info.path), problem, action)


def check_values(
    scene: Scene,
    dtypes: Sequence[str] | None,
    mean: Sequence[float],
    std: Sequence[float],
    bands: Sequence[str] | None = None,
) -> None:
    """Refuse a scene whose pixel values have another unit or range than those of the training images.

    The data type of the files must be one that the model was trained on. Where it has more than 8 bits,
    or where the bundle is too old to record it, the brightest values of a sample of the scene must
    also be of the order of those of the training images.

    Args:
        scene: the open scene.
        dtypes: data types of the training images; None if unknown.
        mean: mean of each band of the training images, raw units.
        std: their standard deviations.
        bands: names of the bands of the training images; by default the scene has the same.

    Raises:
        MapError: the values do not fit.
        ImageError: the scene is damaged.

    Example:
        >>> with Scene(Path("post.tif")) as scene:
        ...     check_values(scene, ["uint8"], [110.0] * 3, [30.0] * 3)
    """
    usual = max(abs(mean[i]) + 2 * std[i] for i in image_channels(bands or scene.bands))
    _check_data_types(scene, dtypes, usual)
    if dtypes == ["uint8"]:
        return
    brightest = _brightest(scene)
    if not brightest:
        return
    if not TOO_DARK * usual <= brightest <= TOO_BRIGHT * usual:
        raise MapError(
            f"{scene.name}: its values reach about {brightest:.3g}, those of the training images about {usual:.3g}; "
            f"scale them with --scale FACTOR (perhaps {usual / brightest:.2g}), or pass --scale 1 to use them as "
            "they are"
        )


def _brightest(scene: Scene) -> float:
    """How far the values of the scene's images reach, as a high percentile of samples; 0 where none are known."""
    images = scene.image_channels  # slopes and heights have one unit everywhere
    parts = [np.abs(part[np.isfinite(part)]) for part in (v[images] for v in scene.samples(WINDOWS, SIDE))]
    values = np.concatenate(parts) if parts else np.empty(0)
    return float(np.percentile(values, BRIGHTEST)) if len(values) else 0.0


def _check_data_types(scene: Scene, dtypes: Sequence[str] | None, usual: float) -> None:
    """Refuse values of another type than those that were learned from, which reach about `usual`."""
    for info in scene.infos:
        if dtypes is not None and READ_AS.get(info.dtype, info.dtype) not in [READ_AS.get(n, n) for n in dtypes]:
            brightest = _brightest(scene)
            factor = f" (perhaps {usual / brightest:.2g})" if brightest else ""
            raise MapError(
                f"{info.path}: its values are {info.dtype}, the model was trained on {' and '.join(dtypes)}; say how "
                f"to scale them with --scale FACTOR{factor}, or pass --scale 1 to use them as they are"
            )
