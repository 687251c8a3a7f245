"""Answers on chips: the same however many are asked at once."""

from pathlib import Path

import numpy as np
import pytest

from tests.update.networks import chips_of, fresh
from tsmu.evaluate import predict_chips, predictions


def test_large_chips_are_asked_one_by_one(monkeypatch: pytest.MonkeyPatch, bright_chips: Path) -> None:
    chips = chips_of(bright_chips, "bright")
    network = fresh(chips)
    network.add_decoder("bright")
    together = list(predict_chips(network, "bright", chips))
    monkeypatch.setattr(predictions, "BATCH_PIXELS", 1)
    asked: list[int] = []
    network.register_forward_pre_hook(lambda _, inputs: asked.append(len(inputs[0])))
    alone = list(predict_chips(network, "bright", chips))
    assert asked == [1] * len(chips)
    for (first, mask), (second, same) in zip(together, alone, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)
        np.testing.assert_array_equal(mask, same)
