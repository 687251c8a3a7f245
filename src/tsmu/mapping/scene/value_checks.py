"""Checks that a scene's pixel values are of the kind that a model was trained on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tsmu.errors import MapError
from tsmu.imagery import RasterInfo, Valid, find_undeclared_fill, find_uniform_fill, image_channels, units_mismatch
from tsmu.mapping.arrays import Values
from tsmu.mapping.scene.raster import Scene

WINDOWS, SIDE = 4, 64  # windows along each axis of the scene that are sampled, and their side in px
BRIGHTEST = 98  # percentile
# As multiples of the brightest values of the training. Between reflectances of 0 to 10,000 and bytes lies a factor of
# 39, between one scene and another of the same unit rarely more than 3.
TOO_BRIGHT, TOO_DARK = 8.0, 1 / 15
SAME_FACTOR = 2.0  # factors that differ by less than so many times are taken for one
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


def remark_uniform_fill(scene: Scene) -> None:
    """Remark on each image in which many pixels are 0 in all bands without being declared as no data.

    Programs fill holes in mosaics with 0, or with white (`find_uniform_fill`). The image is mapped as it is.

    Raises:
        ImageError: the scene is damaged.

    Example:
        >>> with Scene(Path("post.tif")) as scene:
        ...     remark_uniform_fill(scene)
        ...     scene.remarks
        []
    """
    parts = [part.reshape(len(part), -1) for part in scene.samples(WINDOWS, SIDE)]
    values = np.concatenate(parts, axis=1)
    positions = _positions_by_role(scene.bands)
    for role, info in _images_by_role(scene).items():
        image = values[positions[role]]
        if filled := find_uniform_fill(image, np.asarray(np.isfinite(image).all(axis=0)), info.dtype):
            scene.add_remark(str(info.path), filled.problem, filled.action)


class Reach(NamedTuple):
    """The brightest values of one image of a scene, and those of the images that a model was trained on.

    Attributes:
        role: `pre` or `post`.
        here: a high percentile of the magnitudes of the scene's values; 0 where none are known.
        learned: about the same of the training images.
    """

    role: str
    here: float
    learned: float

    @property
    def factor(self) -> float:
        """What the values here have to be multiplied by."""
        return self.learned / self.here

    @property
    def fits(self) -> bool:
        """Whether both may be in one unit; so they may where nothing is known of the scene."""
        return not self.here or TOO_DARK * self.learned <= self.here <= TOO_BRIGHT * self.learned


def measure_reach(
    values: Values,
    bands: Sequence[str],
    mean: Sequence[float],
    std: Sequence[float],
    trained_bands: Sequence[str] | None = None,
) -> list[Reach]:
    """Compare the brightest values of each image of a scene with those of the training images; terrain is left out.

    Args:
        values: all values or a sample, (C, ...), NaN = no data.
        bands: their names, such as `pre:red`.
        mean: per band of the training images, raw units.
        std: likewise.
        trained_bands: the names of those bands; by default `bands`.

    Returns:
        The pre image, if there is one, and the post image.
    """
    here, learned = _positions_by_role(bands), _positions_by_role(trained_bands or bands)
    return [
        Reach(
            role, _brightest(values[here[role]]), max(abs(mean[position]) + 2 * std[position] for position in trained)
        )
        for role, trained in learned.items()
        if role in here
    ]


def _positions_by_role(bands: Sequence[str]) -> dict[str, list[int]]:
    """List the positions of the bands of the image before (`pre`) and after the event (`post`), without terrain."""
    positions: dict[str, list[int]] = {}
    for position in image_channels(bands):
        positions.setdefault(bands[position].partition(":")[0], []).append(position)
    return positions


def _images_by_role(scene: Scene) -> dict[str, RasterInfo]:
    """The headers of a scene's images: `post`, and `pre` where there is one."""
    return dict(zip(("pre", "post")[-len(scene.infos) :], scene.infos, strict=True))


def _brightest(values: Values) -> float:
    """The brightest values, as a high percentile of their magnitudes; 0 where none are known."""
    known = np.abs(values[np.isfinite(values)])
    return float(np.percentile(known, BRIGHTEST)) if known.size else 0.0


