"""Small public sets as their authors arrange them, made of the real data: archives of the same names and formats."""

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import rasterio
from PIL import Image

from tests.conftest import write_raster
from tsmu.public_data.layouts.landslide4sense import REGIONS


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive of files by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    """A .tar.gz archive of files by their names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """Pixels (H, W) or (H, W, 3) as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def bijie(shared_data: Path, count: int) -> dict[str, bytes]:
    """The archive of the Bijie set with some of its real chips, `count` of each kind."""
    real, files = shared_data / "bijie_vhr", {}
    for series, name in (("ls", "landslide"), ("nls", "non-landslide")):
        for image in sorted((real / "images").glob(f"{series}_*"))[:count]:
            with Image.open(image) as opened:
                files[f"Bijie-landslide-dataset/{name}/image/{image.stem}.png"] = png(np.asarray(opened))
            if series == "ls":
                mask = (real / "masks" / f"{image.stem}.png").read_bytes()
                files[f"Bijie-landslide-dataset/{name}/mask/{image.stem}.png"] = mask
    return {
        "Bijie_landslide_dataset.zip": zipped(files | {"__MACOSX/._x": b"", "Bijie-landslide-dataset/readme.txt": b""})
    }


def landslide4sense(shared_data: Path, count: int) -> dict[str, bytes]:
    """The archive of Landslide4Sense with real patches, `count` of each region, under their own ids."""
    files = {}
    for region, _, _ in REGIONS:
        folder = shared_data / "landslide4sense_rgb" / region
        for image in sorted((folder / "images").iterdir())[:count]:
            number = int(image.stem.removeprefix("l4s_"))
            with rasterio.open(image) as colours, rasterio.open(folder / "masks" / image.name) as mask:
                bands = np.zeros((128, 128, 14))
                bands[:, :, 1:4] = colours.read((3, 2, 1)).transpose(1, 2, 0) / 255  # blue, green, red
                bands[:, :, 12] = np.arange(128) / 128
                for kind, name, values in (
                    ("img", "image", bands),
                    ("mask", "mask", (mask.read(1) > 0).astype(np.uint8)),
                ):
                    files[f"TrainData/{kind}/{name}_{number}.h5"] = hdf5(kind, values)
    return {"TrainData.zip": zipped(files)}


def hdf5(name: str, values: np.ndarray) -> bytes:
    """An HDF5 file with one array."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file[name] = values
    return buffer.getvalue()


def patch(post: np.ndarray, mask: np.ndarray, attributes: dict[str, str]) -> bytes:
    """A NetCDF-4 patch of Sen12Landslides with three dates, of a picture (H, W) and a mask; rows go north to south."""
    dates = np.stack([post // 2, post // 2, post]).transpose(0, 2, 1)  # the authors' dimensions: time, x, y
    clouds = np.full(dates.shape, 4, np.int16)
    clouds[2, :8, :8] = 9
    variables = {"SCL": clouds, "MASK": np.stack([mask.T] * 3).astype(np.uint8)}
    for number, name in enumerate(("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", "DEM")):
        variables[name] = (dates + number).astype(np.int16)
    axes = {
        "time": np.arange(3),
        "x": 755_205.0 + 10 * np.arange(post.shape[1]),
        "y": 4_882_005.0 - 10 * np.arange(post.shape[0]),
    }
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update(attributes)
        for name, values in axes.items():
            file[name] = values
            file[name].make_scale(name)
        for name, values in variables.items():
            file[name] = values
            for position, axis in enumerate(axes):
                file[name].dims[position].attach_scale(file[axis])
    return buffer.getvalue()


def write_gvlm(
    folder: Path,
    shape: tuple[int, int] = (600, 1100),
    places: Sequence[str] = ("Askja_Iceland", "Kaikoura_New Zealand"),
) -> Path:
    """GVLM as it is unpacked, with places of one shape; the mask of each has 10,000 px."""
    random = np.random.default_rng(0)
    for place in places:
        for name in ("im1", "im2"):
            write_raster(folder / place / f"{name}.png", random.integers(0, 255, (3, *shape), np.uint8))
        slides = np.zeros(shape, np.uint8)
        slides[:100, :100] = 255
        write_raster(folder / place / "ref.png", slides)
    return folder
