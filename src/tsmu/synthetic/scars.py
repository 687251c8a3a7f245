"""Scars, irregular patches along or across the slope: landslides, and patches that are easily mistaken for them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tsmu.synthetic.noise import Floats, subseed, uniform
from tsmu.synthetic.terrain import Box, Doubles, SlopeField
from tsmu.synthetic.territory import RegionBorders

CELL = 40  # side of the cells of a grid, pixels; a layer has at most one scar per cell
POINTS = 13  # number of discs of which a scar is made, from the crown to the toe
LONGEST, WIDEST = 44.0, 11.0  # greatest length and greatest half width of a scar, pixels
REACH = int(LONGEST + 2 * WIDEST)  # greatest distance of a scar's pixels from its crown, pixels

Colour = tuple[float, float, float]  # red, green, blue, 0-255


@dataclass(frozen=True)
class ScarAppearance:
    """The appearance of the scars of one layer in one region."""

    rate: float
    """Probability of a scar in a cell where the slope is at least `least_slope`."""
    colours: tuple[Colour, ...]
    """One of them is chosen at random for each scar."""
    length: tuple[float, float] = (16.0, 40.0)
    """Pixels from crown to toe, from the shortest to the longest."""
    half_width: tuple[float, float] = (3.5, 8.0)
    """Pixels from the axis to the flank."""
    along_slope: bool = True
    """Whether a scar runs downhill; otherwise it lies along the contour."""
    least_slope: float = 0.05
    """Least slope at the crown, in rise per 8 px."""
    opacity: tuple[float, float] = (0.75, 1.0)
    """How much of the ground a scar hides (0-1), from the least to the most."""


@dataclass(frozen=True)
class Scars:
    """The n scars of a layer around a window, sorted by cell; each is made of `POINTS` discs."""

    x: Doubles
    """(n, POINTS), x coordinates of the discs' centres in pixels of the world, from the crown down."""
    y: Doubles
    """(n, POINTS), y coordinates of the discs' centres."""
    radius: Doubles
    """(n, POINTS), radii of the discs in pixels."""
    colour: Floats
    """(n, 3), red, green and blue, 0-255."""
    opacity: Floats
    """(n,), 0-1."""

    def __len__(self) -> int:
        return len(self.x)


def slopes_around(seed: int, window: Box) -> SlopeField:
    """The slopes of a window and of the ground around it over which scars that reach into the window may run."""
    column, row, width, height = window
    margin = CELL + 2 * REACH
    return SlopeField(seed, (column - margin, row - margin, width + 2 * margin, height + 2 * margin))


