"""Updates: what moves and what does not, exact resuming, bundles that chain."""

import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import geopandas
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import write_chips
from tsmu.chips.dataset import ChipDataset
from tsmu.chips.folder import chips_from_folder
from tsmu.chips.index import add_to_index
from tsmu.chips.looks import restyle, style_of
from tsmu.chips.statistics import band_statistics
from tsmu.errors import UpdateError
from tsmu.issues import IssueLog
from tsmu.model.bundle import bundle_versions, open_bundle
from tsmu.model.network import ENCODER, RegionNet, own_parts
from tsmu.update.finetune import FineTuning
from tsmu.update.sampling import StepSampler
from tsmu.update.strategies import STRATEGIES, strategy_named
from tsmu.update.strategy import Lesson, Stage, Strategy
from tsmu.update.training import CHECKPOINT_STEPS, Known, Learned, TrainingProgress, TrainingSettings, learn_region
from tsmu.update.tsmu import TaskSpecificModelUpdates
from tsmu.update.update import update_bundle
from tsmu.workspace import Workspace

TSMU = TaskSpecificModelUpdates()


def chips_of(folder: Path, region: str) -> geopandas.GeoDataFrame:
    return chips_from_folder(folder, region, IssueLog(folder))


def fresh(chips: geopandas.GeoDataFrame) -> RegionNet:
    torch.manual_seed(0)
    return RegionNet("resnet18", *band_statistics(chips))


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(before: dict[str, torch.Tensor], module: torch.nn.Module) -> bool:
    return all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


class DecoderAlone(TaskSpecificModelUpdates):
    """The first stage of TSMU without the second."""

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        first, _ = super().later_stages(lesson, 3 * steps)
        return [first]


