"""Read ready-made chips. Each file is decoded once; findings about pixel values are logged once for all files."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.warp import transform as transform_points

from tsmu.chips.building.folder_files import ChipFiles
from tsmu.errors import ImageError
from tsmu.files import sha256
from tsmu.imagery import (
    Grid,
    Pixels,
    RasterInfo,
    UniformFill,
    Valid,
    check_same_scaling,
    check_undeclared_fill,
    describe_raster,
    find_uniform_fill,
    open_stack,
    units_mismatch,
)
from tsmu.issues import IssueLog
from tsmu.labels import (
    BACKGROUND,
    EXCHANGED,
    LANDSLIDE,
    MOSTLY_LANDSLIDE,
    UNKNOWN,
    Mask,
    MaskConvention,
    lacks_background,
)
from tsmu.wording import counted

MIN_SIZE_PX = 16  # smallest side of a chip: in fewer pixels there is no texture to tell a region by
MAX_OFFSET_PX = 1.0  # how far a mask may lie from its image by the georeferences of both
# A group of chips that is so many times as bright as the others is taken to have another unit: of chips of one sensor
# and place single ones are rarely so much brighter, and a group of them never.
UNIT_FACTOR = 8.0
MIN_OTHER_UNIT = 0.05  # share of all chips that such a group must have
SAMPLED_PIXELS = 1024  # pixels of each pair on which the units of the images before and after are compared


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


class FolderValues:
    """What the values of all chips of a folder show together.

    Attributes:
        known, landslide: pixels of all masks.
        only_255: masks with 0 and 255 alone, where 255 was read as unknown.
        with_one_and_255: whether any mask has landslides beside pixels of 255.
        brightest: the 98th percentile of the absolute values of each chip's post image; 8-bit images are left out.
        uniform: the images in which many pixels have a value that may mean no data.
    """

    def __init__(self) -> None:
        self.known = self.landslide = 0
        self.only_255: list[Path] = []
        self.with_one_and_255 = False
        self.brightest: list[float] = []
        self.uniform: list[tuple[Path, UniformFill]] = []

    def add_mask(self, path: Path, mask: Mask, convention: MaskConvention) -> None:
        """Count a mask (H, W)."""
        landslide, unknown = bool((mask == LANDSLIDE).any()), bool((mask == UNKNOWN).any())
        if UNKNOWN in (value for _, value in convention.levels):
            self.with_one_and_255 |= landslide and unknown
            if unknown and not landslide:
                self.only_255.append(path)
        self.known += int((mask != UNKNOWN).sum())
        self.landslide += int((mask == LANDSLIDE).sum())

    def add_image(self, values: Pixels, valid: Valid) -> None:
        """Note how far the values (C, H, W) of a chip reach."""
        if values.dtype != np.uint8 and valid.any():
            self.brightest.append(float(np.percentile(np.abs(values[:, valid]), 98)))

    def problems(self) -> list[tuple[str, str]]:
        """What is doubtful about the masks or the images: a problem and an action for the issue log each."""
        found = []
        if self.known and (share := self.landslide / self.known) > MOSTLY_LANDSLIDE:
            found.append((f"landslides cover {share:.0%} of the masks' known pixels", EXCHANGED))
        if self.only_255 and self.landslide and not self.with_one_and_255:
            masks = counted(len(self.only_255), "mask has 0 and 255 alone", "masks have 0 and 255 alone")
            problem = f"{masks} ({self.only_255[0].name}), where others have 0 and 1"
            found.append((problem, "255 read as unknown; write 1 there if it is landslide"))
        for value in sorted({filled.value for _, filled in self.uniform}):
            images = [(filled.share, path.name, filled) for path, filled in self.uniform if filled.value == value]
            share, name, filled = max(images, key=lambda image: image[0])
            many = counted(len(images), "image has", "images have")
            problem = f"{many} many known pixels that are {value} in all bands, up to {share:.0%} of {name}"
            found.append((problem, filled.action))
        if groups := self._two_units():
            problem = "the values of {} reach about {:.3g}, those of the others {:.3g}".format(*groups)
            found.append((problem, "used as they are; if their units differ, bring all to one, such as reflectance"))
        return found

    def _two_units(self) -> tuple[str, float, float] | None:
        """Divide the chips at the largest step in brightness, if it is so large that their units seem to differ.

        Returns:
            The number of chips in the smaller group, in words, and the median of `brightest` in the smaller and in the
            larger group; None where the units seem to be the same.
        """
        brightness = np.sort([value for value in self.brightest if value > 0])
        if len(brightness) < 2:
            return None
        step = int(np.argmax(brightness[1:] / brightness[:-1])) + 1
        smaller = min(step, len(brightness) - step)
        if brightness[step] < UNIT_FACTOR * brightness[step - 1] or smaller < max(2, MIN_OTHER_UNIT * len(brightness)):
            return None
        groups = sorted((brightness[:step], brightness[step:]), key=len)
        return counted(smaller, "chip"), float(np.median(groups[0])), float(np.median(groups[1]))


class ChipReader:
    """Reads the chips of one folder.

    Args:
        convention: of the folder's masks.
        log: receives the issues of single chips.
    """

    def __init__(self, convention: MaskConvention, log: IssueLog) -> None:
        self._convention = convention
        self._log = log
        self._remarks, self._samples, self._folder = CommonRemarks(), UnitSamples(), FolderValues()

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
        for problem, action in self._folder.problems():
            self._log.warning(folder, problem, action)

    def _read_mask(self, files: ChipFiles, post: RasterInfo, valid: Valid) -> tuple[Valid, Valid]:
        """Read a chip's mask: its known pixels (H, W), and those of them that are landslides (H, W)."""
        mask = self._convention.read(files["masks"])
        if mask.shape != valid.shape:
            raise ImageError(
                f"{files['masks']}: {_size(mask.shape[1], mask.shape[0])}, its image is "
                f"{_size(post.width, post.height)}"
            )
        own = describe_raster(files["masks"])
        _check_place(own, post)
        if own.nodata == BACKGROUND:
            self._remarks.add(files["masks"], "declares 0 as no data", "0 read as background")
        self._folder.add_mask(files["masks"], mask, self._convention)
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
            if filled := find_uniform_fill(values, inside, reader.info.dtype):
                self._folder.uniform.append((path, filled))
        valid: Valid = np.logical_and.reduce([inside for _, inside in decoded])
        self._samples.add([values for values, _ in decoded], valid)
        self._folder.add_image(*decoded[-1])
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


