"""The largest landslides before and after: small pictures of one place, one size and one stretch of grey or colour."""

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

WIDTH, HEIGHT = 420, 220  # pixels of a picture
ROUND = 1.7  # width of the ground shown, of the landslide's
LEAST_WIDTH_M = 500.0
LEAST_PIXELS = 24  # of the image across a picture
LIMITS = (1, 99.5)  # percentiles of a picture between which it is shown
DULLEST = 0.65  # range of a band, of the widest one's, below which it is not stretched further
LINE, CASING = (255, 229, 0), (30, 20, 0)  # of the outline
NO_DATA, NO_DATA_LINE, LINE_PERIOD = 196, 90, 12  # greys; pixels between two lines
QUALITY = 85

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LandslidePicture:
    """A landslide before and after.

    Attributes:
        before: a JPEG as the address of an image element; None where no raster reaches.
        after: likewise, with the outline.
        width_m: of the ground shown, two digits.
        observed: whether the place was seen.
    """

    before: str | None
    after: str | None
    width_m: float
    observed: Observed


def landslide_pictures(situation: Situation, classes: npt.NDArray[np.uint8]) -> list[LandslidePicture]:
    """Draw the ten largest landslides.

    Args:
        situation: the situation.
        classes: of `Observed`, for all landslides shown, the largest first.

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
    """The pixels of a picture round an outline in a raster's CRS, and how many metres of ground they are across."""
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
    """Colours, or grey, of the ground of a picture (C, H, W); NaN beyond the raster and without data."""
    with open_raster(path, assumed_nodata=0) as reader, open_resampled(reader, grid) as warped:
        values, valid = warped.read()
    bands = 3 if len(values) >= 3 and not is_radar else 1
    image = np.where(valid, values[:bands].astype(np.float32), np.nan)
    if is_radar:
        return decibels(image)
    image[:, (image <= 1).any(axis=0)] = np.nan  # no data in one band only, which GDAL's warper makes a 1
    return image


def _picture(image: Floats) -> Image.Image:
    bands = _stretch_together(image)
    colours = np.stack(list(bands) if len(bands) == 3 else [bands[0]] * 3, axis=-1)
    pixels = (255 * np.nan_to_num(colours)).astype(np.uint8)
    unknown = ~np.isfinite(colours).all(axis=-1)
    rows, columns = np.indices(unknown.shape)
    lines = (rows + columns) % LINE_PERIOD == 0  # which tell it from grey ground
    pixels[unknown] = NO_DATA
    pixels[unknown & lines] = NO_DATA_LINE
    return Image.fromarray(pixels)


def _stretch_together(image: Floats) -> Floats:
    """Bring each band's darkest to 0, which takes the haze away, and its brightest to 1; a dull band stays duller."""
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
