"""The optimiser moves weights as PyTorch's AdamW does, whatever the layout and the shape of kernels."""

import copy

import torch

from tests.networks import random_network
from tsmu.update.training.optimizer import WEIGHT_DECAY, Optimizer


def test_weights_move_as_by_adamw() -> None:
    network = random_network([110.0] * 3, [30.0] * 3)
    network.add_decoder("alps", with_adapters=True)
    network.to(memory_format=torch.channels_last)
    assert any(weight.shape[1:] == (3, 3, 3) for weight in network.parameters())  # of one shape in both layouts
    reference = copy.deepcopy(network)
    adamw = torch.optim.AdamW(reference.parameters(), lr=1e-2, weight_decay=WEIGHT_DECAY)
    optimizer = Optimizer(network)
    for _ in range(3):
        for weight, same in zip(network.parameters(), reference.parameters(), strict=True):
            same.grad = torch.randn(same.shape)  # not in the weight's layout, which PyTorch does not promise
            weight.grad = same.grad.clone()
        optimizer.step(lambda _: 1e-2)
        adamw.step()
    for weight, same in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(weight, same)
