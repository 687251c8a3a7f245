"""The network: any size, any name, and nothing leaks between regions."""

import copy

import pytest
import torch
from torch import nn

from tests.networks import random_network
from tsmu.errors import BundleError
from tsmu.model import ENCODER_PART, RegionNet, region_parts
from tsmu.model.network.regional_layers import RegionalConv

IMAGE = 100 + 20 * torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def make(*decoders: str) -> RegionNet:
    network = random_network([100.0] * 3, [20.0] * 3, "resnet18")
    for name in decoders:
        network.add_decoder(name)
    return network.eval()


def answer(network: RegionNet, name: str, image: torch.Tensor = IMAGE) -> torch.Tensor:
    with torch.inference_mode():
        return network.eval()(image, [name])[name]


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 70), (1, 1), (128, 5)])
def test_the_answer_has_the_size_of_the_image(height: int, width: int) -> None:
    assert answer(make("a"), "a", torch.rand(2, 3, height, width)).shape == (2, height, width)


def test_a_region_may_be_named_like_a_method() -> None:
    network = make("keys", "encoder", "items")
    assert network.decoder_names == ("keys", "encoder", "items")
    network.set_trainable(region_parts("encoder"), [])
    assert not any(parameter.requires_grad for parameter in network.encoder.parameters())


def test_missing_pixels_count_as_the_mean() -> None:
    network = make("a")
    holes, filled = IMAGE.clone(), IMAGE.clone()
    holes[:, :, 10:20] = torch.nan
    filled[:, :, 10:20] = 100.0
    assert torch.equal(answer(network, "a", holes), answer(network, "a", filled))


def test_units_do_not_matter_when_the_statistics_follow() -> None:
    scaled = random_network([1.0] * 3, [0.2] * 3, "resnet18")
    scaled.add_decoder("a")
    torch.testing.assert_close(answer(scaled.eval(), "a", IMAGE / 100), answer(make("a"), "a"), atol=1e-4, rtol=1e-4)


def test_training_another_region_leaves_an_old_region_bit_identical() -> None:
    """Normalisation drifts: forward passes in training mode move statistics, not weights."""
    network = make("old", "new")
    before = answer(network, "old")
    network.set_trainable(region_parts("new"), region_parts("new"))
    network.train()
    optimizer = torch.optim.AdamW(p for p in network.parameters() if p.requires_grad)
    for _ in range(3):
        network(IMAGE + 50, ["old", "new"])["new"].mean().backward()
        optimizer.step()
    assert torch.equal(answer(network, "old"), before)


def test_an_open_norm_does_follow_the_images() -> None:
    """The counter-check: without the guard the statistics would have moved."""
    network = make("old")
    before = answer(network, "old")
    network.set_trainable([ENCODER_PART], region_parts("old"))
    network.train()
    network(IMAGE + 50, ["old"])
    assert not torch.equal(answer(network, "old"), before)


def test_a_batch_does_not_change_a_chips_answer() -> None:
    network = make("a")
    torch.testing.assert_close(answer(network, "a")[:1], answer(network, "a", IMAGE[:1]), atol=1e-5, rtol=1e-5)


def test_each_region_has_its_own_normalisation_in_the_encoder() -> None:
    network = make("old")
    network.set_trainable([ENCODER_PART], region_parts("old"))
    network.train()
    network(IMAGE + 50, ["old"])
    network.add_decoder("new")
    old, new = network.decoder("old").norms, network.decoder("new").norms
    assert len(old) == len(new) == 20  # of a ResNet-18
    assert all(torch.equal(p, q) for p, q in zip(old.state_dict().values(), new.state_dict().values(), strict=True))
    before = answer(network, "old")
    network.set_trainable([], region_parts("new"))
    network.train()
    network(IMAGE - 50, ["new"])
    assert not torch.equal(old[0].running_mean, new[0].running_mean)
    assert torch.equal(answer(network, "old"), before)
    assert not [name for name in network.encoder.state_dict() if "running" in name]


def test_a_copy_is_on_its_own() -> None:
    network = make("a")
    copied = copy.deepcopy(network)
    before = answer(copied, "a")
    with torch.no_grad():
        network.decoder("a").norms[0].weight.zero_()
    assert torch.equal(answer(copied, "a"), before)
    assert not torch.equal(answer(network, "a"), before)


