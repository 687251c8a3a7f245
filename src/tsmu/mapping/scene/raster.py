"""A scene: windows of a post-event raster and, for models that want it, its pre-event raster.

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

from tsmu.errors import ImageError, MapError
from tsmu.imagery.grids import Grid
from tsmu.imagery.placing import how_to_place
from tsmu.imagery.raster import REMOTE, RasterInfo, RasterReader, Valid, describe, file_identity, is_remote
from tsmu.imagery.terrain import ROLE, image_channels, terrain_bands
from tsmu.imagery.together import assumed_nodata, check_scaling
from tsmu.mapping.scene.alignment import open_aligned

ROLES = ("pre", "post", "terrain")
COARSEST, FINEST = 2.0, 0.5  # times the training pixel sizes

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Image:
    """One raster of the scene; `take[i]` of its bands goes to `put[i]` of the scene's."""

    name: str
    reader: RasterReader
    take: list[int]
    put: list[int]


class Scene:
    """A raster, or a pair of rasters, to be mapped; open until it is closed.

    Bands are named `pre:red`, `post:red` or `terrain:slope`: the role and the raster's own name of the band.
    A raster that names none of its bands is taken by position where it has exactly as many as wanted.

    Args:
        post: the post-event raster; its grid is the scene's.
        pre: the pre-event raster, for models that take pre-event bands; where it lies on another
            grid it is resampled, window by window.
        bands: the model's band list in order; by default all bands, pre-event bands first, terrain last.
        scale: what all values but those of terrain are multiplied with.
        terrain: terrain bands, for models that take some, as `imagery.terrain` derives them; resampled likewise.

    Raises:
        ImageError: a raster is missing or cannot be read.
        MapError: bands are missing, there is no place on Earth, or the rasters do not overlap.
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
        places = {role: path for role, path in zip(ROLES, (pre, post, terrain), strict=True) if path is not None}
        with rasterio.Env(**REMOTE):
            infos = {role: describe(path) for role, path in places.items()}
        self.info = infos["post"]
        self.infos = [info for role, info in infos.items() if role != ROLE]  # of the images
        self.name = str(post)
        self.footprint = _footprint(self.info)
        self.grid = Grid.of(self.info)
        self._scale = scale
        self._terrain = terrain
        self.bands = list(bands or (f"{role}:{band}" for role in infos for band in infos[role].bands))
        self.image_channels = image_channels(self.bands)
        _check_roles(self.bands, infos)
        if "pre" in infos:
            check_scaling(infos["pre"], infos["post"])
        chosen = {role: _choose_bands(info, role, self.bands) for role, info in infos.items()}
        with ExitStack() as stack:
            stack.enter_context(rasterio.Env(**REMOTE))
            nodata = dict(zip(infos, assumed_nodata(list(infos.values())), strict=True))
            self._images = [
                _Image(str(path), open_aligned(path, self.grid, stack, assumed_nodata=nodata[role]), *chosen[role])
                for role, path in places.items()
            ]
            self._stack = stack.pop_all()
        self._nodata = {str(places[role]): value for role, value in nodata.items() if value is not None}

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
        """What was concluded about the rasters from their values so far: file, problem and action for an issue log."""
        found = []
        for info in self.infos:
            for assumption in info.assumptions:
                what, _, how = assumption.partition(": ")
                found.append((str(info.path), what, how))
        for image in self._images:
            if image.name in self._nodata:
                value = f"{self._nodata[image.name]:g}"
                problem = f"declares no no-data value, the other raster of the scene {value}"
                found.append((image.name, problem, f"pixels that are {value} in all bands are no data"))
            if image.reader.filled:
                problem = "holds a value that no image measures, such as -9999, and does not declare it as no data"
                found.append((image.name, problem, "no data there"))
        return found

    @property
    def width(self) -> int:
        """Columns of the scene."""
        return self.info.width

    @property
    def height(self) -> int:
        """Rows of the scene."""
        return self.info.height

    def read(self, row: int, column: int, height: int, width: int, into: Values | None = None) -> tuple[Values, Valid]:
        """Read a window that may reach beyond the bottom and right edge of the scene.

        Args:
            row: its first one.
            column: its first one.
            height: its rows.
            width: its columns.
            into: where the values go; by default into a new array.

        Returns:
            Raw values float32 (C, height, width), NaN where a raster has no data, the edge repeated
            beyond the scene, as the network itself pads; and validity (height, width), false in
            both cases.

        Raises:
            ImageError: a raster is damaged there.
        """
        window = Window(column, row, min(width, self.width - column), min(height, self.height - row))
        values = np.empty((len(self.bands), height, width), np.float32) if into is None else into
        valid = np.zeros((height, width), bool)
        inside, inside_valid = values[:, : window.height, : window.width], valid[: window.height, : window.width]
        inside_valid[:] = True
        for image in self._images:
            pixels, image_valid = _read(image, window)
            inside[image.put] = pixels[image.take]
            inside_valid &= image_valid
        if self._scale != 1:
            inside[self.image_channels] *= np.float32(self._scale)
        if not inside_valid.all():
            inside[:, ~inside_valid] = np.nan
        values[:, : window.height, window.width :] = inside[:, :, -1:]
        values[:, window.height :] = values[:, window.height - 1 : window.height]
        return values, valid

    def samples(self, along: int, side: int) -> Iterator[Values]:
        """Read square windows of up to `side` pixels all over the scene, `along` of them in each direction."""
        height, width = min(side, self.height), min(side, self.width)
        tops, lefts = (
            sorted(set(np.linspace(0, length - window, along).astype(int).tolist()))
            for length, window in ((self.height, height), (self.width, width))
        )
        for top in tops:
            for left in lefts:
                yield self.read(top, left, height, width)[0]

    @property
    def identity(self) -> list[object]:
        """Tell the scene from every other: its bands and files, with their sizes and times of change.

        Of derived terrain the name says all; made anew it is the same.
        """
        terrain = [self._terrain.name] if self._terrain else []
        return [self.bands, self._scale, [file_identity(file) for file in self._files()], *terrain]

    def _files(self) -> list[str]:
        """All files of the images, those behind a VRT among them."""
        return [file for info in self.infos for file in info.files]

    def check_pixel_size(self, trained: tuple[float, float] | None) -> None:
        """Refuse a scene much coarser or finer than what the model was trained on.

        Args:
            trained: smallest and largest training pixel size in metres; None if unknown, then
                there is nothing to compare with.

        Raises:
            MapError: the pixel size is outside 0.5 to 2 times that range.
        """
        size = self.info.pixel_size
        if trained is None or size is None:
            return
        finest, coarsest = FINEST * trained[0], COARSEST * trained[1]
        if not finest <= size <= coarsest:
            raise MapError(
                f"{self.name}: pixels of {size:.3g} m, the model takes {finest:.3g} to {coarsest:.3g} m "
                f"(trained on {trained[0]:.3g} to {trained[1]:.3g} m); resample the scene, "
                "or pass --any-resolution to map it nevertheless"
            )


def _read(image: _Image, window: Window) -> tuple[npt.NDArray[np.generic], Valid]:
    try:
        return image.reader.read(window)
    except RasterioError as error:
        reason = str(error.__cause__ or error).replace("\n", " ")
        where = f"near row {window.row_off}, column {window.col_off} ({reason})"
        if is_remote(image.name):  # GDAL does not tell which of the two it is
            raise ImageError(
                f"{image.name}: its server stopped answering, or the file is damaged, {where}; "
                "the same command goes on there later"
            ) from error
        raise ImageError(f"{image.name}: damaged {where}; replace it") from error


def scene_grid(post: Path | str) -> Grid:
    """The grid of a scene that is not open yet.

    Raises:
        ImageError: the raster is missing or cannot be read.
        MapError: there is no place on Earth.
    """
    with rasterio.Env(**REMOTE):
        info = describe(post)
    _footprint(info)
    return Grid.of(info)


def _footprint(info: RasterInfo) -> shapely.Polygon:
    """The scene's outline in EPSG:4326; MapError where it has no place on Earth."""
    if not info.georeferenced:
        raise MapError(f"{info.path}: {how_to_place(info.path)}")
    if not info.on_earth:
        raise MapError(f"{info.path}: its CRS is not of the Earth; only scenes of the Earth can be mapped")
    try:
        footprint = Grid.of(info).footprint
    except ImageError as error:
        raise MapError(f"{info.path}: {error}") from None
    return footprint


