"""A scene's rasters: windows of the post-event image and, for models that take them, of pre-event image and terrain.

Rasters are files, or addresses of Cloud-Optimised GeoTIFFs that are read by range requests.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from rasterio.errors import RasterioError
from rasterio.windows import Window

from tsmu.errors import ErrorCollector, ImageError, MapError
from tsmu.imagery import (
    REMOTE_OPTIONS,
    TERRAIN_ROLE,
    Grid,
    RasterInfo,
    RasterReader,
    assumed_nodata,
    band_colour,
    check_same_scaling,
    describe_raster,
    file_identity,
    georeferencing_advice,
    image_channels,
    is_remote,
    terrain_bands,
)
from tsmu.mapping.arrays import Valid, Values
from tsmu.mapping.scene.alignment import open_aligned

ROLES = ("pre", "post", "terrain")
COARSEST, FINEST = 2.0, 0.5  # pixel sizes that are accepted, as multiples of those of the training


@dataclass(frozen=True)
class _SourceRaster:
    """One raster of a scene; its band `source[i]` becomes band `target[i]` of the scene."""

    name: str
    reader: RasterReader
    source: list[int]
    target: list[int]


class Scene:
    """The rasters of a scene that is to be mapped, open until the scene is closed.

    Bands are named by role and the raster's own band name: `pre:red`, `post:red`, `terrain:slope`.
    A raster that names none of its bands is read by position, if it has exactly as many as the model takes.

    Args:
        post: the post-event raster, whose grid is that of the scene and of its map.
        pre: the pre-event raster, for models that take pre-event bands; where it lies on another
            grid it is resampled window by window.
        bands: the model's bands in their order; by default all bands, pre-event bands first, terrain last.
        scale: factor for all values but those of terrain.
        terrain: terrain bands as `imagery.terrain` derives them, for models that take some; resampled likewise.

    Raises:
        ImageError: a raster is missing or cannot be read.
        MapError: bands are missing, the scene has no place on Earth, or the rasters do not overlap.

    Example:
        >>> with Scene("post.tif") as scene:
        ...     values, valid = scene.read(row=0, column=0, height=64, width=64)
        >>> scene.bands, values.shape, valid.shape
        (['post:red', 'post:green', 'post:blue'], (3, 64, 64), (64, 64))
    """

    def __init__(
        self,
        post: Path | str,
        pre: Path | str | None = None,
        bands: Sequence[str] | None = None,
        *,
        scale: float = 1.0,
        terrain: Path | None = None,
    ) -> None:
        paths = {role: path for role, path in zip(ROLES, (pre, post, terrain), strict=True) if path is not None}
        with rasterio.Env(**REMOTE_OPTIONS):
            infos = {role: describe_raster(path) for role, path in paths.items()}
        self.info = infos["post"]
        self.infos = [info for role, info in infos.items() if role != TERRAIN_ROLE]  # of the images
        self.name = str(post)
        self.footprint = _footprint(self.info)
        self.grid = Grid.from_raster(self.info)
        self._scale = scale
        self._remarks: list[tuple[str, str, str]] = []
        self._terrain = terrain
        self.bands = list(bands or (f"{role}:{band}" for role in infos for band in infos[role].bands))
        self.image_channels = image_channels(self.bands)
        errors, positions = ErrorCollector(), {}
        with errors.collect():
            _check_roles(self.bands, infos)
        if "pre" in infos:
            with errors.collect():
                check_same_scaling(infos["pre"], infos["post"])
        for role, info in infos.items():
            with errors.collect():
                positions[role] = _band_positions(info, role, self.bands, self._remarks)
        errors.raise_all()
        with ExitStack() as stack:
            stack.enter_context(rasterio.Env(**REMOTE_OPTIONS))
            nodata = dict(zip(infos, assumed_nodata(list(infos.values())), strict=True))
            self._rasters = [
                _SourceRaster(
                    str(path), open_aligned(path, self.grid, stack, assumed_nodata=nodata[role]), *positions[role]
                )
                for role, path in paths.items()
            ]
            self._stack = stack.pop_all()
        self._assumed_nodata = {str(paths[role]): value for role, value in nodata.items() if value is not None}

    def __enter__(self) -> Self:
        """Return the scene itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the scene."""
        self.close()

    def close(self) -> None:
        """Close the rasters."""
        self._stack.close()

    @property
    def remarks(self) -> list[tuple[str, str, str]]:
        """What was concluded from the pixel values so far: file, problem and action of each, for an issue log."""
        remarks = list(self._remarks)
        for info in self.infos:
            for assumption in info.assumptions:
                problem, _, action = assumption.partition(": ")
                remarks.append((str(info.path), problem, action))
        for raster in self._rasters:
            if raster.name in self._assumed_nodata:
                value = f"{self._assumed_nodata[raster.name]:g}"
                problem = f"declares no no-data value, the other raster of the scene {value}"
                remarks.append((raster.name, problem, f"pixels that are {value} in all bands are no data"))
            if raster.reader.fill_pixel_count:
                problem = "contains a value that no image measures, such as -9999, and does not declare it as no data"
                remarks.append((raster.name, problem, "no data there"))
        return remarks

    def add_remark(self, file: str, problem: str, action: str) -> None:
        """Add a remark: what its mapper concluded from its pixel values; file, problem and action."""
        if (remark := (file, problem, action)) not in self._remarks:
            self._remarks.append(remark)

    @property
    def width(self) -> int:
        """Columns of the scene."""
        return self.info.width

    @property
    def height(self) -> int:
        """Rows of the scene."""
        return self.info.height

    def read(self, row: int, column: int, height: int, width: int, into: Values | None = None) -> tuple[Values, Valid]:
        """Read a window, which may reach beyond the bottom and the right edge of the scene.

        Args:
            row: its first row.
            column: its first column.
            height: its number of rows.
            width: its number of columns.
            into: the array that takes the values, (C, height, width); by default a new one.

        Returns:
            Raw values float32 (C, height, width), NaN where a raster has no data; beyond the scene its
            edge is repeated, as the network itself pads. And validity (height, width), false where a
            raster has no data and beyond the scene.

        Raises:
            ImageError: a raster is damaged there.
        """
        window = Window(column, row, min(width, self.width - column), min(height, self.height - row))
        values = np.empty((len(self.bands), height, width), np.float32) if into is None else into
        valid = np.zeros((height, width), bool)
        inside, inside_valid = values[:, : window.height, : window.width], valid[: window.height, : window.width]
        inside_valid[:] = True
        for raster in self._rasters:
            pixels, raster_valid = _read_window(raster, window)
            inside[raster.target] = pixels[raster.source]
            inside_valid &= raster_valid
        if self._scale != 1:
            inside[self.image_channels] *= np.float32(self._scale)
        if not inside_valid.all():
            inside[:, ~inside_valid] = np.nan
        values[:, : window.height, window.width :] = inside[:, :, -1:]
        values[:, window.height :] = values[:, window.height - 1 : window.height]
        return values, valid

    def samples(self, count: int, side: int) -> Iterator[Values]:
        """Read `count` x `count` square windows of up to `side` px, spread over the scene: (C, side, side) each."""
        height, width = min(side, self.height), min(side, self.width)
        tops, lefts = (
            sorted(set(np.linspace(0, length - window, count).astype(int).tolist()))
            for length, window in ((self.height, height), (self.width, width))
        )
        for top in tops:
            for left in lefts:
                yield self.read(top, left, height, width)[0]

    @property
    def identity(self) -> list[object]:
        """What distinguishes the scene from every other: bands, scale, and its files with sizes and times of change.

        Derived terrain is known by its file's name, which is the same when it is derived again.
        """
        terrain = [self._terrain.name] if self._terrain else []
        files = [file for info in self.infos for file in info.files]  # those behind a VRT among them
        return [self.bands, self._scale, [file_identity(file) for file in files], *terrain]

    def check_pixel_size(self, trained: tuple[float, float] | None, what: str = "the model was trained") -> None:
        """Refuse a scene whose pixels are much larger or smaller than those that its mapper was made for.

        Args:
            trained: smallest and largest pixel size of those images, metres; None if they
                are unknown, then every scene passes.
            what: what was made for them, and how, for the message.

        Raises:
            MapError: the pixel size is outside 0.5 to 2 times that range.
        """
        size = self.info.pixel_size
        if trained is None or size is None:
            return
        finest, coarsest = FINEST * trained[0], COARSEST * trained[1]
        if not finest <= size <= coarsest:
            span = " to ".join(dict.fromkeys(f"{bound:.3g}" for bound in trained))
            raise MapError(
                f"{self.name}: pixels of {size:.3g} m; {what} on {span} m and maps "
                f"{finest:.3g} to {coarsest:.3g} m; resample the scene, or pass --any-resolution to map it nevertheless"
            )


def scene_grid(post: Path | str) -> Grid:
    """Read the grid of a scene that is not open yet.

    Args:
        post: the post-event raster.

    Raises:
        ImageError: the raster is missing or cannot be read.
        MapError: it has no place on Earth.

    Example:
        >>> scene_grid(Path("post.tif")).width
        128
    """
    with rasterio.Env(**REMOTE_OPTIONS):
        info = describe_raster(post)
    _footprint(info)
    return Grid.from_raster(info)


def _read_window(raster: _SourceRaster, window: Window) -> tuple[npt.NDArray[np.generic], Valid]:
    """Read a window of one raster: its pixels (bands, H, W) and their validity (H, W)."""
    try:
        return raster.reader.read(window)
    except RasterioError as error:
        reason = str(error.__cause__ or error).replace("\n", " ")
        where = f"near row {window.row_off}, column {window.col_off} ({reason})"
        if is_remote(raster.name):  # GDAL does not report which of the two it is
            raise ImageError(
                f"{raster.name}: its server stopped answering, or the file is damaged, {where}; "
                "the same command continues there later"
            ) from error
        raise ImageError(f"{raster.name}: damaged {where}; replace it") from error


def _footprint(info: RasterInfo) -> shapely.Polygon:
    """Outline a raster in EPSG:4326; MapError where it has no place on Earth."""
    if not info.georeferenced:
        raise MapError(f"{info.path}: {georeferencing_advice(info.path)}")
    if not info.on_earth:
        raise MapError(f"{info.path}: its CRS is not of the Earth; only scenes of the Earth can be mapped")
    try:
        return Grid.from_raster(info).footprint
    except ImageError as error:
        raise MapError(f"{info.path}: {error}") from None


def _check_roles(bands: Sequence[str], infos: dict[str, RasterInfo]) -> None:
    """Check that each raster the model needs is given, and that it needs each raster given."""
    needed = {band.partition(":")[0] for band in bands}
    if unknown := needed - set(ROLES):
        raise MapError(
            f"band list: {', '.join(sorted(unknown))}: bands are named pre:..., post:... or {TERRAIN_ROLE}:..."
        )
    if "pre" in needed and "pre" not in infos:
        raise MapError(f"{infos['post'].path}: the model takes pre-event bands too; give the pre-event raster")
    if "pre" in infos and "pre" not in needed:
        raise MapError(f"{infos['pre'].path}: the model takes no pre-event bands; leave the pre-event raster out")
    if TERRAIN_ROLE in needed and TERRAIN_ROLE not in infos:
        raise MapError(
            f"{infos['post'].path}: the model takes terrain ({', '.join(terrain_bands(bands))}); give an elevation "
            "model with --dem (for imported pairs: tsmu chips build --dem)"
        )
    if TERRAIN_ROLE in infos and TERRAIN_ROLE not in needed:
        raise MapError(f"{infos['post'].path}: the model takes no terrain bands; leave the elevation model out")


def _band_positions(
    info: RasterInfo, role: str, bands: Sequence[str], remarks: list[tuple[str, str, str]]
) -> tuple[list[int], list[int]]:
    """Give the positions of bands in a raster, and the positions that they take in the scene.

    A band of the scene is the band of the raster with the same name. If there is none, bands are matched by their
    colour, such as `red` and `b4_red`, provided that only one band of the scene and only one band of the raster have
    this colour. A raster whose bands all have no names is read by position, if it has as many bands as the scene takes.

    Args:
        info: the raster.
        role: `pre`, `post` or `terrain`.
        bands: the scene's bands, whose role is part of their names.
        remarks: receives file, problem and action where the raster is read by position.

    Raises:
        MapError: the raster lacks one of the bands of its role.
    """
    target = [position for position, band in enumerate(bands) if band.startswith(f"{role}:")]
    names = [bands[position].removeprefix(f"{role}:") for position in target]
    positions = {name: _position_of(name, names, info.bands) for name in names}  # in the raster, None if not found
    missing = [name for name, position in positions.items() if position is None]
    if not missing:
        return [position for position in positions.values() if position is not None], target
    if all(name.startswith("band_") for name in info.bands) and len(info.bands) == len(names):
        guess = (str(info.path), "its bands have no names", f"taken for {', '.join(names)} in this order")
        if guess not in remarks:
            remarks.append(guess)
        return list(range(len(names))), target
    raise MapError(
        f"{info.path}: has no band {', '.join(missing)} (its bands are {', '.join(info.bands)}); "
        f"name them (rio edit-info --bidx N --description {missing[0]} FILE), or give a raster that has them"
    )


def _position_of(name: str, scene_names: Sequence[str], raster_names: Sequence[str]) -> int | None:
    """Find the position of a band in a raster by its name, else by its colour; None if there is none.

    Args:
        name: of the band that is looked for.
        scene_names: names of all bands that the scene takes from this raster.
        raster_names: names of the raster's bands.
    """
    if name in raster_names:
        return raster_names.index(name)
    colour = band_colour(name)
    if colour is None or [band_colour(other) for other in scene_names].count(colour) > 1:
        return None
    of_colour = [position for position, band in enumerate(raster_names) if band_colour(band) == colour]
    return of_colour[0] if len(of_colour) == 1 else None