def adapt(network: RegionNet, name: str) -> None:
    with torch.no_grad():
        for adapter in network.decoder(name).adapters:
            adapter.normal_(std=0.05)


def test_an_adapter_begins_as_nothing_and_then_changes_its_own_region_alone() -> None:
    network = make("a", "b")
    network.add_decoder("c", "b", with_adapters=True)
    answers = {name: answer(network, name) for name in ("a", "b")}
    assert torch.equal(answer(network, "c"), answers["b"])
    adapt(network, "c")
    assert not torch.allclose(answer(network, "c"), answers["b"], atol=1e-3)
    assert all(torch.equal(answer(network, name), before) for name, before in answers.items())
    assert not network.decoder("b").adapters


def test_a_decoder_that_starts_like_an_adapted_one_has_adapters_of_its_own() -> None:
    network = make("a")
    network.add_decoder("b", "a", with_adapters=True)
    adapt(network, "b")
    before = answer(network, "b")
    network.add_decoder("c", "b", with_adapters=True)
    assert torch.equal(answer(network, "c"), before)
    adapt(network, "c")
    assert torch.equal(answer(network, "b"), before)


def test_a_stored_state_brings_its_adapters() -> None:
    network = make("a")
    network.add_decoder("b", with_adapters=True)
    adapt(network, "b")
    restored = make("a", "b")
    restored.load_state_dict(network.state_dict())
    assert torch.equal(answer(restored, "b"), answer(network, "b"))


@pytest.mark.parametrize("settings", [{"stride": 2}, {"groups": 4}, {"padding_mode": "reflect"}, {"dilation": 2}])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_an_adapter_adds_what_a_convolution_beside_the_shared_one_would(size: int, settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    reach = size // 2 * int(str(settings.get("dilation", 1)))
    shared, beside = (nn.Conv2d(8, 12, size, padding=reach, bias=shared, **settings) for shared in (True, False))  # type: ignore[arg-type]
    place, features = RegionalConv(shared), torch.randn(2, 8, 20, 24)
    place.set_adapter(beside.weight)
    torch.testing.assert_close(place(features), shared(features) + beside(features), atol=1e-4, rtol=1e-4)
    place.set_adapter(None)
    assert torch.equal(place(features), shared(features))


def test_what_a_region_has_of_its_own_is_much_less_than_a_network() -> None:
    network = make("a")
    network.add_decoder("b", with_adapters=True)
    adapters = sum(adapter.numel() for adapter in network.decoder("b").adapters)
    assert adapters < 0.1 * sum(parameter.numel() for parameter in network.encoder.parameters())


@pytest.mark.parametrize(
    ("mean", "std", "problem"),
    [
        ([0.5], [0.3, 0.3], "mean of 1 bands, std of 2"),
        ([], [], "mean of 0 bands"),
        ([0.5, 0.5], [0.3, 0.0], r"band 2: mean 0\.5, std 0\.0; .* above 0"),
        ([float("nan")], [1.0], "band 1: mean nan"),
    ],
)
def test_statistics_that_cannot_normalise_are_refused(mean: list[float], std: list[float], problem: str) -> None:
    with pytest.raises(BundleError, match=problem):
        RegionNet("tu-test_resnet", mean, std)


def test_what_a_network_cannot_predict_is_refused() -> None:
    network = RegionNet("tu-test_resnet", [0.5] * 3, [0.3] * 3).eval()
    network.add_decoder("nepal")
    image = torch.zeros(1, 3, 32, 32)
    assert network(image, ["nepal"])["nepal"].shape == (1, 32, 32)
    with pytest.raises(BundleError, match=r"is one name; give a list of names, \['nepal'\]"):
        network(image, "nepal")
    with pytest.raises(BundleError, match=r"andes: no decoder of this name \(there are: nepal\)"):
        network(image, ["andes"])
    for wrong in (image[0], image[:, :2]):
        with pytest.raises(BundleError, match="3 bands, rows, columns"):
            network(wrong, ["nepal"])
