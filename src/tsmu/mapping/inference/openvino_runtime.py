"""OpenVINO as all of tsmu loads it: it reports nothing to its makers over the network, and has one core per process."""

import sys
from functools import cache

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # without this module neither it nor NNCF reports

import openvino  # noqa: E402 - after that

__all__ = ["core", "openvino"]


@cache
def core() -> openvino.Core:
    """Give the core of this process, which is never released.

    The plugin of each core gives its thread a stack for signals, and removes it when the core is released.
    Two cores that are not released in reverse order, or one that is released in another thread, leave the
    thread without a stack: the next signal with a handler (a loader's end, Ctrl-C) then kills the process.
    """
    return openvino.Core()
