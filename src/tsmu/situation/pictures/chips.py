"""The largest landslides before and after the event: for each, two small pictures that show the same ground."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image, ImageDraw
from rasterio.transform import Affine
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from tsmu.geodesy import pixel_size
from tsmu.imagery import Grid, describe_raster, open_raster, open_resampled
from tsmu.situation.facts import largest
from tsmu.situation.inputs import Observed, Situation, ZoneRasters
from tsmu.situation.pictures.grids import decibels
from tsmu.vectors import LONGITUDE_LATITUDE, polygon_parts, reproject

WIDTH, HEIGHT = 420, 220  # size of a picture, pixels
ROUND = 1.7  # the ground shown is this many times as wide as the landslide
LEAST_WIDTH_M = 500.0  # least width of the ground shown, metres
LEAST_PIXELS = 24  # least width of the ground shown, pixels of the image
LIMITS = (1, 99.5)  # percentiles of a band that become its darkest and brightest value
DULLEST = 0.65  # a band is stretched as if its range were at least this share of the widest band's range
LINE, CASING = (255, 229, 0), (30, 20, 0)  # colours (RGB) of the outline and of the dark border around it
NO_DATA, NO_DATA_LINE, LINE_PERIOD = 196, 90, 12  # greys of missing data and of the lines over it; line spacing, px
QUALITY = 85  # quality of the JPEG, 1 to 95

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LandslidePicture:
    """Pictures of one landslide before and after the event.

    Attributes:
        before: the picture before the event, a JPEG as a data URI for an image element; None where no raster reaches.
        after: the picture after the event with the landslide's outline, likewise.
        width_m: the width of the ground shown, metres rounded to two digits; 0 without pictures.
        observed: the class of the ground at the landslide.
    """

    before: str | None
    after: str | None
    width_m: float
    observed: Observed


def landslide_pictures(situation: Situation, classes: npt.NDArray[np.uint8]) -> list[LandslidePicture]:
    """Draw the ten largest landslides.

    Args:
        situation: the event as it is known now.
        classes: for all landslides shown, the largest first, the class of `Observed` at a point within each.

    Raises:
        ImageError: a raster cannot be read.
    """
    outlines = largest(situation).geometry.to_numpy()
    return [
        _draw(situation, outline, Observed(int(observed)))
        for outline, observed in zip(outlines, classes[: len(outlines)], strict=True)
    ]


def _draw(situation: Situation, outline: BaseGeometry, observed: Observed) -> LandslidePicture:
    for zone in situation.zones:
        with open_raster(zone.post, assumed_nodata=0) as reader:
            (placed,) = reproject(np.array([outline], dtype=object), LONGITUDE_LATITUDE, reader.info.crs)
            column, row = ~reader.info.transform @ shapely.get_coordinates(shapely.point_on_surface(placed))[0]
            if not (0 <= column < reader.info.width and 0 <= row < reader.info.height):
                continue
        if _class_at(zone, int(column), int(row)) or zone is situation.zones[-1]:
            return _draw_in_zone(zone, placed, observed, is_radar=situation.is_radar)
    return LandslidePicture(None, None, 0.0, observed)


def _class_at(zone: ZoneRasters, column: int, row: int) -> int:
    with open_raster(zone.observed) as reader:
        values, _ = reader.read_first_band(Window(column, row, 1, 1))
    return int(values[0, 0])


def _draw_in_zone(zone: ZoneRasters, outline: BaseGeometry, observed: Observed, *, is_radar: bool) -> LandslidePicture:
    grid, width_m = _picture_grid(zone.post, outline)
    before, after = (_picture(_read(path, grid, is_radar=is_radar)) for path in (zone.pre, zone.post))
    _draw_outline(after, outline, grid)
    return LandslidePicture(_data_uri(before), _data_uri(after), float(f"{width_m:.2g}"), observed)


def _picture_grid(path: Path, outline: BaseGeometry) -> tuple[Grid, float]:
    """The grid of a picture around an outline, and the width of the ground that it shows, metres.

    Args:
        path: the raster that the picture shows.
        outline: the landslide's outline in the raster's CRS.
    """
    own = Grid.from_raster(describe_raster(path))
    pixel_m = pixel_size(own.crs, own.transform, own.width, own.height)
    corners = shapely.get_coordinates(outline)
    columns, rows = ~own.transform @ (corners[:, 0], corners[:, 1])
    wide = max(np.ptp(columns), np.ptp(rows) * WIDTH / HEIGHT) * ROUND
    wide = float(max(wide, LEAST_WIDTH_M / pixel_m, LEAST_PIXELS))
    left = (columns.min() + columns.max() - wide) / 2
    top = (rows.min() + rows.max() - wide * HEIGHT / WIDTH) / 2
    transform = own.transform @ Affine.translation(left, top) @ Affine.scale(wide / WIDTH)
    return Grid(WIDTH, HEIGHT, own.crs, transform), wide * pixel_m


def _read(path: Path, grid: Grid, *, is_radar: bool) -> Floats:
    """Read a raster on the grid of a picture, (C, H, W); NaN beyond the raster and without data.

    The result has three bands (red, green, blue) if the raster has them; else, and for radar (in decibels), one.
    """
    with open_raster(path, assumed_nodata=0) as reader, open_resampled(reader, grid) as warped:
        values, valid = warped.read()
    bands = 3 if len(values) >= 3 and not is_radar else 1
    image = np.where(valid, values[:bands].astype(np.float32), np.nan)
    if is_radar:
        return decibels(image)
    # GDAL's warper turns 0 into 1 where only one band has no data.
    image[:, (image <= 1).any(axis=0)] = np.nan
    return image


def _picture(image: Floats) -> Image.Image:
    bands = _stretch_together(image)
    colours = np.stack(list(bands) if len(bands) == 3 else [bands[0]] * 3, axis=-1)
    pixels = (255 * np.nan_to_num(colours)).astype(np.uint8)
    unknown = ~np.isfinite(colours).all(axis=-1)
    rows, columns = np.indices(unknown.shape)
    lines = (rows + columns) % LINE_PERIOD == 0  # they distinguish missing data from grey ground
    pixels[unknown] = NO_DATA
    pixels[unknown & lines] = NO_DATA_LINE
    return Image.fromarray(pixels)


def _stretch_together(image: Floats) -> Floats:
    """Scale each band (C, H, W) so that its darkest values become 0, which removes haze, and its brightest 1.

    A band whose range is much smaller than the widest band's (see `DULLEST`) does not reach 1, so that noise is not
    amplified.
    """
    if not np.isfinite(image).any():
        return image
    low, high = np.nanpercentile(image, LIMITS, axis=(1, 2))
    spread = np.maximum(high - low, DULLEST * np.max(high - low)).clip(1e-9)
    return np.asarray(np.clip((image - low[:, None, None]) / spread[:, None, None], 0, 1), np.float32)


def _draw_outline(picture: Image.Image, outline: BaseGeometry, grid: Grid) -> None:
    draw = ImageDraw.Draw(picture)
    parts = polygon_parts(np.array([outline], dtype=object)).tolist()
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    for colour, width in ((CASING, 5), (LINE, 2)):
        for ring in rings:
            x, y = shapely.get_coordinates(ring).T
            points = np.column_stack(~grid.transform @ (x, y))
            draw.line([tuple(point) for point in points.tolist()], fill=colour, width=width, joint="curve")


def _data_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
