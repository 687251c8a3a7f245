"""Whether a faster precision may be used: only where its landslide masks are those of float32."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
from rasterio.windows import Window

from tsmu.chips import IMAGE_ROLES
from tsmu.errors import ImageError
from tsmu.files import write_json
from tsmu.imagery import read_stack
from tsmu.mapping.arrays import Valid, Values
from tsmu.mapping.inference.engine import NETWORK_STRIDE, Engine
from tsmu.wording import counted

MIN_IOU = 0.995  # of the masks
CHIPS = 64


@dataclass(frozen=True)
class MaskAgreement:
    """How the masks of a precision agree with those of float32.

    Attributes:
        iou: intersection over union of both masks over all chips; None if both are empty.
        chips: number of chips compared.
        threshold: whole percent from which on a pixel is a landslide.
    """

    iou: float | None
    chips: int
    threshold: int

    @property
    def sufficient(self) -> bool:
        """Whether the precision may be used."""
        return self.iou is not None and self.iou >= MIN_IOU

    def __str__(self) -> str:
        """Describe the agreement in a few words."""
        chips = counted(self.chips, "chip")
        if self.iou is None:
            return f"no landslide in {chips} to compare masks on"
        return f"masks agree with float32 to IoU {self.iou:.4f} on {chips} ({MIN_IOU} is needed)"


def mask_agreement(
    fast: Engine, make_exact: Callable[[], Engine], chips: geopandas.GeoDataFrame, threshold: int, file: Path
) -> MaskAgreement:
    """Compare the masks of two engines on chips, once; the result is stored in a file and read from there.

    Args:
        fast: the engine of the faster precision.
        make_exact: loads the same network in float32, if it is needed.
        chips: rows of the chips index with absolute paths; those with landslides are compared first.
        threshold: whole percent from which on a pixel is a landslide.
        file: keeps the result, in the bundle's folder of the cache.
    """
    if file.exists():
        stored = MaskAgreement(**json.loads(file.read_text(encoding="utf-8")))
        if stored.threshold == threshold:
            return stored
    exact = make_exact()
    intersection = union = count = 0
    compared = chips.sort_values("landslide_pixels", ascending=False, kind="stable").head(CHIPS)
    for values, valid in chip_images(compared):
        first, second = (_mask(engine, values, valid, threshold) for engine in (fast, exact))
        intersection += int((first & second).sum())
        union += int((first | second).sum())
        count += 1
    agreement = MaskAgreement(intersection / union if union else None, count, threshold)
    write_json(file, vars(agreement))
    return agreement


def chip_images(chips: geopandas.GeoDataFrame) -> Iterator[tuple[Values, Valid]]:
    """Read the images of chips as a scene is read; chips whose files are missing are skipped.

    Yields:
        Raw values (C, H, W), NaN where a pixel has no data, and validity (H, W).
    """
    for chip in chips.to_dict("records"):
        window = Window(chip["col_off"], chip["row_off"], chip["width"], chip["height"])
        try:
            images, valid = read_stack([Path(path) for path in map(chip.get, IMAGE_ROLES) if path is not None], window)
        except ImageError:
            continue
        values = np.concatenate([part.astype(np.float32) for part in images])
        values[:, ~valid] = np.nan
        yield values, valid


def pad_to_stride(values: Values) -> Values:
    """Repeat the edge of an image (C, H, W) up to sides that a network takes."""
    _, height, width = values.shape
    return np.pad(values, ((0, 0), (0, -height % NETWORK_STRIDE), (0, -width % NETWORK_STRIDE)), mode="edge")


def _mask(engine: Engine, values: Values, valid: Valid, threshold: int) -> Valid:
    """Predict the landslide mask (H, W) of an image."""
    height, width = valid.shape
    probability = engine.probabilities(engine.predict(pad_to_stride(values)[None])[0, :height, :width])
    return np.asarray((np.floor(probability * 100 + 0.5) >= threshold) & valid)
