"""TSMU and ours: what moves and what does not, what old decoders are held to, where a new one starts."""

import copy
from itertools import repeat
from pathlib import Path

import pytest
import torch

from tests.update.networks import chain, chips_of, fresh, same, state
from tsmu.chips import measure_image_statistics, transfer_colours
from tsmu.chips.dataset import ChipDataset
from tsmu.model import ENCODER_PART, region_parts
from tsmu.model.network.regional_layers import RegionalConv
from tsmu.update import STRATEGIES, Stage, TrainingSettings, UpdateContext, train_region
from tsmu.update.strategies.tsmu import SurrogateUpdates, TaskSpecificModelUpdates

TSMU = TaskSpecificModelUpdates()


class DecoderAlone(TaskSpecificModelUpdates):
    """The first stage of TSMU without the second."""

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        first, _ = super().later_stages(context, 3 * steps)
        return [first]


def test_the_new_decoder_alone_moves_nothing_else(bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    network = fresh(bright)
    train_region(network, "bright", bright, TSMU, TrainingSettings(3, 4, 0))
    encoder, old = state(network.encoder), state(network.decoder("bright"))
    train_region(network, "dark", dark, DecoderAlone(), TrainingSettings(4, 4, 0))
    assert same(encoder, network.encoder)
    assert same(old, network.decoder("bright"))


def test_together_all_weights_move_and_old_norms_do_not(bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    network = fresh(bright)
    train_region(network, "bright", bright, TSMU, TrainingSettings(3, 4, 0))
    parts = {"encoder": network.encoder, "old": network.decoder("bright")}
    before = {name: state(part) for name, part in parts.items()}
    train_region(network, "dark", dark, TSMU, TrainingSettings(6, 4, 0))
    for name, part in parts.items():
        moved = {key for key, value in part.state_dict().items() if not torch.equal(value, before[name][key])}
        assert moved >= {key for key, parameter in part.named_parameters() if key.endswith("conv1.weight")}
        assert not {key for key in moved if "running" in key or "num_batches" in key}


def test_old_decoders_are_held_to_what_they_said(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright)
    network.add_decoder("bright")
    teacher = fresh(bright)
    teacher.add_decoder("bright")
    teacher.load_state_dict(network.state_dict())
    network.add_decoder("dark")
    context = UpdateContext(network.eval(), teacher.eval(), "dark", {"dark": "dark"})
    stage = TSMU.later_stages(context, 30)[1]
    batch = {
        "image": torch.full((2, 3, 32, 32), 90.0),
        "mask": torch.ones(2, 32, 32, dtype=torch.long),
        "region": "dark",
    }
    assert float(TSMU.losses(context, stage, batch, 0)["distillation"].detach()) == 0
    with torch.no_grad():
        network.decoder("bright").unet.head[0].bias.add_(1)
    assert float(TSMU.losses(context, stage, batch, 0)["distillation"].detach()) > 0


def test_the_shared_part_learns_at_a_tenth_of_the_new_decoders_rate_at_most(bright_chips: Path) -> None:
    network = fresh(chips_of(bright_chips, "bright"))
    for name in ("old", "older"):
        network.add_decoder(name)
    teacher = copy.deepcopy(network)
    network.add_decoder("new")
    alone, together = TSMU.later_stages(UpdateContext(network, teacher, "new", {"new": "new"}), 300)
    assert set(alone.rates) == set(region_parts("new"))
    assert set(together.rates) == {
        ENCODER_PART,
        *(part for name in ("old", "older", "new") for part in region_parts(name)),
    }
    rates = dict(together.rates)
    new = [rates.pop(part) for part in region_parts("new")]
    assert max(rates.values()) <= min(new) / 10
    (on,) = TSMU.later_stages(UpdateContext(network, network, "new", {"new": "new"}), 300)  # the next time it is known
    assert on.rates.keys() == together.rates.keys()
    assert all(on.rates[part] < rate for part, rate in together.rates.items())


def test_a_new_decoder_starts_as_the_last_one_where_the_strategy_says_so(bright_chips: Path) -> None:
    network = fresh(chips_of(bright_chips, "bright"))
    for name in ("first", "second"):
        network.add_decoder(name)
    network.add_decoder("third", STRATEGIES["tsmu-plus"].initial_decoder(network))
    assert same(state(network.decoder("third")), network.decoder("second"))
    assert not same(state(network.decoder("third")), network.decoder("first"))
    network.add_decoder("fourth", STRATEGIES["tsmu"].initial_decoder(network))
    assert not same(state(network.decoder("fourth")), network.decoder("third"))


@pytest.mark.parametrize("name", ["tsmu-plus", "isolate"])
def test_later_regions_adapt_the_encoder_where_the_strategy_says_so(
    name: str, bright_chips: Path, dark_chips: Path
) -> None:
    network, _ = chain([chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")], STRATEGIES[name])
    assert not network.decoder("bright").adapters
    adapters = list(network.decoder("dark").adapters)
    assert len(adapters) == sum(isinstance(module, RegionalConv) for module in network.encoder.modules())
    assert all(adapter.abs().sum() > 0 for adapter in adapters)


def test_ours_holds_all_images_and_learns_labels_in_the_old_regions_colours_alone(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright)
    network.add_decoder("bright")
    teacher = copy.deepcopy(network)
    network.add_decoder("dark")
    context = UpdateContext(
        network.eval(),
        teacher.eval(),
        "dark",
        {"dark": "dark"},
        image_statistics={"bright": measure_image_statistics(bright)},
    )
    batch = {
        "image": torch.rand(4, 3, 32, 32) * 100,
        "mask": torch.zeros(4, 32, 32, dtype=torch.long),
        "region": ["dark"] * 4,
        "seed": torch.arange(4),
    }
    ours = SurrogateUpdates()
    before = ours.old_decoder_losses(context, "bright", 1, batch)
    assert float(before["distillation"].detach()) == 0
    batch["mask"][:2] = 1  # of the plain images
    assert torch.equal(
        ours.old_decoder_losses(context, "bright", 1, batch)["surrogate labels"], before["surrogate labels"]
    )
    batch["mask"][2:] = 1
    assert not torch.equal(
        ours.old_decoder_losses(context, "bright", 1, batch)["surrogate labels"], before["surrogate labels"]
    )
    with torch.no_grad():
        network.decoder("bright").unet.head[0].bias.add_(1)
    assert float(ours.old_decoder_losses(context, "bright", 1, batch)["distillation"].detach()) > 0


def test_surrogates_have_the_colours_of_the_old_region(bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    style = measure_image_statistics(bright)
    images = torch.stack([ChipDataset(dark)[position]["image"] for position in range(8)])
    images[0, :, 0, 0] = torch.nan
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([transfer_colours(images, style, repeat(generator)) for _ in range(30)])
    assert drawn.isnan().sum() == 3 * 30
    means = drawn.nanmean((-2, -1))
    torch.testing.assert_close(means.mean(0), torch.tensor(style.mean[:3]), atol=1.0, rtol=0.01)
    wanted = torch.tensor([style.covariance[band][band] for band in range(3)])
    torch.testing.assert_close(means.var(0), wanted, atol=1.0, rtol=0.35)
    again = transfer_colours(images, style, repeat(torch.Generator().manual_seed(0)))
    assert torch.equal(again.nan_to_num(), drawn[:8].nan_to_num())
