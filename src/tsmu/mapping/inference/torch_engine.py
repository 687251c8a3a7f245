"""The reference engine, and that of NVIDIA GPUs: the bundle's network in torch."""

import numpy as np
import torch

from tsmu.mapping.arrays import Values
from tsmu.mapping.inference.engine import Engine, PendingLogits
from tsmu.model import Bundle


def torch_engine(bundle: Bundle, decoder: str, *, precision: str = "float32", reason: str = "asked for") -> Engine:
    """Load a bundle's network on the accelerator that torch finds, otherwise on the CPU.

    Args:
        bundle: the model version.
        decoder: the name of the decoder.
        precision: `float32`, or `bfloat16` for the convolutions; logits are float32 in either case.
        reason: why this engine was chosen.

    Example:
        >>> engine = torch_engine(bundle, "alps")
        >>> engine.predict(np.zeros((1, 3, 64, 64), np.float32)).shape
        (1, 64, 64)
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = bundle.network().to(device).to(memory_format=torch.channels_last)
    mixed = precision == "bfloat16"

    @torch.inference_mode()
    def submit(tiles: Values) -> PendingLogits:
        images = torch.from_numpy(tiles)
        if device == "cuda":
            images = images.pin_memory().to(device, non_blocking=True)
        with torch.autocast(device, torch.bfloat16, enabled=mixed):
            logits = network(images, [decoder])[decoder].float()
        return lambda: np.asarray(logits.cpu().numpy())  # a GPU is still computing them when this is returned

    return Engine(submit, f"{bundle.digest}/{decoder}", "torch", device, precision, reason)