def shared_factor(reaches: Sequence[Reach]) -> float | None:
    """The factor by which all images of a scene would fit the training; None where they need different ones."""
    factors = [reach.factor for reach in reaches if reach.here]
    if not factors or max(factors) > SAME_FACTOR * min(factors):
        return None
    return float(np.exp(np.mean(np.log(factors))))


def check_values(
    scene: Scene,
    dtypes: Sequence[str] | None,
    mean: Sequence[float],
    std: Sequence[float],
    bands: Sequence[str] | None = None,
) -> None:
    """Refuse a scene whose pixel values have another unit or range than those of the training images.

    The data type of the files must be one that the model was trained on. Where it has more than 8 bits,
    or where the bundle is too old to record it, the brightest values of a sample of each image must
    also be of the order of those of the training images. Two images that are in different units, but in none that
    is far from the training's, are remarked on.

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
    values = np.concatenate([part.reshape(len(part), -1) for part in scene.samples(WINDOWS, SIDE)], axis=1)
    reaches = measure_reach(values, scene.bands, mean, std, bands)
    _check_data_types(scene, dtypes, reaches)
    if dtypes != ["uint8"]:
        images = _images_by_role(scene)
        for reach in reaches:
            if not reach.fits:
                raise MapError(
                    f"{images[reach.role].path}: its values reach about {reach.here:.3g}, those of the training "
                    f"images about {reach.learned:.3g}; {_scaling_advice(reaches)}"
                )
    if len(scene.infos) > 1:
        _remark_on_pair(scene, values)


def _scaling_advice(reaches: Sequence[Reach]) -> str:
    """What to do about values in another unit than those of the training images."""
    factor = shared_factor(reaches)
    factors = " and ".join(f"{reach.role} by {reach.factor:.2g}" for reach in reaches if reach.here)
    if factors and factor is None:
        return (
            f"bring both images into the unit of the training images first (perhaps {factors}), as --scale multiplies "
            "both by the same; or pass --scale 1 to use them as they are"
        )
    perhaps = "" if factor is None else f" (perhaps {factor:.2g})"
    return f"scale them with --scale FACTOR{perhaps}, or pass --scale 1 to use them as they are"


def _check_data_types(scene: Scene, dtypes: Sequence[str] | None, reaches: Sequence[Reach]) -> None:
    """Refuse values of another type than those that were learned from."""
    if dtypes is None:
        return
    for info in scene.infos:
        if READ_AS.get(info.dtype, info.dtype) in [READ_AS.get(name, name) for name in dtypes]:
            continue
        factor = shared_factor(reaches)
        if factor is not None and 1 / SAME_FACTOR <= factor <= SAME_FACTOR:
            advice = "they are of the same size, so pass --scale 1 to use them as they are"
        else:
            advice = _scaling_advice(reaches)
        trained = " and ".join(dtypes)
        raise MapError(f"{info.path}: its values are {info.dtype}, the model was trained on {trained}; {advice}")


def _remark_on_pair(scene: Scene, values: Values) -> None:
    """Remark on two images that seem to be in different units, or that are one and the same.

    Args:
        scene: with a pre and a post image.
        values: a sample of it, (C, n), NaN = no data.
    """
    positions = _positions_by_role(scene.bands)
    pre, post = values[positions["pre"]], values[positions["post"]]
    if pre.shape != post.shape:
        return
    known: Valid = np.asarray(np.isfinite(pre).all(axis=0) & np.isfinite(post).all(axis=0))
    if known.any() and (pre[:, known] == post[:, known]).all():
        problem = f"shows the same pixels as {scene.infos[-1].path}"
        scene.add_remark(str(scene.infos[0].path), problem, "mapped; give the image from before the event")
        return
    mismatch = units_mismatch(pre[..., None], post[..., None], known[:, None])
    if mismatch is not None:
        action = "mapped as they are; if their units differ, bring both into that of the training images"
        scene.add_remark(scene.name, mismatch, action)
