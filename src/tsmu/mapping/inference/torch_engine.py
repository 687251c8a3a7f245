"""The reference engine, and the one for CUDA: the bundle's network in torch."""

import numpy as np
import numpy.typing as npt
import torch

from tsmu.mapping.inference.engine import Answer, Engine
from tsmu.model.bundle import Bundle


def torch_engine(bundle: Bundle, decoder: str, *, precision: str = "float32", reason: str = "asked for") -> Engine:
    """The network on the accelerator torch finds, else on the CPU.

    Args:
        bundle: whose network.
        decoder: whose answers.
        precision: `float32`, or `bfloat16` for the convolutions; logits are float32 in either case.
        reason: why this engine was taken.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = bundle.network().to(device).to(memory_format=torch.channels_last)
    mixed = precision == "bfloat16"

    @torch.inference_mode()
    def begin(tiles: npt.NDArray[np.float32]) -> Answer:
        images = torch.from_numpy(tiles)
        if device == "cuda":
            images = images.pin_memory().to(device, non_blocking=True)
        with torch.autocast(device, torch.bfloat16, enabled=mixed):
            logits = network(images, [decoder])[decoder].float()
        return lambda: np.asarray(logits.cpu().numpy())  # a GPU is still computing them when this is handed out

    return Engine(begin, f"{bundle.digest}/{decoder}", "torch", device, precision, reason)
