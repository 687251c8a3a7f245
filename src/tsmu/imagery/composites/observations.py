"""What one scene shows of a tile: reflectances or backscatter where it is clear, in the type of the composite."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pystac

from tsmu.errors import FetchError
from tsmu.imagery.composites.band_names import Kind
from tsmu.imagery.composites.cloud_masks import CloudMask
from tsmu.imagery.composites.event_scenes import EventScene
from tsmu.imagery.rasters import Grid, Pixels, Valid
from tsmu.imagery.stac import SceneBand, SceneReader
from tsmu.issues import IssueLog

REFLECTANCE_UNITS = 10_000  # of the optical composites, per 1 of reflectance
MAX_REFLECTANCE = 65_534  # of the composites; 0 is no data
NOT_SEEN_OPTICAL = 65_535  # in a stack, where a scene shows nothing; sorts behind everything
MAX_MEDIAN_REFLECTANCE = 2.0  # a scene of floating-point values with a larger median does not hold reflectances
# Sentinel-2 scenes of this processing baseline on are stored with 1000 added, which some catalogues do not declare.
OFFSET_SINCE_BASELINE, BASELINE_OFFSET = 4.0, -0.1
UNITS_OF_16_BIT, UNITS_OF_8_BIT = 10_000, 255  # assumed to stand for a reflectance of 1 where no scale is declared


@dataclass(frozen=True)
class _Headers:
    bands: tuple[SceneBand, ...]
    mask: SceneBand | None


@dataclass(frozen=True)
class Observation:
    """What a scene shows of a tile.

    Attributes:
        values: (C, H, W) in the type of the composite; 65535 or NaN where it shows nothing.
        clear: where it shows something that counts, (H, W).
        is_resampled: whether it lies in another CRS than the tile.
    """

    values: Pixels
    clear: Valid
    is_resampled: bool


class ObservationReader:
    """Reads the clear pixels of scenes; several threads may use it.

    Args:
        kind: optical or radar.
        cloud_mask: by which pixels are clear; None takes all that have data.
        collection: how messages call the scenes.
        log: takes what is assumed of values, once.

    Attributes:
        assumptions: what the scenes do not declare -> what is assumed.
    """

    def __init__(self, kind: Kind, cloud_mask: CloudMask | None, collection: str, log: IssueLog) -> None:
        self.kind = kind
        self._cloud_mask = cloud_mask
        self._collection, self._log = collection, log
        self._headers: dict[str, _Headers] = {}
        self.assumptions: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def dtype(self) -> type[np.uint16] | type[np.float32]:
        """The type of the composites."""
        return np.uint16 if self.kind == "optical" else np.float32

    @property
    def not_seen(self) -> float:
        """What stands in an observation where it shows nothing."""
        return NOT_SEEN_OPTICAL if self.kind == "optical" else np.nan

    def bands(self, scene: EventScene) -> tuple[SceneBand, ...]:
        """The headers of a scene's bands.

        Raises:
            SceneError: they cannot be read.
        """
        return self._read_headers(scene).bands

    def read(self, scene: EventScene, grid: Grid, needed: Valid) -> Observation | None:
        """Read what a scene shows clear of a tile.

        Args:
            scene: the scene.
            grid: of the tile.
            needed: which of its pixels count, (H, W).

        Returns:
            None where nothing that counts is clear. Bands are transferred only where the mask has something clear.

        Raises:
            SceneError: the scene cannot be read.
            FetchError: its values cannot be what they are taken for.
        """
        headers = self._read_headers(scene)
        clear = needed
        if headers.mask is not None and self._cloud_mask is not None:
            clear = needed & self._clear(scene, headers.mask, grid)
            if not clear.any():
                return None
        pixels = SceneReader(scene.assets).pixels(scene.item, headers.bands, grid)
        values, seen = self._in_composite_type(scene, pixels, headers.bands, clear)
        clear = clear & seen
        if not clear.any():
            return None
        values[:, ~clear] = self.not_seen
        return Observation(values, clear, headers.bands[0].crs != grid.crs.to_string())

    def _clear(self, scene: EventScene, band: SceneBand, grid: Grid) -> Valid:
        """Which pixels the cloud mask calls clear; what lies outside a mask that declares no no-data is not."""
        assert scene.mask is not None and self._cloud_mask is not None
        if np.dtype(band.dtype).kind not in "ui":
            raise FetchError(
                f"--cloud-mask {self._cloud_mask}: asset {scene.mask} of {scene.item.id} has no whole numbers, but "
                f"{band.dtype}; name another"
            )
        outside = None if band.nodata is not None else int(np.iinfo(band.dtype).max)
        declared = band if outside is None else replace(band, nodata=outside)
        (classes,) = SceneReader((scene.mask,)).classes(scene.item, [declared], grid)
        clear = self._cloud_mask.clear(classes)
        return clear if outside is None else clear & (classes != outside)

    def _read_headers(self, scene: EventScene) -> _Headers:
        if scene.item.id not in self._headers:
            bands = [self._with_units(scene.item, band) for band in SceneReader(scene.assets).bands(scene.item)]
            mask = SceneReader((scene.mask,)).bands(scene.item)[0] if scene.mask else None
            self._headers[scene.item.id] = _Headers(tuple(bands), mask)
        return self._headers[scene.item.id]

    def _with_units(self, item: pystac.Item, band: SceneBand) -> SceneBand:
        """The header with what it does not declare: no-data of whole numbers, and how they become reflectances."""
        kind = np.dtype(band.dtype).kind
        if band.nodata is None and kind in "ui":
            self.assume("its bands declare no no-data value", "0 taken as no data")
            band = replace(band, nodata=0.0)
        if self.kind == "radar" or kind not in "ui" or (band.scale, band.offset) != (1.0, 0.0):
            return band
        scale, offset, words = _assumed_scaling(item.properties, band.dtype)
        self.assume("its bands declare neither scale nor offset", words)
        return replace(band, scale=scale, offset=offset)

    def assume(self, problem: str, action: str) -> None:
        """Log what is assumed of a scene's values, once for each kind of assumption."""
        with self._lock:
            if problem not in self.assumptions:
                self.assumptions[problem] = action
                self._log.warning(self._collection, problem, action)

    def _in_composite_type(
        self, scene: EventScene, pixels: Pixels, bands: tuple[SceneBand, ...], clear: Valid
    ) -> tuple[Pixels, Valid]:
        """Convert pixels to the type of the composite.

        Args:
            scene: the scene that they are from, for messages.
            pixels: (C, H, W), reflectances or backscatter in linear power; NaN where there is no data.
            bands: the headers of its bands.
            clear: (H, W), the pixels that count; the values of these are checked.

        Returns:
            (C, H, W): whole numbers of 1/10,000 of reflectance, or backscatter; and which pixels have data, (H, W).

        Raises:
            FetchError: the values are no reflectances, or decibels.
        """
        with np.errstate(invalid="ignore"):
            known: Valid = np.asarray(np.isfinite(pixels).all(axis=0))
            if self.kind == "radar":
                self._check_power(scene, pixels, clear & known)
                return pixels.astype(np.float32), known & np.all(pixels > 0, axis=0)
            self._check_reflectance(scene, pixels, bands, clear & known)
            stored = np.empty(pixels.shape, np.uint16)
            for units, reflectance in zip(stored, pixels, strict=True):  # band by band, which takes less memory
                rounded = np.rint(reflectance * np.float32(REFLECTANCE_UNITS)).clip(1, MAX_REFLECTANCE)
                units[...] = np.where(known, rounded, NOT_SEEN_OPTICAL)
            return stored, known

    def _check_reflectance(
        self, scene: EventScene, pixels: Pixels, bands: tuple[SceneBand, ...], counted: Valid
    ) -> None:
        floating = np.dtype(bands[0].dtype).kind == "f"
        if floating and counted.any() and float(np.median(pixels[:, counted])) > MAX_MEDIAN_REFLECTANCE:
            middle = float(np.median(pixels[:, counted]))
            raise FetchError(
                f"{self._collection}: values of {scene.item.id} are no reflectances (half of them above {middle:.0f}), "
                "and the catalogue gives no scale; name another collection"
            )

    def _check_power(self, scene: EventScene, pixels: Pixels, counted: Valid) -> None:
        if counted.any() and float(np.median(pixels[0, counted])) < 0:
            raise FetchError(
                f"{self._collection}: values of {scene.item.id} are below 0, as decibels are; give a collection of "
                "linear power, such as sentinel-1-rtc"
            )


def _assumed_scaling(properties: Mapping[str, Any], dtype: str) -> tuple[float, float, str]:
    """Scale and offset of whole numbers that declare none, and what is assumed, in words."""
    baseline = properties.get("s2:processing_baseline")
    if baseline is not None:
        offset = BASELINE_OFFSET if _number(baseline) >= OFFSET_SINCE_BASELINE else 0.0
        words = "taken as Sentinel-2's reflectance x 10,000, with 1,000 added since processing baseline 04.00"
        return 1 / UNITS_OF_16_BIT, offset, words
    if np.dtype(dtype).itemsize == 1:
        return 1 / UNITS_OF_8_BIT, 0.0, f"values up to {UNITS_OF_8_BIT} taken as reflectances up to 1"
    return 1 / UNITS_OF_16_BIT, 0.0, "taken as reflectance x 10,000"


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return 0.0
