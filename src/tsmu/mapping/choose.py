"""Which engine maps, on what device and in which precision, and why."""

import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np

from tsmu.chips.index import read_index
from tsmu.mapping.agreement import agreement
from tsmu.mapping.compiled import CompileError
from tsmu.mapping.engine import Engine
from tsmu.model.bundle import Bundle
from tsmu.workspace import Workspace

ENGINES = ("auto", "openvino", "torch")


def choose_engine(wanted: str, bundle: Bundle, region: str, space: Workspace) -> Engine:
    """Get the engine for a region of a bundle.

    `auto` takes torch where there is an NVIDIA GPU, otherwise OpenVINO, and torch on the CPU where
    OpenVINO cannot express the network. bfloat16 is taken where the device computes in it and its
    masks agree with float32 on chips of the workspace, which is checked once and stored in
    `cache/<digest of the bundle>/`. torch on the CPU is the reference and stays float32.

    Raises:
        MapError: OpenVINO was asked for and cannot express the network.
    """
    if wanted == "torch" or (wanted == "auto" and gpus()):
        return _torch(bundle, region, space, f"{gpus()} NVIDIA GPU" if gpus() else "asked for")
    try:
        return _openvino(bundle, region, space, "no GPU here" if wanted == "auto" else "asked for")
    except CompileError as error:
        if wanted == "openvino":
            raise
        return _torch(bundle, region, space, str(error))


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


def _openvino(bundle: Bundle, region: str, space: Workspace, why: str) -> Engine:
    from tsmu.mapping.openvino_engine import cpu_has_bfloat16, openvino_engine

    decoder = bundle.record.regions[region].decoder
    if not cpu_has_bfloat16():
        return openvino_engine(bundle, decoder, space.cache, reason=f"{why}; this CPU has no bfloat16")
    return _checked(
        lambda precision: openvino_engine(bundle, decoder, space.cache, precision=precision), why, bundle, region, space
    )


def _torch(bundle: Bundle, region: str, space: Workspace, why: str) -> Engine:
    from tsmu.mapping.torch_engine import torch_engine

    decoder = bundle.record.regions[region].decoder
    exact = torch_engine(bundle, decoder, reason=f"{why}; torch on the CPU is the reference")
    if exact.device == "cpu":
        return exact
    return _checked(lambda precision: torch_engine(bundle, decoder, precision=precision), why, bundle, region, space)


def _checked(make: Callable[[str], Engine], why: str, bundle: Bundle, region: str, space: Workspace) -> Engine:
    """The engine in bfloat16 if that was found to agree with float32, else in float32."""
    fast = make("bfloat16")
    chips = _chips(space, bundle, region)
    if not len(chips):
        return replace(make("float32"), reason=f"{why}; no chips of {region} here to check bfloat16 on")
    threshold = bundle.record.regions[region].threshold
    file = _stored(space, bundle, f"{fast.name}-{fast.device}-{region}.json")
    found = agreement(fast, lambda: make("float32"), chips, threshold, file)
    return replace(fast if found.holds else make("float32"), reason=f"{why}; bfloat16: {found}")


def _stored(space: Workspace, bundle: Bundle, name: str) -> Path:
    return space.cache / bundle.digest / "bfloat16" / name


def _chips(space: Workspace, bundle: Bundle, region: str) -> geopandas.GeoDataFrame:
    """The region's chips with the bundle's bands; those that were not trained on, if there are any."""
    chips = read_index(space)
    same = np.array([list(bands) == bundle.record.bands for bands in chips["bands"]], dtype=bool)
    chips = chips[(chips["region"] == region) & same]
    unseen = chips[chips["split"].isin(("val", "test"))]
    return unseen if len(unseen) else chips