def place_scars(
    seed: int,
    layer: str,
    appearances: tuple[ScarAppearance, ...],
    borders: RegionBorders,
    slopes: SlopeField,
    window: Box,
    density: float,
) -> Scars:
    """Compute the position and appearance of every scar of a layer that may touch a window.

    Args:
        seed: seed of the world.
        layer: name of the layer; layers are independent of each other.
        appearances: the appearance of the layer's scars in each region, in the order of `REGIONS`.
        borders: borders of the regions; a scar has the appearance of the region in which its crown lies.
        slopes: slopes of the ground around the window, from `slopes_around`.
        window: column, row, width, height in pixels of the world.
        density: factor on every rate. The scars with a smaller density are some of those with a larger one.
    """
    column, row, width, height = window
    columns = np.arange((column - REACH) // CELL, (column + width + REACH) // CELL + 1)[None, :]
    rows = np.arange((row - REACH) // CELL, (row + height + REACH) // CELL + 1)[:, None]
    chance = uniform(subseed(seed, f"{layer} chance"), columns, rows)
    candidate = chance < density * max(appearance.rate for appearance in appearances)
    j, i = np.nonzero(candidate)
    columns, rows, chance = columns[0, i], rows[j, 0], chance[candidate]

    def random(name: str) -> Doubles:
        return uniform(subseed(seed, f"{layer} {name}"), columns, rows).astype(np.float64)

    x, y = (columns + random("column")) * CELL, (rows + random("row")) * CELL
    region = borders.region_index(x, y)

    def of_region(attribute: str) -> npt.NDArray[Any]:
        return np.asarray([getattr(appearance, attribute) for appearance in appearances])[region]

    def between(name: str, attribute: str) -> Doubles:
        low, high = of_region(attribute).T
        return np.asarray(low + (high - low) * random(name))

    steep = _norm(*slopes.at(x, y)) >= of_region("least_slope")
    keep = (chance < density * of_region("rate")) & steep
    length, opacity = between("length", "length"), between("opacity", "opacity")
    half_width = np.clip(between("width", "half_width"), length / 9, WIDEST)  # discs must overlap
    across = ~of_region("along_slope")
    colour = _colours(region, appearances, random("colour"))
    colour = colour * (0.92 + 0.16 * random("brightness"))[:, None]
    xs, ys = _trace(slopes, x[keep], y[keep], length[keep], across[keep])
    radius = _radii(half_width, 0.7 * random("taper") - 0.35, 0.3 * random("waist"))
    return Scars(xs, ys, radius[keep], colour[keep].astype(np.float32), opacity[keep].astype(np.float32))


def _colours(region: npt.NDArray[np.intp], appearances: tuple[ScarAppearance, ...], random: Doubles) -> Doubles:
    """Choose the colour of each scar, (n, 3), by its region (n,) and a random number in [0, 1) (n,)."""
    most = max(len(appearance.colours) for appearance in appearances)
    table = np.array(
        [[appearance.colours[k % len(appearance.colours)] for k in range(most)] for appearance in appearances]
    )
    count = np.array([len(appearance.colours) for appearance in appearances])[region]
    return np.asarray(table[region, (random * count).astype(np.intp)])


def _trace(
    slopes: SlopeField, x: Doubles, y: Doubles, length: Doubles, across: npt.NDArray[np.bool_]
) -> tuple[Any, Any]:
    """Follow the slope downhill from each crown, or the contour where `across`, in equal steps and with some inertia.

    Args:
        slopes: slopes of the ground.
        x: x coordinates of the crowns, (n,).
        y: y coordinates of the crowns, (n,).
        length: lengths of the scars in pixels, (n,).
        across: which scars follow the contour, (n,).

    Returns:
        x and y coordinates of the discs' centres, (n, POINTS) each.
    """
    xs, ys = [x], [y]
    step = length / (POINTS - 1)
    heading_x, heading_y = np.zeros_like(x), np.zeros_like(y)
    for _ in range(POINTS - 1):
        east, south = slopes.at(xs[-1], ys[-1])
        down_x, down_y = np.where(across, -south, -east), np.where(across, east, -south)
        norm = _norm(down_x, down_y)
        heading_x, heading_y = heading_x + down_x / norm, heading_y + down_y / norm
        norm = _norm(heading_x, heading_y)
        heading_x, heading_y = heading_x / norm, heading_y / norm
        xs.append(xs[-1] + heading_x * step)
        ys.append(ys[-1] + heading_y * step)
    return np.stack(xs, axis=1), np.stack(ys, axis=1)


def _norm(x: Doubles, y: Doubles) -> Doubles:
    return np.sqrt(x * x + y * y) + 1e-9


def _radii(half_width: Doubles, taper: Doubles, waist: Doubles) -> Doubles:
    """The radii of the discs of each scar, (n, POINTS).

    A scar has a rounded crown, a waist between source and deposit, and becomes narrower or wider towards the toe.

    Args:
        half_width: mean radius in pixels, (n,).
        taper: how much wider the toe is than the crown, as a share of the radius, (n,).
        waist: how much narrower the middle is, as a share of the radius, (n,).
    """
    u = np.linspace(0, 1, POINTS)[None, :]
    body = 1 + taper[:, None] * (u - 0.5) - 4 * waist[:, None] * u * (1 - u)
    return half_width[:, None] * np.minimum(body, 0.6 + 3 * u)


def draw_scars(
    scars: Scars, images: list[Floats], window: Box, outline: Floats, texture: Floats, mask: npt.NDArray[Any] | None
) -> None:
    """Draw scars onto images of a window, and mark them in a mask; both are changed.

    Args:
        scars: the scars, as `place_scars` gives them.
        images: the images, float32 (3, height, width) each, 0-255.
        window: column, row, width, height in pixels of the world.
        outline: noise (height, width) that makes the edge irregular.
        texture: noise (height, width) that varies the brightness of the surface.
        mask: uint8 (height, width), set to 1 within the scars; None draws without a mask.
    """
    column, row, width, height = window
    pad = 1.5 * scars.radius.max(axis=1, initial=0, keepdims=True)
    left = np.maximum(np.floor((scars.x - pad).min(axis=1, initial=np.inf)) - column, 0)
    top = np.maximum(np.floor((scars.y - pad).min(axis=1, initial=np.inf)) - row, 0)
    right = np.minimum(np.ceil((scars.x + pad).max(axis=1, initial=-np.inf)) - column, width)
    bottom = np.minimum(np.ceil((scars.y + pad).max(axis=1, initial=-np.inf)) - row, height)
    for n in np.flatnonzero((left < right) & (top < bottom)).tolist():
        part = np.s_[int(top[n]) : int(bottom[n]), int(left[n]) : int(right[n])]
        x = np.arange(part[1].start, part[1].stop) + (column + 0.5)
        y = np.arange(part[0].start, part[0].stop) + (row + 0.5)
        inside = np.float32(1) - _squared_distance(scars, n, x, y) + np.float32(0.36) * outline[part]
        if mask is not None:
            mask[part] |= (inside > 0).view(np.uint8)
        cover = np.clip(inside * np.float32(3) + np.float32(0.5), 0, scars.opacity[n])
        shade = np.float32(1) + np.float32(0.1) * texture[part]
        shade -= np.float32(0.06) * outline[part]
        for image in images:
            for band in range(3):
                pixels = image[band][part]
                pixels += (shade * scars.colour[n, band] - pixels) * cover


def _squared_distance(scars: Scars, n: int, x: Doubles, y: Doubles) -> Floats:
    """The squared ratio of the distance from a disc's centre to its radius, the smallest of all discs of a scar.

    Args:
        scars: the scars.
        n: position of the scar.
        x: x coordinates of pixels' centres.
        y: y coordinates of pixels' centres.

    Returns:
        (len(y), len(x)), below 1 within the scar and 1 on its outline.
    """
    inverse = 1 / scars.radius[n]
    dx = (((x - scars.x[n, :, None]) * inverse[:, None]) ** 2).astype(np.float32)
    dy = (((y - scars.y[n, :, None]) * inverse[:, None]) ** 2).astype(np.float32)
    nearest: Floats = dx[0] + dy[0][:, None]
    for k in range(1, POINTS):
        np.minimum(nearest, dx[k] + dy[k][:, None], out=nearest)
    return nearest