def _check_place(mask: RasterInfo, post: RasterInfo) -> None:
    """Refuse a mask that, by the georeference in its file, lies elsewhere than its image.

    A mask's pixels are read as those of the image at the same row and column, so its corners must be the image's
    corners, whatever the CRS of either file.

    Raises:
        ImageError: a corner of the mask lies more than `MAX_OFFSET_PX` from the image's.
    """
    if not (mask.georeferenced and post.georeferenced):
        return
    corners = [(0, 0), (mask.width, 0), (0, mask.height), (mask.width, mask.height)]
    xs, ys = zip(*(mask.transform @ corner for corner in corners), strict=True)
    if mask.crs != post.crs:
        xs, ys = transform_points(mask.crs, post.crs, xs, ys)
    corners_in_image = [~post.transform @ place for place in zip(xs, ys, strict=True)]
    offset = max(math.dist(corner, place) for corner, place in zip(corners, corners_in_image, strict=True))
    if not offset <= MAX_OFFSET_PX:  # so written, it also refuses NaN, of places outside of the image's CRS
        raise ImageError(
            f"{mask.path}: lies up to {offset:.3g} px off its image by its georeference; cut it as the image was cut, "
            "or import image and mask as a pair: tsmu import pairs, tsmu import labels"
        )


def _size(width: int, height: int) -> str:
    return f"{width} x {height} px"
