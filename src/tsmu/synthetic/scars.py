"""Irregular patches along or across the slope: landslides, and what is easily mistaken for one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tsmu.synthetic.noise import Floats, subseed, uniform
from tsmu.synthetic.terrain import Box, Doubles, SlopeField
from tsmu.synthetic.territory import RegionBorders

CELL = 40  # px; a layer has at most one scar per cell of this grid
POINTS = 13  # discs of which a scar is made, from the crown to the toe
LONGEST, WIDEST = 44.0, 11.0  # px, length and half width
REACH = int(LONGEST + 2 * WIDEST)  # px from a scar's crown to its farthest pixel

Colour = tuple[float, float, float]  # red, green, blue, 0-255


@dataclass(frozen=True)
class ScarAppearance:
    """The appearance of the scars of one layer in one region."""

    rate: float
    """Probability of a scar in a cell whose slope is least_slope enough."""
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
    """The scars of a layer around a window, sorted by cell; n scars of `POINTS` discs."""

    x: Doubles
    """(n, POINTS) pixel coordinates of the discs, from the crown down."""
    y: Doubles
    radius: Doubles
    """(n, POINTS) in pixels."""
    colour: Floats
    """(n, 3)."""
    opacity: Floats
    """(n,)."""

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
    """Lay out every scar of a layer that may touch a window.

    Args:
        seed: of the world.
        layer: name of the layer; layers are independent of each other.
        appearances: one per region, in the order of `REGIONS`.
        borders: between the regions; a scar has the appearance of the region in which its crown lies.
        slopes: of the ground around the window, from `slopes_around`.
        window: column, row, width, height in pixels of the world.
        density: factor on every rate. The scars of a smaller density are among those of a larger one.
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
    most = max(len(appearance.colours) for appearance in appearances)
    table = np.array(
        [[appearance.colours[k % len(appearance.colours)] for k in range(most)] for appearance in appearances]
    )
    count = np.array([len(appearance.colours) for appearance in appearances])[region]
    return np.asarray(table[region, (random * count).astype(np.intp)])


def _trace(
    slopes: SlopeField, x: Doubles, y: Doubles, length: Doubles, across: npt.NDArray[np.bool_]
) -> tuple[Any, Any]:
    """Follow the slope from each crown in equal steps, with some inertia; or the contour where `across`."""
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
    """A rounded crown, then tapering or widening towards the toe, with a waist between source and deposit."""
    u = np.linspace(0, 1, POINTS)[None, :]
    body = 1 + taper[:, None] * (u - 0.5) - 4 * waist[:, None] * u * (1 - u)
    return half_width[:, None] * np.minimum(body, 0.6 + 3 * u)


def draw_scars(
    scars: Scars, images: list[Floats], window: Box, outline: Floats, texture: Floats, mask: npt.NDArray[Any] | None
) -> None:
    """Draw scars onto images of a window, in place, and mark them in a mask.

    Args:
        scars: as `place_scars` gives them.
        images: float32 (3, height, width) each, 0-255.
        window: column, row, width, height in pixels of the world.
        outline: noise (height, width) that makes the edge irregular.
        texture: noise (height, width) on the surface.
        mask: uint8 (height, width), set to 1 inside; or None.
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
    """Distance from the nearest disc's centre over its radius, squared; (len(y), len(x)), 1 on the outline."""
    inverse = 1 / scars.radius[n]
    dx = (((x - scars.x[n, :, None]) * inverse[:, None]) ** 2).astype(np.float32)
    dy = (((y - scars.y[n, :, None]) * inverse[:, None]) ** 2).astype(np.float32)
    nearest: Floats = dx[0] + dy[0][:, None]
    for k in range(1, POINTS):
        np.minimum(nearest, dx[k] + dy[k][:, None], out=nearest)
    return nearest
