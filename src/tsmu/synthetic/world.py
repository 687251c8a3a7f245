"""The synthetic world: it draws the image pair and the landslide mask of any window on request."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
from rasterio.transform import Affine
from rasterio.windows import Window
from rasterio.windows import transform as window_transform

from tsmu.synthetic.grounds import GroundFields, ramp
from tsmu.synthetic.noise import Floats, fractal_noise, random_bits, subseed, uniform
from tsmu.synthetic.region_appearance import APPEARANCES
from tsmu.synthetic.scars import ScarAppearance, Scars, draw_scars, place_scars, slopes_around
from tsmu.synthetic.terrain import Box, SlopeField, make_terrain
from tsmu.synthetic.territory import BLEND, CRS, REGIONS, RegionBorders, world_transform

BLOCK = 256  # px; windows are painted in blocks that stay in the processor's cache
LAYERS = ("landslide", "old", "other", "healed")  # layers of scars: attributes of RegionAppearance, parts of seed names

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class RenderedWindow:
    """The image pair and the true mask of a window, georeferenced."""

    pre: Bytes
    """(3, height, width), red, green, blue."""
    post: Bytes
    """(3, height, width)."""
    mask: Bytes
    """(height, width), 1 on a landslide, else 0."""
    transform: Affine


class World:
    """Four regions with landslides, endless in every direction and the same for the same seed.

    The world is drawn in pixels; `pixel_size` only says how large they are on the ground. Windows that
    overlap agree bit for bit.

    Example:
        >>> drawn = World(seed=0).render(Window(20_000, 20_000, 64, 48))
        >>> drawn.post.shape, drawn.mask.shape, drawn.post.dtype
        ((3, 48, 64), (48, 64), dtype('uint8'))
    """

    crs: pyproj.CRS = CRS

    def __init__(self, seed: int = 0, pixel_size: float = 10.0, landslide_density: float = 1.0) -> None:
        """Make a world.

        Args:
            seed: seed of all random numbers; worlds with different seeds differ.
            pixel_size: side of a pixel on the ground, metres.
            landslide_density: factor on the probability of a landslide on a steep slope. With 1 landslides cover about
                a tenth of the ground, with 0.03 less than 1 %. Only landslides change with it; a world with a smaller
                density has some of the landslides that the same world with a larger one has.
        """
        self.seed = seed
        self.pixel_size = pixel_size
        self.landslide_density = landslide_density
        self.transform = world_transform(pixel_size)
        self._borders = RegionBorders(seed)

    def regions(self) -> gpd.GeoDataFrame:
        """The four territories as polygons: columns `name`, `geometry`, in `crs`."""
        return self._borders.regions(self.transform)

    def render(self, window: Window) -> RenderedWindow:
        """Draw the image pair and the mask of a window.

        Args:
            window: in pixels of the world; it may lie anywhere.
        """
        box = _box(window)
        column, row, width, height = box
        slopes = slopes_around(self.seed, box)
        layers = {layer: self._scars(layer, box, slopes) for layer in LAYERS}
        pre, post = np.empty((3, height, width), np.uint8), np.empty((3, height, width), np.uint8)
        mask = np.zeros((height, width), np.uint8)
        for block in _blocks(box):
            part = np.s_[block[1] - row : block[1] - row + block[3], block[0] - column : block[0] - column + block[2]]
            pre[:, *part], post[:, *part] = self._paint(block, layers, mask[part])
        return RenderedWindow(pre, post, mask, window_transform(window, self.transform))

    def landslide_axes(self, window: Window) -> npt.NDArray[np.float64]:
        """The axes of the landslides in a window, and of those just outside it.

        Returns:
            (n, points, 2): x and y in pixels of the world, from each crown down to the toe.
        """
        box = _box(window)
        scars = self._scars("landslide", box, slopes_around(self.seed, box))
        return np.stack([scars.x, scars.y], axis=2)

    def _scars(self, layer: str, box: Box, slopes: SlopeField) -> Scars:
        appearances: tuple[ScarAppearance, ...] = tuple(getattr(APPEARANCES[name], layer) for name in REGIONS)
        density = self.landslide_density if layer == "landslide" else 1.0
        return place_scars(self.seed, layer, appearances, self._borders, slopes, box, density)

    def _paint(self, box: Box, layers: dict[str, Scars], mask: Bytes) -> tuple[Bytes, Bytes]:
        """Draw the images before and after the event of a block, (3, h, w) each; marks the landslides in `mask`."""
        fields = self._fields(box)
        pre, post, lit_pre, lit_post = self._ground(box, fields)
        outline = fractal_noise(subseed(self.seed, "outline"), box, 4, 1, 0.7)
        draw_scars(layers["old"], [pre, post], box, outline, fields.texture, None)
        draw_scars(layers["healed"], [pre], box, outline, fields.texture, None)
        draw_scars(layers["other"], [post], box, outline, fields.texture, None)
        draw_scars(layers["landslide"], [post], box, outline, fields.texture, mask)
        haze = fractal_noise(subseed(self.seed, "haze"), box, 8, 7, 0.6) * np.float32(3)
        pre *= lit_pre
        post *= lit_post
        post *= np.float32(0.95)
        post += haze + np.float32(8)
        return self._sensor("pre", box, pre), self._sensor("post", box, post)

    def _fields(self, box: Box) -> GroundFields:
        def noise(name: str, coarsest: int, finest: int, gain: float) -> Floats:
            return fractal_noise(subseed(self.seed, name), box, coarsest, finest, gain)

        ground = make_terrain(self.seed, box)
        parcel, hedge = self._parcels(box)
        return GroundFields(
            terrain=ground,
            slope=np.sqrt(ground.east * ground.east + ground.south * ground.south),
            patch=noise("patch", 6, 3, 0.7),
            wide=noise("wide", 7, 6, 0.6),
            texture=noise("texture", 2, 0, 0.9),
            parcel=parcel,
            hedge=hedge,
        )

    def _parcels(self, box: Box) -> tuple[Floats, Floats]:
        """A tilted patchwork of fields of 26 x 17 px.

        Returns:
            A random number in [0, 1) for each field, and 1 on the margins of fields, else 0; (h, w) each.
        """
        column, row, width, height = box
        x, y = np.arange(column, column + width) + 0.5, (np.arange(row, row + height) + 0.5)[:, None]
        u, v = x * (0.94 / 26) + y * (0.34 / 26), y * (0.94 / 17) - x * (0.34 / 17)
        i, j = np.floor(u), np.floor(v)
        u, v = (u - i).astype(np.float32), (v - j).astype(np.float32)
        value = uniform(subseed(self.seed, "parcels"), i.astype(np.int64), j.astype(np.int64))
        return value, ((u < np.float32(0.06)) | (v < np.float32(0.09))).astype(np.float32)

    def _ground(self, box: Box, fields: GroundFields) -> tuple[Floats, Floats, Floats, Floats]:
        """The ground before and after the event, (3, h, w) each, and the light on it before and after, (h, w) each."""
        column, row, width, height = box
        x, y = np.arange(column, column + width)[None, :] + 0.5, np.arange(row, row + height)[:, None] + 0.5
        east, south = self._borders.distances(x, y)
        east = np.clip(east / (2 * BLEND) + 0.5, 0, 1).astype(np.float32)
        south = np.clip(south / (2 * BLEND) + 0.5, 0, 1).astype(np.float32)
        weights = ((1 - east) * (1 - south), east * (1 - south), (1 - east) * south, east * south)
        total: list[Floats] = []
        for name, weight in zip(REGIONS, weights, strict=True):
            if not weight.any():
                continue
            painted = _paint_ground(name, fields)
            if weight.all() and (weight == 1).all():
                return painted
            weighted = [weight * image for image in painted]
            total = [a + b for a, b in zip(total, weighted, strict=True)] if total else weighted
        return total[0], total[1], total[2], total[3]

    def _sensor(self, name: str, box: Box, image: Floats) -> Bytes:
        """Add noise and round to 8 bits."""
        column, row, width, height = box
        columns, rows = np.arange(column, column + width)[None, :], np.arange(row, row + height)[:, None]
        random = (
            random_bits(subseed(self.seed, f"{name} noise"), columns, rows).view(np.uint8).reshape(height, width, 4)
        )
        noise = random[..., :3].transpose(2, 0, 1).astype(np.float32)
        image += noise * np.float32(12 / 255) - np.float32(5.5)
        return np.clip(image, 0, 255).astype(np.uint8)


def _paint_ground(name: str, fields: GroundFields) -> tuple[Floats, Floats, Floats, Floats]:
    """Paint the ground as in one region; returns the same four arrays as `World._ground`."""
    appearance = APPEARANCES[name]
    ground = appearance.ground(fields)
    pre, post = ground.pixels, ground.pixels * np.array(appearance.season, np.float32)[:, None, None]
    if appearance.snow is not None:
        level = fields.terrain.height + np.float32(0.1) * fields.patch
        for image, line in zip((pre, post), appearance.snow, strict=True):
            image += (np.float32(232) - image) * ramp(level, line, 0.08)
    relief = np.float32(appearance.relief)
    east, south = fields.terrain.east * relief, fields.terrain.south * relief
    light_pre = np.clip(np.float32(1) + np.float32(1.3) * east + np.float32(1.1) * south, 0.5, 1.4)
    light_post = np.clip(np.float32(1) + np.float32(0.8) * east + np.float32(1.5) * south, 0.5, 1.4)
    return pre, post, light_pre, light_post


def _box(window: Window) -> Box:
    return int(window.col_off), int(window.row_off), int(window.width), int(window.height)


def _blocks(box: Box) -> Iterator[Box]:
    column, row, width, height = box
    for top in range(row, row + height, BLOCK):
        for left in range(column, column + width, BLOCK):
            yield left, top, min(BLOCK, column + width - left), min(BLOCK, row + height - top)
