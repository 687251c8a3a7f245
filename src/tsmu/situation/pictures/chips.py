"""The largest landslides before and after: small pictures of one place, one size and one stretch of grey or colour."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image, ImageDraw
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from tsmu.geodesy import pixel_size
from tsmu.imagery import RasterReader, gdal_errors_as_image_errors, open_raster
from tsmu.situation.facts import largest
from tsmu.situation.inputs import Observed, Situation, ZoneRasters
from tsmu.situation.pictures.grids import decibels
from tsmu.vectors import LONGITUDE_LATITUDE, reproject

WIDTH, HEIGHT = 420, 220  # pixels of a picture
ROUND = 1.7  # width of the ground shown, of the landslide's
LEAST_WIDTH_M = 500.0
LEAST_PIXELS = 24  # of the image across a picture
LIMITS = (1, 99.5)  # percentiles of a picture between which it is shown
DULLEST = 0.65  # range of a band, of the widest one's, below which it is not stretched further
LINE, CASING = (255, 229, 0), (30, 20, 0)  # of the outline
NO_DATA = (196, 196, 196)
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


def _draw_in_zone(
    zone: ZoneRasters, outline: BaseGeometry, observed: Observed, *, is_radar: bool
) -> LandslidePicture:
    images = []
    for path in (zone.pre, zone.post):
        with open_raster(path, assumed_nodata=0) as reader, gdal_errors_as_image_errors(path):
            window, pixel_m = _window(reader, outline)
            images.append(_read(reader, window, is_radar=is_radar))
            transform = reader.info.transform
    before, after = (_picture(image) for image in images)
    to_picture = Affine.scale(WIDTH / window.width, HEIGHT / window.height) @ Affine.translation(
        -window.col_off, -window.row_off
    ) @ ~transform
    _draw_outline(after, outline, to_picture)
    width = float(f"{window.width * pixel_m:.2g}")
    return LandslidePicture(_data_uri(before), _data_uri(after), width, observed)


def _window(reader: RasterReader, outline: BaseGeometry) -> tuple[Window, float]:
    """The pixels round an outline, in the shape of the picture; and the side of a pixel in metres."""
    info = reader.info
    pixel_m = pixel_size(info.crs, info.transform, info.width, info.height)
    corners = shapely.get_coordinates(outline)
    columns, rows = ~info.transform @ (corners[:, 0], corners[:, 1])
    ratio = WIDTH / HEIGHT
    wide = max(np.ptp(columns), np.ptp(rows) * ratio) * ROUND
    wide = max(wide, LEAST_WIDTH_M / pixel_m, LEAST_PIXELS)
    width, height = round(wide), round(wide / ratio)
    middle = (columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2
    return Window(round(middle[0] - width / 2), round(middle[1] - height / 2), width, height), pixel_m


def _read(reader: RasterReader, window: Window, *, is_radar: bool) -> Floats:
    """Colours or grey of a window (C, H, W), no larger than the picture; NaN beyond the raster and without data."""
    info = reader.info
    left, top = max(window.col_off, 0), max(window.row_off, 0)
    right = min(window.col_off + window.width, info.width)
    low = min(window.row_off + window.height, info.height)
    coarse = max(1.0, window.width / WIDTH)
    shape = (max(1, round(window.height / coarse)), max(1, round(window.width / coarse)))
    bands = reader.layout.bands[:1] if is_radar or len(reader.layout.bands) < 3 else reader.layout.bands[:3]
    image = np.full((len(bands), *shape), np.nan, np.float32)
    if right <= left or low <= top:
        return image
    target = [round((side - start) / coarse) for side, start in
              ((left, window.col_off), (right, window.col_off), (top, window.row_off), (low, window.row_off))]  # fmt: skip
    inside = (max(1, target[3] - target[2]), max(1, target[1] - target[0]))
    part: Any = reader.dataset.read(
        list(bands), window=Window(left, top, right - left, low - top), out_shape=(len(bands), *inside), masked=True,
        resampling=Resampling.average if coarse > 1 else Resampling.nearest,
    )  # fmt: skip
    values = np.ma.filled(part.astype(np.float32), np.nan)
    if reader.info.nodata is None and not is_radar:
        values[:, (values == 0).all(axis=0)] = np.nan
    place = np.s_[:, target[2] : target[2] + inside[0], target[0] : target[0] + inside[1]]
    cut = image[place].shape
    image[place] = values[:, : cut[1], : cut[2]]
    return decibels(image) if is_radar else image


def _picture(image: Floats) -> Image.Image:
    bands = _stretch_together(image)
    colours = np.stack(list(bands) if len(bands) == 3 else [bands[0]] * 3, axis=-1)
    unknown = ~np.isfinite(colours).all(axis=-1)
    pixels = (255 * np.nan_to_num(colours)).astype(np.uint8)
    pixels[unknown] = NO_DATA
    scaled = Image.fromarray(pixels).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    if unknown.any():  # with hard edges, and lines that tell it from grey ground
        mask = Image.fromarray((255 * unknown).astype(np.uint8)).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
        rows, columns = np.indices((HEIGHT, WIDTH))
        lines = np.where(((rows + columns) % 12 == 0)[..., None], 90, np.array(NO_DATA)).astype(np.uint8)
        scaled.paste(Image.fromarray(lines), mask=mask)
    return scaled


def _stretch_together(image: Floats) -> Floats:
    """Bring each band's darkest to 0, which takes the haze away, and its brightest to 1; a dull band stays duller."""
    if not np.isfinite(image).any():
        return image
    low, high = np.nanpercentile(image, LIMITS, axis=(1, 2))
    spread = np.maximum(high - low, DULLEST * np.max(high - low)).clip(1e-9)
    return np.asarray(np.clip((image - low[:, None, None]) / spread[:, None, None], 0, 1), np.float32)


def _draw_outline(picture: Image.Image, outline: BaseGeometry, to_picture: Affine) -> None:
    draw = ImageDraw.Draw(picture)
    rings = [
        ring for part in shapely.get_parts(outline) if part.geom_type == "Polygon" for ring in (part.exterior, *part.interiors)
    ]
    for colour, width in ((CASING, 5), (LINE, 2)):
        for ring in rings:
            x, y = shapely.get_coordinates(ring).T
            points = np.column_stack(to_picture @ (x, y))
            draw.line([tuple(point) for point in points.tolist()], fill=colour, width=width, joint="curve")


def _data_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
