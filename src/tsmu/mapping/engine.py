"""Engines: a bundle's decoder as a function from raw tiles to logits."""

import numpy as np
import numpy.typing as npt
import torch

from tsmu.mapping.mapper import Predict
from tsmu.model.bundle import Bundle


def torch_engine(bundle: Bundle, decoder: str) -> Predict:
    """Float32 on the accelerator torch finds, else on the CPU."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = bundle.network().to(device).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def predict(tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        logits = network(torch.from_numpy(tiles).to(device), [decoder])[decoder]
        return np.asarray(logits.float().cpu().numpy())

    return predict
