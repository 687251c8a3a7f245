"""The map of one scene: the paths of its files, its landslides as a table, and a quick look for notebooks."""

import base64
import html
import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmu.errors import TsmuError
from tsmu.wording import counted
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import geopandas
    import numpy as np
    import numpy.typing as npt
    from rasterio.io import DatasetReader

QUICK_LOOK_SIDE = 600  # largest width and height of a quick look, pixels
STRETCH = (2, 98)  # percentiles of a band that are shown black and white; 8-bit images are shown unchanged
LANDSLIDE_COLOUR = (255, 64, 0)
OPACITY = 0.8  # opacity of the colour where the probability is 1


@dataclass(eq=False)
class SceneMap:
    """The map of one scene, as `Workspace.map` returns it.

    Attributes:
        name: the name of the scene, also in the database.
        post: the post-event raster, a path or an address.
        probability: the path of the probability raster, a Cloud-Optimised GeoTIFF, uint8, whole percent, 255 = no data.
        layers: the paths of further GeoTIFFs on the same grid, by name: `deviation` and `regions`, if they were
            requested by `tta` and `region_layer`.
        polygons_file: the path of the landslides, GeoParquet in the scene's CRS.
        summary: the object that `tsmu map --json` prints for the scene: region, bundle, threshold, records, area_m2,
            run and so on.
        report: the report of the call that made the map.
    """

    name: str
    post: Path | str
    probability: Path
    layers: dict[str, Path]
    polygons_file: Path
    summary: dict[str, Any]
    report: Report = field(repr=False)

    @cached_property
    def polygons(self) -> "geopandas.GeoDataFrame":
        """The landslides: one row each with outline (in the scene's CRS), area, probability and region; read once."""
        import geopandas

        return geopandas.read_parquet(self.polygons_file)

    def quick_look(self) -> bytes:
        """Draw the probability over the post-event image, as a PNG of at most 600 x 600 px.

        If the image cannot be read any more, the background is grey.
        """
        from PIL import Image

        probability = _read_probability(self.probability)
        try:
            picture = _read_picture(self.post, *probability.shape)
        except (TsmuError, OSError):
            picture = _grey(*probability.shape)
        buffer = io.BytesIO()
        Image.fromarray(_overlay(picture, probability)).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        """What a notebook shows: the quick look, and below it the figures of the map and the version of the model."""
        picture = base64.b64encode(self.quick_look()).decode()
        text = (
            f"{self.name}: {counted(self.summary['records'], 'landslide')}, {self.summary['area_m2'] / 1e6:.3f} km2, "
            f"by {' and '.join(self.summary['regions'])} ({self.summary['bundle']}), "
            f"threshold {self.summary['threshold']} %"
        )
        return f'<img src="data:image/png;base64,{picture}" alt="probability"><br>{html.escape(text)}'


@dataclass(repr=False)
class MapReport(Report):
    """The report of mapping scenes.

    Attributes:
        scenes: the maps, in the order in which they were finished.
    """

    scenes: list[SceneMap] = field(default_factory=list)


def _read_probability(path: Path) -> "npt.NDArray[np.float32]":
    """Read a probability raster, reduced to the size of a quick look: (H, W), 0 to 1, NaN = no data."""
    import numpy as np
    import rasterio
    from rasterio.enums import Resampling

    from tsmu.imagery import GDAL_OPTIONS

    with rasterio.Env(**GDAL_OPTIONS), rasterio.open(path) as dataset:
        factor = max(1.0, max(dataset.width, dataset.height) / QUICK_LOOK_SIDE)
        shape = max(1, round(dataset.height / factor)), max(1, round(dataset.width / factor))
        percent = dataset.read(1, out_shape=shape, masked=True, resampling=Resampling.average)
    return np.asarray(percent.astype(np.float32).filled(np.nan) / 100, np.float32)


def _read_picture(post: Path | str, height: int, width: int) -> "npt.NDArray[np.uint8]":
    """Read an image as red, green and blue (height, width, 3); grey where it has no data.

    Raises:
        ImageError: the image cannot be read.
    """
    import numpy as np
    from rasterio.enums import Resampling

    from tsmu.imagery import gdal_errors_as_image_errors, open_raster

    with open_raster(post) as reader, gdal_errors_as_image_errors(post):
        dataset, palette = reader.dataset, reader.layout.palette
        if palette is not None:
            return np.asarray(palette[dataset.read(1, out_shape=(height, width)), :3], np.uint8)
        names = [name.lower() for name in reader.info.bands]
        colours = ("red", "green", "blue")
        chosen = [names.index(name) for name in colours] if set(colours) <= set(names) else list(range(len(names)))[:3]
        chosen = chosen if len(chosen) == 3 else [chosen[0]] * 3
        bands = [_read_band(dataset, reader.layout.bands[band], (height, width), Resampling.average) for band in chosen]
    return np.stack(bands, axis=-1)


def _read_band(dataset: "DatasetReader", index: int, shape: tuple[int, int], resampling: Any) -> Any:
    """Read one band, resampled to (height, width), as bytes from black to white; grey where it has no data."""
    import numpy as np

    band = dataset.read(index, out_shape=shape, masked=True, resampling=resampling)
    values = np.ma.masked_invalid(band.astype(np.float32)) if band.dtype.kind == "f" else band.astype(np.float32)
    known = values.compressed()
    low, high = (0, 255) if band.dtype == np.uint8 else np.percentile(known, STRETCH) if len(known) else (0, 1)
    scaled = ((values - low) / max(high - low, 1e-9) * 255).clip(0, 255)
    return np.ma.filled(scaled, 128).astype(np.uint8)


def _grey(height: int, width: int) -> "npt.NDArray[np.uint8]":
    """Make an empty grey picture, (height, width, 3)."""
    import numpy as np

    return np.full((height, width, 3), 128, np.uint8)


def _overlay(picture: "npt.NDArray[np.uint8]", probability: "npt.NDArray[np.float32]") -> "npt.NDArray[np.uint8]":
    """Blend a colour into a picture (H, W, 3); the higher the probability (H, W), the stronger the colour."""
    import numpy as np

    opacity = OPACITY * np.nan_to_num(probability)[..., None]
    return np.asarray(picture * (1 - opacity) + np.array(LANDSLIDE_COLOUR) * opacity, np.float32).astype(np.uint8)
