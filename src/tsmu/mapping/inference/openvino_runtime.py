"""OpenVINO as everything here takes it: it tells its makers nothing over the network, and has one core."""

import sys
from functools import cache

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # without this module it does not, nor does NNCF

import openvino  # noqa: E402 - after that

__all__ = ["core", "openvino"]


@cache
def core() -> openvino.Core:
    """Give the process's core, which is never let go.

    The plugin of each core gives its thread a stack for signals, and takes it away when it goes. Two that do
    not go in reverse order, or one that goes in another thread, leave the thread without: the next signal with
    a handler (a loader's end, Ctrl-C) then kills the process.
    """
    return openvino.Core()
