"""The layout of Bijie: PNG images in `landslide/` (with masks) and `non-landslide/` become one folder of chips."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from tsmu.public_data.layouts.chip_writer import find_folder
from tsmu.public_data.layouts.laid_out import LaidOut, ShowChips

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif")
SERIES = (("landslide", "ls"), ("non-landslide", "nls"))  # a folder, and the beginning of its chips' names


def lay_out(source: Path, out: Path, show: ShowChips) -> LaidOut:
    """Copy each image unchanged, and write its mask; images without landslides get a mask of zeros."""
    images = {name: find_folder(source, f"{name}/image") for name, _ in SERIES}
    files = {
        name: sorted(path for path in images[name].iterdir() if path.suffix.lower() in SUFFIXES) for name in images
    }
    laid_out, done = LaidOut(), 0
    for kind in ("images", "masks"):
        (out / kind).mkdir(parents=True, exist_ok=True)
    for name, series in SERIES:
        for image in files[name]:
            done += 1
            try:
                mask = _mask_of(image)
            except (OSError, UnidentifiedImageError):
                laid_out.left_out["images that cannot be read, or have no mask"] += 1
                continue
            if mask is None:
                laid_out.left_out["masks with more than two values, or of another size"] += 1
                continue
            shutil.copyfile(image, out / "images" / f"{series}_{image.name}")
            Image.fromarray(mask).save(out / "masks" / f"{series}_{image.stem}.png")
            laid_out.chips["."] += 1
            show(done, sum(map(len, files.values())))
    return laid_out


def _mask_of(image: Path) -> np.ndarray | None:
    """Read the mask of an image, (H, W): 0 background, 1 landslide.

    None if the mask has more than two values, or another size than the image.

    Raises:
        FileNotFoundError: the image has no mask.
    """
    with Image.open(image) as opened:
        width, height = opened.size
    if image.parents[1].name == "non-landslide":
        return np.zeros((height, width), np.uint8)
    path = next(path for path in _same_name(image.parents[1] / "mask", image.stem))
    with Image.open(path) as opened:
        values = np.asarray(opened.convert("L"))
    if len(np.unique(values)) > 2 or values.shape != (height, width):
        return None
    return (values > 0).astype(np.uint8)


def _same_name(folder: Path, stem: str) -> list[Path]:
    """The image files in a folder that have this name, with any of the endings.

    Raises:
        FileNotFoundError: no file has this name.
    """
    found = [path for suffix in SUFFIXES if (path := folder / f"{stem}{suffix}").exists()]
    if not found:
        raise FileNotFoundError(folder / stem)
    return found