def test_the_new_decoder_alone_moves_nothing_else(bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    network = fresh(bright)
    learn_region(network, "bright", bright, TSMU, TrainingSettings(3, 4, 0))
    encoder, old = state(network.encoder), state(network.decoder("bright"))
    learn_region(network, "dark", dark, DecoderAlone(), TrainingSettings(4, 4, 0))
    assert same(encoder, network.encoder)
    assert same(old, network.decoder("bright"))


def test_together_all_weights_move_and_old_norms_do_not(bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    network = fresh(bright)
    learn_region(network, "bright", bright, TSMU, TrainingSettings(3, 4, 0))
    parts = {"encoder": network.encoder, "old": network.decoder("bright")}
    before = {name: state(part) for name, part in parts.items()}
    learn_region(network, "dark", dark, TSMU, TrainingSettings(6, 4, 0))
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
    lesson = Lesson(network.eval(), teacher.eval(), "dark", {"dark": "dark"})
    stage = TSMU.later_stages(lesson, 30)[1]
    batch = {
        "image": torch.full((2, 3, 32, 32), 90.0),
        "mask": torch.ones(2, 32, 32, dtype=torch.long),
        "region": "dark",
    }
    assert float(TSMU.loss(lesson, stage, batch, 0)["hold"].detach()) == 0
    with torch.no_grad():
        network.decoder("bright").unet.head[0].bias.add_(1)
    assert float(TSMU.loss(lesson, stage, batch, 0)["hold"].detach()) > 0


def test_the_shared_part_learns_at_a_tenth_of_the_new_decoders_rate_at_most(bright_chips: Path) -> None:
    network = fresh(chips_of(bright_chips, "bright"))
    for name in ("old", "older", "new"):
        network.add_decoder(name)
    alone, together = TSMU.later_stages(Lesson(network, network, "new", {"new": "new"}), 300)
    assert set(alone.rates) == set(own_parts("new"))
    assert set(together.rates) == {ENCODER, *(part for name in ("old", "older", "new") for part in own_parts(name))}
    rates = dict(together.rates)
    new = [rates.pop(part) for part in own_parts("new")]
    assert max(rates.values()) <= min(new) / 10


def test_fine_tuning_shares_one_decoder(bright_chips: Path, dark_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright)
    learn_region(network, "bright", bright, FineTuning(), TrainingSettings(2, 4, 0))
    before = state(network.decoder("bright"))
    assert (
        learn_region(network, "dark", chips_of(dark_chips, "dark"), FineTuning(), TrainingSettings(2, 4, 0)).decoder
        == "bright"
    )
    assert network.decoder_names == ("bright",)
    assert not same(before, network.decoder("bright"))


def test_a_few_steps_learn_bright_blobs(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    losses: list[float] = []
    network = fresh(bright)
    learn_region(
        network,
        "bright",
        bright,
        TSMU,
        TrainingSettings(40, 8, 0),
        report=lambda now: losses.append(now.losses["dice"]),
    )
    assert len(losses) == 40
    assert sum(losses[-5:]) < 0.85 * sum(losses[:5])


def test_resuming_gives_exactly_what_an_uninterrupted_run_gives(bright_chips: Path, tmp_path: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    settings = TrainingSettings(CHECKPOINT_STEPS + 5, 2, 3)
    whole = fresh(bright)
    learn_region(whole, "bright", bright, TSMU, settings)

    def stop(now: TrainingProgress) -> None:
        if now.step == CHECKPOINT_STEPS + 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        learn_region(fresh(bright), "bright", bright, TSMU, settings, checkpoints=tmp_path, report=stop)
    steps: list[int] = []
    resumed = fresh(bright)
    learn_region(
        resumed, "bright", bright, TSMU, settings, checkpoints=tmp_path, report=lambda now: steps.append(now.step)
    )
    assert steps == list(range(CHECKPOINT_STEPS + 1, settings.steps + 1))
    assert same(state(whole), resumed)


@pytest.mark.parametrize("name", ["tsmu", "tsmu-plus", "frozen", "finetune"])
def test_a_network_that_was_to_answer_learns_like_one_that_was_to_learn(
    bright_chips: Path, dark_chips: Path, name: str
) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    networks = []
    for training in (True, False):
        network = fresh(bright)
        learn_region(network, "bright", bright, TSMU, TrainingSettings(2, 4, 0))
        learn_region(network.train(training), "dark", dark, strategy_named(name), TrainingSettings(4, 4, 0))
        networks.append(network)
    assert same(state(networks[0]), networks[1])


def test_each_chip_is_drawn_once_a_round() -> None:
    drawn = list(islice(StepSampler([[True] * 7], batch_size=4, seed=0), 240))
    positions = [position for position, _ in drawn]
    assert all(sorted(positions[i : i + 7]) == list(range(7)) for i in range(0, 240 - 7, 7))
    assert len({seed for _, seed in drawn}) == len(drawn)
    later = StepSampler([[True] * 7], batch_size=4, seed=0, start=13)
    assert list(islice(later, 100)) == drawn[4 * 13 : 4 * 13 + 100]


@given(landslides=st.lists(st.booleans(), min_size=1, max_size=40), seed=st.integers(0, 3))
def test_scarce_landslides_are_in_every_batch_and_every_chip_is_drawn(landslides: list[bool], seed: int) -> None:
    positions = [position for position, _ in islice(StepSampler([landslides], 4, seed), 4 * len(landslides))]
    assert set(positions) == set(range(len(landslides)))
    if 0 < sum(landslides) < len(landslides) / 2:
        assert all(landslides[position] for position in positions[::2])
        assert not any(landslides[position] for position in positions[1::2])


@pytest.fixture
def workspace(tmp_path: Path, bright_chips: Path, dark_chips: Path) -> Workspace:
    space = Workspace.create(tmp_path / "survey")
    add_to_index(space, chips_of(bright_chips, "bright"))
    add_to_index(space, chips_of(dark_chips, "dark"))
    return space


def test_versions_chain_and_tell_where_they_come_from(workspace: Workspace) -> None:
    settings = TrainingSettings(4, 4, 0)
    first = update_bundle(workspace, "bright", "tsmu", settings, encoder="resnet18")
    second = update_bundle(workspace, "dark", "tsmu", settings, encoder="resnet18")
    assert (first.name, second.name) == ("v001", "v002")
    assert (first.record.parent, second.record.parent) == (None, 1)
    assert list(second.record.regions) == second.record.decoders == ["bright", "dark"]
    assert second.record.regions["bright"] == first.record.regions["bright"]
    entry = second.record.regions["dark"]
    assert entry.chips == {"train": 6, "val": 2, "test": 2}
    assert entry.scores["test"].keys() >= {"iou", "dice", "precision", "recall", "average_precision"}
    card = (second.path / "card.md").read_text()
    assert "bright" in card
    assert "on top of v001" in card
    assert list(workspace.runs.iterdir()) == []
    known = update_bundle(workspace, "bright", "tsmu", settings, encoder="resnet18")
    assert known.record.decoders == ["bright", "dark"]
    assert known.record.regions["bright"].learned_in == 3


def test_the_card_says_how_many_labels_came_out_of_reviews(workspace: Workspace) -> None:
    reviewed = write_chips(workspace.label_files / "review" / "bright", 5)
    add_to_index(workspace, chips_of(reviewed, "bright"))
    bundle = update_bundle(workspace, "bright", "tsmu", TrainingSettings(2, 4, 0), encoder="resnet18")
    entry = bundle.record.regions["bright"]
    assert 0 < entry.reviewed < entry.chips["train"]
    assert f"({entry.reviewed} reviewed)" in (bundle.path / "card.md").read_text()


def test_the_same_seed_gives_the_same_bundle(workspace: Workspace, tmp_path: Path, bright_chips: Path) -> None:
    other = Workspace.create(tmp_path / "other")
    add_to_index(other, chips_of(bright_chips, "bright"))
    bundles = [
        update_bundle(space, "bright", "tsmu", TrainingSettings(3, 4, 5), encoder="resnet18")
        for space in (workspace, other)
    ]
    first, second = (bundle.path / "encoder.safetensors" for bundle in bundles)
    assert first.read_bytes() == second.read_bytes()


def test_what_cannot_be_learned_is_told(workspace: Workspace, tmp_path: Path) -> None:
    settings = TrainingSettings(2, 4, 0)
    with pytest.raises(UpdateError, match="tsmu import chips DIR --region andes"):
        update_bundle(workspace, "andes", "tsmu", settings, encoder="resnet18")
    with pytest.raises(UpdateError, match="tsmu, tsmu-plus, frozen"):
        strategy_named("tmsu")
    update_bundle(workspace, "bright", "tsmu", settings, encoder="resnet18")
    with pytest.raises(UpdateError, match="began with encoder resnet18, asked for resnet34"):
        update_bundle(workspace, "dark", "tsmu", settings, encoder="resnet34")
    add_to_index(workspace, chips_of(write_chips(tmp_path / "one", 1), "lone"))
    with pytest.raises(UpdateError, match="training split"):
        update_bundle(workspace, "lone", "tsmu", settings, encoder="resnet18")


@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_killed_in_the_middle_the_next_call_goes_on(workspace: Workspace, seconds: float) -> None:
    command = [sys.executable, "-m", "tsmu", "update", "bright", "--steps", "60", "--batch-size", "2"]
    command += ["--encoder", "resnet18", "--workspace", str(workspace.root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(workspace.runs.glob("*/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if seconds == 0:
        assert bundle_versions(workspace.models) == []
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    assert "v00" in done.stdout
    for path in bundle_versions(workspace.models):
        open_bundle(path)
    assert not list(workspace.root.rglob("*.ckpt"))


def chain(chips: list[geopandas.GeoDataFrame], strategy: Strategy, steps: int = 6) -> tuple[RegionNet, list[Learned]]:
    """Learn regions one after the other as the benchmark does."""
    network, learned, styles = fresh(chips[0]), [], {}
    for number, rows in enumerate(chips):
        region = rows["region"].iloc[0]
        old = {name: part for part in chips[:number] if (name := part["region"].iloc[0])}
        known = Known(old, styles, learned[-1].memory if learned else {})
        learned.append(learn_region(network, region, rows, strategy, TrainingSettings(steps, 4, 0), known=known))
        styles = styles | {learned[-1].decoder: style_of(rows)}
    return network, learned


@pytest.mark.parametrize("name", [name for name, strategy in STRATEGIES.items() if not strategy.starts_fresh])
def test_every_strategy_learns_three_regions(name: str, bright_chips: Path, dark_chips: Path) -> None:
    third = chips_of(bright_chips, "third")
    network, learned = chain([chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark"), third], STRATEGIES[name])
    expected = ("bright",) if name == "finetune" else ("bright", "dark", "third")
    assert network.decoder_names == expected
    assert learned[-1].decoder == expected[-1]
    assert STRATEGIES[name].remembers == bool(learned[-1].memory)
    assert STRATEGIES[name].source


def test_a_new_decoder_starts_as_the_last_one_where_the_strategy_says_so(bright_chips: Path) -> None:
    network = fresh(chips_of(bright_chips, "bright"))
    for name in ("first", "second"):
        network.add_decoder(name)
    network.add_decoder("third", STRATEGIES["tsmu-plus"].starts_like(network))
    assert same(state(network.decoder("third")), network.decoder("second"))
    assert not same(state(network.decoder("third")), network.decoder("first"))
    network.add_decoder("fourth", STRATEGIES["tsmu"].starts_like(network))
    assert not same(state(network.decoder("fourth")), network.decoder("third"))


@pytest.mark.parametrize("name", ["tsmu-plus", "isolate"])
def test_later_regions_adapt_the_encoder_where_the_strategy_says_so(
    name: str, bright_chips: Path, dark_chips: Path
) -> None:
    network, _ = chain([chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")], STRATEGIES[name])
    assert not network.decoder("bright").adapters
    adapters = list(network.decoder("dark").adapters)
    assert len(adapters) == 20  # convolutions of a ResNet-18
    assert all(adapter.abs().sum() > 0 for adapter in adapters)


@pytest.mark.parametrize("name", ["frozen", "isolate"])
def test_a_frozen_encoder_leaves_old_answers_bit_identical(name: str, bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    network = fresh(bright)
    learn_region(network, "bright", bright, STRATEGIES[name], TrainingSettings(3, 4, 0))
    image = torch.stack([ChipDataset(bright)[position]["image"] for position in range(4)])
    with torch.no_grad():
        before = network(image, ["bright"])["bright"]
    learn_region(network, "dark", dark, STRATEGIES[name], TrainingSettings(6, 4, 0))
    with torch.no_grad():
        assert torch.equal(network(image, ["bright"])["bright"], before)


@pytest.mark.parametrize("name", ["si", "ewc"])
def test_a_penalty_keeps_important_weights(name: str, bright_chips: Path, dark_chips: Path) -> None:
    chips = [chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")]

    def moved(weight: float) -> float:
        strategy = type(STRATEGIES[name])()
        strategy.weight = weight  # type: ignore[attr-defined]
        network, learned = chain(chips, strategy, steps=8)
        anchors = learned[0].memory
        return sum(
            float((anchors[f"importance.{key}"] * (value.detach() - anchors[f"anchor.{key}"]).square()).sum())
            for key, value in network.encoder.named_parameters()
        )

    assert moved(1e6) < 0.5 * moved(0.0)


def test_joint_training_sees_every_region_as_often(bright_chips: Path, dark_chips: Path) -> None:
    dark = chips_of(dark_chips, "dark")
    network = fresh(dark)
    known = Known({"bright": chips_of(bright_chips, "bright")})
    learned = learn_region(network, "dark", dark, STRATEGIES["joint"], TrainingSettings(4, 4, 0), known=known)
    assert set(network.decoder_names) == {"bright", "dark"}
    assert learned.decoder == "dark"
    keys = list(islice(StepSampler([[True] * 5, [True] * 7], 2, 0, turn=STRATEGIES["joint"].turn), 40))
    sides = [position >= 5 for position, _ in keys]
    assert sides == [False, False, True, True] * 10
    assert len({seed for _, seed in keys}) == 40


def test_surrogates_have_the_colours_of_the_old_region(bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    style = style_of(bright)
    images = torch.stack([ChipDataset(dark)[position]["image"] for position in range(8)])
    images[0, :, 0, 0] = torch.nan
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([restyle(images, style, generator) for _ in range(30)])
    assert drawn.isnan().sum() == 3 * 30
    means = drawn.nanmean((-2, -1))
    torch.testing.assert_close(means.mean(0), torch.tensor(style.mean[:3]), atol=1.0, rtol=0.01)
    wanted = torch.tensor([style.covariance[band][band] for band in range(3)])
    torch.testing.assert_close(means.var(0), wanted, atol=1.0, rtol=0.35)
    again = restyle(images, style, torch.Generator().manual_seed(0))
    assert torch.equal(again.nan_to_num(), drawn[:8].nan_to_num())
