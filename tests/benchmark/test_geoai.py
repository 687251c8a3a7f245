"""The network as GeoAI gets it answers as ours."""

from pathlib import Path

import numpy as np
import pytest
import torch
from segmentation_models_pytorch import Unet

from tests.model.test_bundle import make_network, make_record
from tsmu.benchmark.mapping.geoai import unet_state
from tsmu.model import serving_bundle, write_bundle


@pytest.mark.parametrize("mean", [(0.0, 0.0, 0.0), (90.0, 110.0, 130.0)])
def test_the_state_of_a_plain_unet_answers_the_same(tmp_path: Path, mean: tuple[float, ...]) -> None:
    """With a mean only away from the edges: the convolution's zeros there are black in one, the mean in the other."""
    network = make_network("resnet18")
    for norm in network.decoder("alps").norms:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    statistics = {"mean": list(mean), "std": [20.0, 30.0, 40.0]}
    write_bundle(tmp_path, network, make_record(1, "resnet18").model_copy(update=statistics))
    network = serving_bundle(tmp_path).network()
    unet = Unet("resnet18", encoder_weights=None, in_channels=3, classes=2).eval()
    unet.load_state_dict(unet_state(serving_bundle(tmp_path), "alps"))
    image = torch.from_numpy(np.random.default_rng(0).integers(1, 255, (1, 3, 64, 64)).astype(np.float32))
    with torch.no_grad():
        ours = network(image, ["alps"])["alps"].sigmoid()  # and from here on the encoder is the region's
        first = network.decoder("alps").norms[0](network.encoder.conv1((image - network.mean) / network.std))
        same = unet.encoder.bn1(unet.encoder.conv1(image / 255))
        torch.testing.assert_close(same[..., 2:-2, 2:-2], first[..., 2:-2, 2:-2], atol=1e-4, rtol=1e-4)
        if not any(mean):
            torch.testing.assert_close(unet(image / 255).softmax(dim=1)[:, 1], ours, atol=1e-4, rtol=1e-4)
