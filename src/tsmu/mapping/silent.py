"""OpenVINO as it is imported everywhere here, and first here: else it tells its makers over the network."""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # without this module it does not, nor does NNCF

import openvino  # noqa: E402 - after that

__all__ = ["openvino"]
