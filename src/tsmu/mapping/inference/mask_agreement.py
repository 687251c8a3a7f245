"""Whether a faster precision may be used: only where its masks are those of float32."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
from rasterio.windows import Window

from tsmu.chips.index import IMAGES
from tsmu.errors import ImageError
from tsmu.files import write_json
from tsmu.imagery.raster import Valid
from tsmu.imagery.together import read_together
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.scene.raster import Values

ENOUGH = 0.995  # IoU of the masks
CHIPS = 64
MULTIPLE = 32


@dataclass(frozen=True)
class Agreement:
    """How a precision's masks agree with those of float32.

    Attributes:
        iou: intersection over union of both masks over all chips; None if both are empty.
        chips: number of chips compared.
        threshold: whole percent at which the masks were cut.
    """

    iou: float | None
    chips: int
    threshold: int

    @property
    def holds(self) -> bool:
        """Whether the precision may be used."""
        return self.iou is not None and self.iou >= ENOUGH

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.iou is None:
            return f"no landslide in {self.chips} chips to compare masks on"
        return f"masks agree with float32 to IoU {self.iou:.4f} on {self.chips} chips ({ENOUGH} is needed)"


def agreement(
    fast: Engine, exact: Callable[[], Engine], chips: geopandas.GeoDataFrame, threshold: int, file: Path
) -> Agreement:
    """Compare two engines on chips, once; what came out is stored in `file` and read from there.

    Args:
        fast: the engine that would be used.
        exact: makes the same in float32, if it is needed.
        chips: rows of the chips index with absolute paths; those with landslides are taken first.
        threshold: whole percent at which the masks are cut.
        file: where the result is kept, in the cache of the bundle.
    """
    if file.exists():
        stored = Agreement(**json.loads(file.read_text(encoding="utf-8")))
        if stored.threshold == threshold:
            return stored
    engines = fast, exact()
    both = either = count = 0
    for values, valid in chip_images(chips.sort_values("landslide_pixels", ascending=False, kind="stable").head(CHIPS)):
        ours, theirs = (_mask(engine, values, valid, threshold) for engine in engines)
        both += int((ours & theirs).sum())
        either += int((ours | theirs).sum())
        count += 1
    found = Agreement(both / either if either else None, count, threshold)
    write_json(file, vars(found))
    return found


def chip_images(chips: geopandas.GeoDataFrame) -> Iterator[tuple[Values, Valid]]:
    """Read chips as a scene is read: raw values (C, H, W), NaN where invalid. Missing files are passed over."""
    for chip in chips.to_dict("records"):
        window = Window(chip["col_off"], chip["row_off"], chip["width"], chip["height"])
        try:
            images, valid = read_together([Path(path) for path in map(chip.get, IMAGES) if path is not None], window)
        except ImageError:
            continue
        values = np.concatenate([part.astype(np.float32) for part in images])
        values[:, ~valid] = np.nan
        yield values, valid


def _mask(engine: Engine, values: Values, valid: Valid, threshold: int) -> Valid:
    height, width = valid.shape
    probability = engine.probabilities(engine.predict(padded(values)[None])[0, :height, :width])
    return np.asarray((np.floor(probability * 100 + 0.5) >= threshold) & valid)


def padded(values: Values) -> Values:
    """Repeat the edge of an image (C, H, W) up to sides that a network takes."""
    _, height, width = values.shape
    return np.pad(values, ((0, 0), (0, -height % MULTIPLE), (0, -width % MULTIPLE)), mode="edge")