def _check_roles(bands: Sequence[str], infos: dict[str, RasterInfo]) -> None:
    """Check that every role wanted is given and every role given is wanted."""
    wanted = {band.partition(":")[0] for band in bands}
    if unknown := wanted - set(ROLES):
        raise MapError(f"band list: {', '.join(sorted(unknown))}: bands are named pre:..., post:... or {ROLE}:...")
    if "pre" in wanted and "pre" not in infos:
        raise MapError(f"{infos['post'].path}: the model takes pre-event bands too; give the pre-event raster")
    if "pre" in infos and "pre" not in wanted:
        raise MapError(f"{infos['pre'].path}: the model takes no pre-event bands; leave the pre-event raster out")
    if ROLE in wanted and ROLE not in infos:
        raise MapError(
            f"{infos['post'].path}: the model takes terrain ({', '.join(terrain_bands(bands))}); give an elevation "
            "model with --dem (for imported pairs: tsmu chips build --dem)"
        )
    if ROLE in infos and ROLE not in wanted:
        raise MapError(f"{infos['post'].path}: the model takes no terrain bands; leave the elevation model out")


def _choose_bands(info: RasterInfo, role: str, bands: Sequence[str]) -> tuple[list[int], list[int]]:
    """Which of a raster's bands to take, and which of the scene's they become."""
    put = [position for position, band in enumerate(bands) if band.startswith(f"{role}:")]
    wanted = [bands[position].removeprefix(f"{role}:") for position in put]
    missing = [name for name in wanted if name not in info.bands]
    if not missing:
        return [info.bands.index(name) for name in wanted], put
    if all(name.startswith("band_") for name in info.bands) and len(info.bands) == len(wanted):
        return list(range(len(wanted))), put
    raise MapError(
        f"{info.path}: has no band {', '.join(missing)} (its bands are {', '.join(info.bands)}); "
        "name its bands with their descriptions, or give a raster that has them"
    )
