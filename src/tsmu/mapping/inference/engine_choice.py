"""Which engine maps a region, on which device and in which precision, and why."""

import ctypes
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas
import numpy as np

from tsmu.chips import read_index
from tsmu.errors import MapError
from tsmu.mapping.arrays import Values
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.inference.mask_agreement import chip_images, mask_agreement, pad_to_stride
from tsmu.mapping.inference.openvino_model import ModelConversionError
from tsmu.model import Bundle
from tsmu.wording import counted
from tsmu.workspace_folder import WorkspaceFolder

# Pixels of a scene from which on int8 is tried. To make and check a network in int8 takes a quarter of a minute, once;
# on two cores, mapping this many pixels in int8 instead saves as much time.
INT8_FROM = 100_000_000


def choose_engine(
    engine: str, bundle: Bundle, region: str, space: WorkspaceFolder, precision: str = "auto", pixels: int = 0
) -> Engine:
    """Load the engine that maps a region.

    `auto` takes torch where there is an NVIDIA GPU, otherwise OpenVINO, and torch on the CPU where
    OpenVINO cannot express the network. bfloat16 is used where the device computes in it, int8 with
    OpenVINO for large scenes, and either only if its masks agree with those of float32 on chips of the
    workspace; that is checked once and stored in `cache/<digest of the bundle>/`. torch on the CPU is
    the reference and stays float32.

    Args:
        engine: `auto`, `openvino` or `torch`.
        bundle: the model version that serves the region.
        region: the region.
        space: the workspace, on whose chips precisions are compared.
        precision: `auto`, `float32`, `bfloat16` or `int8`.
        pixels: of the scene, times the number of transforms of test-time augmentation.

    Raises:
        MapError: the engine asked for cannot express the network; or the precision asked for is not
            available with the engine or the device, or its masks do not agree.

    Example:
        >>> engine = choose_engine("torch", bundle, "alps", space, precision="float32")
        >>> engine.name, engine.precision, engine.reason
        ('torch', 'float32', 'asked for; torch on the CPU is the reference')
    """
    model = _RegionModel(bundle, region, space)
    gpus = count_gpus() if engine in ("torch", "auto") else 0
    if engine == "torch" or (engine == "auto" and gpus):
        return _torch(model, precision, counted(gpus, "NVIDIA GPU") if gpus else "asked for")
    try:
        return _openvino(model, precision, pixels, "no GPU here" if engine == "auto" else "asked for")
    except ModelConversionError as error:
        if engine == "openvino":
            raise
        return _torch(model, precision, str(error))


def count_gpus() -> int:
    """Count the NVIDIA GPUs by asking the driver; asking torch would load it."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


@dataclass(frozen=True)
class _RegionModel:
    """The model version that serves a region, and the workspace whose chips test it."""

    bundle: Bundle
    region: str
    space: WorkspaceFolder

    @property
    def decoder(self) -> str:
        return self.bundle.record.regions[self.region].decoder

    @property
    def threshold(self) -> int:
        return self.bundle.record.regions[self.region].threshold

    def chips(self) -> geopandas.GeoDataFrame:
        """The region's chips that have the bundle's bands."""
        chips = read_index(self.space)
        same_bands = np.array([list(bands) == self.bundle.record.bands for bands in chips["bands"]], dtype=bool)
        return chips[(chips["region"] == self.region) & same_bands]

    def test_chips(self) -> geopandas.GeoDataFrame:
        """Those among them that the model was not trained on, if there are any; otherwise all."""
        chips = self.chips()
        unseen = chips[chips["split"].isin(("val", "test"))]
        return unseen if len(unseen) else chips

    def training_images(self) -> Iterator[Values]:
        """Images of training chips from all over the region, padded: (C, H, W)."""
        chips = self.chips()
        train = chips[chips["split"] == "train"] if (chips["split"] == "train").any() else chips
        shuffled = train.sample(frac=1, random_state=0)
        return (pad_to_stride(values) for values, _ in chip_images(shuffled))

    def agreement_file(self, fast: Engine) -> Path:
        """Where the cache keeps how the masks of an engine agree with those of float32."""
        identity = hashlib.sha256(repr(fast.identity).encode()).hexdigest()[:12]
        return self.space.cache / self.bundle.digest / fast.precision / f"{self.region}-{identity}.json"


def _openvino(model: _RegionModel, precision: str, pixels: int, reason: str) -> Engine:
    """Load the OpenVINO engine in the precision asked for or found best."""
    from tsmu.mapping.inference.openvino_engine import cpu_has_bfloat16, openvino_engine

    bfloat16 = cpu_has_bfloat16()
    faster = [*(["int8"] if pixels >= INT8_FROM else []), *(["bfloat16"] if bfloat16 else [])]
    reason += "" if bfloat16 else "; this CPU has no bfloat16"

    def load(name: str) -> Engine:
        images = model.training_images() if name == "int8" else ()
        return openvino_engine(model.bundle, model.decoder, model.space.cache, precision=name, images=images)

    return _in_precision(load, _candidates(precision, faster, ["int8", *faster], reason), reason, model)


def _torch(model: _RegionModel, precision: str, reason: str) -> Engine:
    """Load the torch engine in the precision asked for or found best."""
    from tsmu.mapping.inference.torch_engine import torch_engine

    exact = torch_engine(model.bundle, model.decoder)
    faster = [] if exact.device == "cpu" else ["bfloat16"]  # torch decides: its build may be one without CUDA
    reason += "" if faster else "; torch on the CPU is the reference"

    def load(name: str) -> Engine:
        return exact if name == "float32" else torch_engine(model.bundle, model.decoder, precision=name)

    return _in_precision(load, _candidates(precision, faster, faster, reason), reason, model)


def _candidates(
    precision: str, faster: Sequence[str], available: Sequence[str], reason: str
) -> tuple[Sequence[str], bool]:
    """Give the precisions to try before float32, the fastest first, and whether one of them is required."""
    if precision in ("auto", "float32"):
        return (faster if precision == "auto" else []), False
    if precision not in available:
        raise MapError(f"precision {precision}: not available here ({reason}); use --precision auto")
    return [precision], True


def _in_precision(
    load: Callable[[str], Engine], candidates: tuple[Sequence[str], bool], reason: str, model: _RegionModel
) -> Engine:
    """Load the engine in the first precision whose masks agree with those of float32, otherwise in float32.

    Args:
        load: loads the engine in a precision.
        candidates: as `_candidates` gives them.
        reason: why this engine.
        model: the region's model version, and the chips to compare on.

    Raises:
        MapError: a precision is required and cannot be used.
    """
    precisions, required = candidates
    if not precisions:
        return replace(load("float32"), reason=reason)
    chips = model.test_chips()
    reasons = [reason]
    for precision in precisions if len(chips) else ():
        try:
            fast = load(precision)
        except ModelConversionError as error:
            reasons.append(f"{precision}: {error}")
            continue
        file = model.agreement_file(fast)
        agreement = mask_agreement(fast, lambda: load("float32"), chips, model.threshold, file)
        reasons.append(f"{precision}: {agreement}")
        if agreement.sufficient:
            return replace(fast, reason="; ".join(reasons))
    if not len(chips):
        reasons.append(f"no chips of {model.region} here to check {' or '.join(precisions)} on")
    if required:
        raise MapError(f"precision {precisions[0]}: cannot be used ({'; '.join(reasons[1:])}); use --precision auto")
    return replace(load("float32"), reason="; ".join(reasons))
