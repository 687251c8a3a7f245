"""Reading ready-made chips: each file is decoded once, and what its values tell is logged once for all files."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tsmu.chips.building.folder_files import ChipFiles
from tsmu.errors import ImageError
from tsmu.files import sha256
from tsmu.imagery import (
    Grid,
    Pixels,
    RasterInfo,
    Valid,
    check_same_scaling,
    check_undeclared_fill,
    describe_raster,
    open_stack,
    units_mismatch,
)
from tsmu.issues import IssueLog
from tsmu.labels import LANDSLIDE, UNKNOWN, MaskConvention, lacks_background
from tsmu.wording import counted

MIN_SIZE_PX = 16  # of less there is no texture to know a region by
SAMPLED_PIXELS = 1024  # of each pair, on which the units of pre and post are compared


class CommonRemarks:
    """What was concluded from the values of many files; each conclusion is logged once, with the number of files."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], list[Path]] = {}

    def add(self, path: Path, problem: str, action: str) -> None:
        """Note a conclusion about a file."""
        self._files.setdefault((problem, action), []).append(path)

    def report(self, log: IssueLog) -> None:
        """Write the conclusions into an issue log."""
        for (problem, action), files in self._files.items():
            more = f" (and {counted(len(files) - 1, 'more file')})" if len(files) > 1 else ""
            log.warning(files[0], problem + more, action)


class UnitSamples:
    """Some pixels of all chips' pre and post images, on which their units are compared."""

    def __init__(self) -> None:
        self._pre: list[Pixels] = []
        self._post: list[Pixels] = []

    def add(self, images: Sequence[Pixels], valid: Valid) -> None:
        """Take some valid pixels of a chip's images (C, H, W), pre first."""
        if len(images) < 2 or not valid.any():
            return
        step = max(1, int(valid.sum()) // SAMPLED_PIXELS)
        for samples, image in zip((self._pre, self._post), images, strict=True):
            samples.append(image[:, valid][:, ::step])

    def problem(self) -> str | None:
        """Say why the units seem to differ; None where nothing indicates it."""
        if len({len(part) for part in (*self._pre, *self._post)}) != 1:
            return None
        pre, post = (np.concatenate(samples, axis=1)[:, :, None] for samples in (self._pre, self._post))
        return units_mismatch(pre, post, np.ones(pre.shape[1:], bool))


class ChipReader:
    """Reads the chips of one folder.

    Args:
        convention: of the folder's masks.
        log: receives the issues of single chips.
    """

    def __init__(self, convention: MaskConvention, log: IssueLog) -> None:
        self._convention = convention
        self._log = log
        self._remarks, self._samples = CommonRemarks(), UnitSamples()

    def read(self, files: ChipFiles) -> dict[str, Any]:
        """Decode a chip's files and describe it; the pixels themselves are not kept.

        Returns:
            A row of the chips index without id, region, split, group and source.

        Raises:
            ImageError: a file is damaged, or the files do not fit each other.
        """
        post = describe_raster(files["images"])
        if min(post.width, post.height) < MIN_SIZE_PX:
            raise ImageError(
                f"{post.path}: {_size(post.width, post.height)}, a chip has to have {MIN_SIZE_PX} px at least"
            )
        images = ({"pre": describe_raster(files["pre"])} if "pre" in files else {}) | {"post": post}
        if "pre" in images:
            _check_size(images["pre"], post)
            check_same_scaling(images["pre"], post)
        valid = self._read_images([info.path for info in images.values()])
        known, landslide = self._read_mask(files, post, valid)
        digests = [sha256(images[role].path) for role in sorted(images)]
        return {
            "post": str(files["images"].resolve()),
            "pre": str(files["pre"].resolve()) if "pre" in files else None,
            "mask": str(files["masks"].resolve()),
            "mask_convention": self._convention.name,
            "col_off": 0,
            "row_off": 0,
            "width": post.width,
            "height": post.height,
            "bands": [f"{role}:{band}" for role, info in images.items() for band in info.bands],
            "pixel_size": post.pixel_size,
            "landslide_pixels": int(landslide.sum()),
            "known_pixels": int(known.sum()),
            "content": hashlib.sha256("".join(digests).encode()).hexdigest(),
            "geometry": Grid.from_raster(post).footprint if post.georeferenced and post.on_earth else None,
        }

    def report(self, folder: Path) -> None:
        """Log what was concluded from the values of all chips read."""
        self._remarks.report(self._log)
        problem = self._samples.problem()
        if problem:
            action = "used as they are; if their units differ, bring both to one, such as reflectance"
            self._log.warning(folder, problem, action)

    def _read_mask(self, files: ChipFiles, post: RasterInfo, valid: Valid) -> tuple[Valid, Valid]:
        """Read a chip's mask: its known pixels (H, W), and those of them that are landslides (H, W)."""
        mask = self._convention.read(files["masks"])
        if mask.shape != valid.shape:
            raise ImageError(
                f"{files['masks']}: {_size(mask.shape[1], mask.shape[0])}, its image is "
                f"{_size(post.width, post.height)}"
            )
        if lacks_background(mask):
            self._remarks.add(files["masks"], "all its known pixels are landslide", "used; the others are unknown")
        if not valid.any():
            raise ImageError(f"{files['images']}: has no valid pixel (all no-data, transparent or NaN)")
        invalid = int((~valid).sum())
        if invalid and post.dtype.startswith("float"):
            problem = counted(invalid, "pixel is NaN or no-data", "pixels are NaN or no-data")
            self._log.warning(files["images"], problem, "used; these pixels count as unknown")
        known = valid & (mask != UNKNOWN)
        return known, known & (mask == LANDSLIDE)

    def _read_images(self, paths: list[Path]) -> Valid:
        """Decode a chip's images, pre first, and note what their values tell; gives which pixels are valid in all."""
        with open_stack(paths) as readers:
            decoded = [reader.read() for reader in readers]
        for reader, (values, inside) in zip(readers, decoded, strict=True):
            path = Path(reader.path)
            for assumption in reader.info.assumptions:
                problem, _, action = assumption.partition(": ")
                self._remarks.add(path, problem, action)
            if reader.fill_pixel_count:
                problem = "holds a value that no image measures, such as -9999, and does not declare it as no data"
                self._remarks.add(path, problem, "used; these pixels count as unknown")
            if reader.assumed_nodata is not None and not inside.all():
                nodata = f"{reader.assumed_nodata:g}"
                problem = f"declares no no-data value; the other image of its pair declares {nodata}"
                self._remarks.add(path, problem, f"used; pixels that are {nodata} in all bands are unknown")
            check_undeclared_fill(path, reader.info, values, inside)
        valid: Valid = np.logical_and.reduce([inside for _, inside in decoded])
        self._samples.add([values for values, _ in decoded], valid)
        return valid


def log_chip_error(log: IssueLog, error: ImageError, files: Mapping[str, Path]) -> None:
    """Log an error of a chip under the file that its message begins with, or else under the image."""
    text = str(error)
    for path in files.values():
        if text.startswith(f"{path}: "):
            log.error(path, text.removeprefix(f"{path}: "))
            return
    log.error(files["images"], text)


def _check_size(info: RasterInfo, post: RasterInfo) -> None:
    if (info.width, info.height) != (post.width, post.height):
        raise ImageError(
            f"{info.path}: {_size(info.width, info.height)}, its post-event image is {_size(post.width, post.height)}"
        )


def _size(width: int, height: int) -> str:
    return f"{width} x {height} px"
