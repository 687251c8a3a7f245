"""Which engine maps, on what device and in which precision, and why."""

import ctypes
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np

from tsmu.chips.index import read_index
from tsmu.errors import MapError
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.inference.mask_agreement import agreement, chip_images, padded
from tsmu.mapping.inference.openvino_model import CompileError
from tsmu.mapping.scene.raster import Values
from tsmu.model.bundle import Bundle
from tsmu.workspace_folder import WorkspaceFolder

ENGINES = ("auto", "openvino", "torch")
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
# A network in int8 takes a quarter of a minute to make and check, once; on two cores it saves that on so many pixels.
INT8_FROM = 100_000_000


def choose_engine(
    wanted: str, bundle: Bundle, region: str, space: WorkspaceFolder, precision: str = "auto", pixels: int = 0
) -> Engine:
    """Get the engine for a region of a bundle.

    `auto` takes torch where there is an NVIDIA GPU, otherwise OpenVINO, and torch on the CPU where
    OpenVINO cannot express the network. bfloat16 is taken where the device computes in it, int8 with
    OpenVINO for large scenes, and either only if its masks agree with float32's on chips of the
    workspace, which is checked once and stored in `cache/<digest of the bundle>/`. torch on the CPU is
    the reference and stays float32.

    Args:
        wanted: one of ENGINES.
        bundle: what maps.
        region: for which region.
        space: whose chips show how precisions agree.
        precision: one of PRECISIONS.
        pixels: of the scene, times the views in which it is looked at.

    Raises:
        MapError: OpenVINO was asked for and cannot express the network, or the precision that was asked
            for is not the engine's or the device's, or does not agree.
    """
    if wanted == "torch" or (wanted == "auto" and gpus()):
        return _torch(bundle, region, space, precision, f"{gpus()} NVIDIA GPU" if gpus() else "asked for")
    try:
        return _openvino(bundle, region, space, precision, pixels, "no GPU here" if wanted == "auto" else "asked for")
    except CompileError as error:
        if wanted == "openvino":
            raise
        return _torch(bundle, region, space, precision, str(error))


def gpus() -> int:
    """Count the NVIDIA GPUs as the driver does; asking torch would load it."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


def _openvino(bundle: Bundle, region: str, space: WorkspaceFolder, precision: str, pixels: int, why: str) -> Engine:
    from tsmu.mapping.inference.openvino_engine import cpu_has_bfloat16, openvino_engine

    decoder, bfloat16 = bundle.record.regions[region].decoder, cpu_has_bfloat16()
    faster = [*(["int8"] if pixels >= INT8_FROM else []), *(["bfloat16"] if bfloat16 else [])]
    why += "" if bfloat16 else "; this CPU has no bfloat16"

    def make(one: str) -> Engine:
        images = _seen(space, bundle, region) if one == "int8" else ()
        return openvino_engine(bundle, decoder, space.cache, precision=one, images=images)

    return _checked(make, _asked(precision, faster, ["int8", *faster], why), why, bundle, region, space)


def _torch(bundle: Bundle, region: str, space: WorkspaceFolder, precision: str, why: str) -> Engine:
    from tsmu.mapping.inference.torch_engine import torch_engine

    decoder = bundle.record.regions[region].decoder
    exact = torch_engine(bundle, decoder)
    faster = [] if exact.device == "cpu" else ["bfloat16"]  # as torch finds it: its build may be one without CUDA
    why += "" if faster else "; torch on the CPU is the reference"
    asked = _asked(precision, faster, faster, why)

    def make(one: str) -> Engine:
        return exact if one == "float32" else torch_engine(bundle, decoder, precision=one)

    return _checked(make, asked, why, bundle, region, space)


def _asked(precision: str, auto: Sequence[str], possible: Sequence[str], why: str) -> tuple[Sequence[str], bool]:
    """The precisions to try before float32, the fastest first, and whether one of them is a must."""
    if precision in ("auto", "float32"):
        return (auto if precision == "auto" else []), False
    if precision not in possible:
        raise MapError(f"precision {precision}: not to be had here ({why}); take --precision auto")
    return [precision], True


def _checked(
    make: Callable[[str], Engine],
    asked: tuple[Sequence[str], bool],
    why: str,
    bundle: Bundle,
    region: str,
    space: WorkspaceFolder,
) -> Engine:
    """The engine in the first of some precisions that is found to agree with float32, else in float32."""
    faster, must = asked
    if not faster:
        return replace(make("float32"), reason=why)
    chips, threshold = _chips(space, bundle, region), bundle.record.regions[region].threshold
    said = [why]
    for precision in faster if len(chips) else ():
        try:
            fast = make(precision)
        except CompileError as error:
            said.append(f"{precision}: {error}")
            continue
        found = agreement(fast, lambda: make("float32"), chips, threshold, _stored(space, bundle, fast, region))
        said.append(f"{precision}: {found}")
        if found.holds:
            return replace(fast, reason="; ".join(said))
    if not len(chips):
        said.append(f"no chips of {region} here to check {' or '.join(faster)} on")
    if must:
        raise MapError(f"precision {faster[0]}: cannot be taken ({'; '.join(said[1:])}); take --precision auto")
    return replace(make("float32"), reason="; ".join(said))


def _stored(space: WorkspaceFolder, bundle: Bundle, fast: Engine, region: str) -> Path:
    which = hashlib.sha256(repr(fast.identity).encode()).hexdigest()[:12]
    return space.cache / bundle.digest / fast.precision / f"{region}-{which}.json"


def _chips(space: WorkspaceFolder, bundle: Bundle, region: str) -> geopandas.GeoDataFrame:
    """The region's chips with the bundle's bands; those that were not trained on, if there are any."""
    chips = _of_region(space, bundle, region)
    unseen = chips[chips["split"].isin(("val", "test"))]
    return unseen if len(unseen) else chips


def _seen(space: WorkspaceFolder, bundle: Bundle, region: str) -> Iterator[Values]:
    """Images that the region was learned from, from all over it."""
    chips = _of_region(space, bundle, region)
    train = chips[chips["split"] == "train"] if (chips["split"] == "train").any() else chips
    shuffled = train.sample(frac=1, random_state=0)
    return (padded(values) for values, _ in chip_images(shuffled))


def _of_region(space: WorkspaceFolder, bundle: Bundle, region: str) -> geopandas.GeoDataFrame:
    chips = read_index(space)
    same = np.array([list(bands) == bundle.record.bands for bands in chips["bands"]], dtype=bool)
    return chips[(chips["region"] == region) & same]
