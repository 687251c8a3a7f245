"""Probabilities that mean what they say."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.update.networks import chips_of, fresh
from tsmu.evaluate.predict import predict_chips
from tsmu.update.calibration import BINS, LARGEST, calibrate, likeliest_temperature
from tsmu.update.finetune import FineTuning
from tsmu.update.training import TrainingSettings, learn_region


@given(temperature=st.floats(0.3, 8.0), spread=st.floats(1.0, 3.0))
def test_the_temperature_that_spoiled_the_logits_is_found(temperature: float, spread: float) -> None:
    edges = np.linspace(-LARGEST, LARGEST, BINS + 1)
    logit = (edges[:-1] + edges[1:]) / 2
    pixels = 1e6 * np.exp(-0.5 * (logit / temperature / spread) ** 2)
    right = 1 / (1 + np.exp(-logit / temperature))
    assert likeliest_temperature(pixels * right, pixels * (1 - right)) == pytest.approx(temperature, rel=0.02)


def test_overconfidence_is_taken_back_and_no_pixel_changes_sides(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright)
    learn_region(network, "bright", bright, FineTuning(), TrainingSettings(30, 4, 0))
    calibrate(network, "bright", bright)
    assert calibrate(network, "bright", bright) == pytest.approx(1, abs=0.02)
    with torch.no_grad():
        for weights in network.decoder("bright").unet.head.parameters():
            weights *= 4
    sides = [probability > 0.5 for probability, _ in predict_chips(network, "bright", bright)]
    assert calibrate(network, "bright", bright) == pytest.approx(4, rel=0.05)
    for was, (probability, _) in zip(sides, predict_chips(network, "bright", bright), strict=True):
        assert np.array_equal(was, probability > 0.5)


def test_without_landslides_nothing_is_chosen(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright)
    network.add_decoder("bright")
    head = [weights.clone() for weights in network.decoder("bright").unet.head.parameters()]
    assert calibrate(network, "bright", bright.iloc[:0]) is None
    assert all(map(torch.equal, head, network.decoder("bright").unet.head.parameters()))
