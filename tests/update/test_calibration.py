"""Probabilities that mean what they say."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import write_chips
from tests.update.networks import chips_of, fresh
from tsmu.evaluate import predict_chips, predict_logits
from tsmu.update import calibrate
from tsmu.update.calibration import BINS, MAX_LOGIT, best_temperature


@given(temperature=st.floats(0.3, 8.0), spread=st.floats(1.0, 3.0))
def test_the_temperature_that_spoiled_the_logits_is_found(temperature: float, spread: float) -> None:
    edges = np.linspace(-MAX_LOGIT, MAX_LOGIT, BINS + 1)
    logit = (edges[:-1] + edges[1:]) / 2
    pixels = 1e6 * np.exp(-0.5 * (logit / temperature / spread) ** 2)
    right = 1 / (1 + np.exp(-logit / temperature))
    assert best_temperature(pixels * right, pixels * (1 - right)) == pytest.approx(temperature, rel=0.02)


def test_overconfidence_is_taken_back_and_no_pixel_changes_sides(tmp_path: Path) -> None:
    """The labels are drawn by the network's own probabilities, which are therefore right."""
    folder = write_chips(tmp_path / "chips")
    chips = chips_of(folder, "bright")
    network = fresh(chips)
    network.add_decoder("bright")
    head = network.decoder("bright").unet.head
    with torch.no_grad():
        logits = np.concatenate([logits for logits, _ in predict_logits(network, "bright", chips)])
        head[0].bias -= float(np.median(logits))
        for weights in head.parameters():
            weights *= 2 / logits.std()
    draw = np.random.default_rng(0)
    for path, (probability, _) in zip(chips["mask"], predict_chips(network, "bright", chips), strict=True):
        Image.fromarray(255 * (draw.random(probability.shape) < probability).astype(np.uint8)).save(path)
    chips = chips_of(folder, "bright")
    assert calibrate(network, "bright", chips) == pytest.approx(1, rel=0.15)
    assert calibrate(network, "bright", chips) == pytest.approx(1, abs=0.02)
    with torch.no_grad():
        for weights in head.parameters():
            weights *= 4
    before = [probability for probability, _ in predict_chips(network, "bright", chips)]
    assert calibrate(network, "bright", chips) == pytest.approx(4, rel=0.05)
    for was, (now, _) in zip(before, predict_chips(network, "bright", chips), strict=True):
        certain = np.abs(was - 0.5) > 1e-4  # closer to it, rounding decides
        assert np.array_equal(was[certain] > 0.5, now[certain] > 0.5)


def test_without_landslides_nothing_is_chosen(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright)
    network.add_decoder("bright")
    head = [weights.clone() for weights in network.decoder("bright").unet.head.parameters()]
    assert calibrate(network, "bright", bright.iloc[:0]) is None
    assert all(map(torch.equal, head, network.decoder("bright").unet.head.parameters()))
