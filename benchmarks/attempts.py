"""A benchmark of other losses, augmentations and longer trainings for a model of one region.

Each attempt changes the training of a separate model in one respect and leaves the rest as in `tsmu update`. Changes
that give better scores on the validation chips are candidates for the product; the test chips show whether these scores
hold.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any, ClassVar

import torch
from segmentation_models_pytorch.losses import LovaszLoss
from torch import Tensor
from torch.nn import functional

from tsmu.benchmark import (
    SHARED_SETTINGS,
    ContinualSettings,
    RegionSequence,
    mean_and_error,
    read_regions,
    split_chips,
    stored_cells,
)
from tsmu.chips import select_chips
from tsmu.errors import BenchmarkError
from tsmu.evaluate import NEUTRAL_PERCENT, choose_threshold, count_pixels, count_pixels_by_chip
from tsmu.files import write_json, write_text
from tsmu.labels import LANDSLIDE, UNKNOWN
from tsmu.model import RegionNet, region_parts
from tsmu.update import (
    Batch,
    Losses,
    ProgressCallback,
    Stage,
    Strategy,
    TrainingResult,
    TrainingSettings,
    UpdateContext,
    chip_generator,
    label_losses,
    train_region,
)

RESULTS, TABLE = "attempts.json", "attempts.md"
FOCAL_POWER = 2.0  # Lin et al. 2017
EDGE_WEIGHT = 5.0  # weight of pixels near an outline in the loss; other pixels have the weight 1
EDGE_SIZE = 5  # a pixel is near an outline if a square around it with this side (pixels) has both classes
CHANGED_SHARE = 0.5  # probability with which an attempt that changes images changes a chip
LARGEST_ZOOM = 2.0
OWN_RATE = 3e-3  # the learning rate with which `isolate` trains the parts that belong to a later region alone
BAND_JITTER = 0.2  # largest change of each band's gain (relative) and of its offset (in standard deviations)
PARTS = ("val", "test")

LabelLosses = Callable[[Tensor, Tensor], Losses]
BatchChange = Callable[[UpdateContext, Batch], Batch]


def focal_losses(logits: Tensor, mask: Tensor) -> Losses:
    """Soft Dice, and the focal loss of Lin et al. 2017 (arXiv 1708.02002) instead of cross-entropy."""
    entropy, known, target = _entropy(logits, mask)
    probability = logits.float().sigmoid()
    wrong = torch.where(target, 1 - probability, probability)
    focal = (wrong.pow(FOCAL_POWER) * entropy)[known].sum() / known.sum().clamp(min=1)
    return {"dice": label_losses(logits, mask)["dice"], "focal": focal}


def edge_losses(logits: Tensor, mask: Tensor) -> Losses:
    """Soft Dice, and a cross-entropy in which pixels within two of an outline count five times."""
    entropy, known, target = _entropy(logits, mask)
    near = _widened(target) & _widened(known & ~target)
    weight = (1 + (EDGE_WEIGHT - 1) * near.float()) * known
    edges = (weight * entropy).sum() / weight.sum().clamp(min=1)
    return {"dice": label_losses(logits, mask)["dice"], "edges": edges}


def lovasz_losses(logits: Tensor, mask: Tensor) -> Losses:
    """The Lovász hinge of Berman et al. 2018 (arXiv 1705.08790) instead of soft Dice, and cross-entropy."""
    lovasz = LovaszLoss("binary", ignore_index=UNKNOWN)(logits.float(), mask)
    return {"lovasz": lovasz, "cross_entropy": label_losses(logits, mask)["cross_entropy"]}


def dice_alone(logits: Tensor, mask: Tensor) -> Losses:
    """Soft Dice without cross-entropy, as in Nagendra et al. 2022."""
    return {"dice": label_losses(logits, mask)["dice"]}


def _entropy(logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The cross-entropy of each pixel, which pixels are known, and which are landslides, (N, H, W) each."""
    target = mask == LANDSLIDE
    entropy = functional.binary_cross_entropy_with_logits(logits.float(), target.float(), reduction="none")
    return entropy, mask != UNKNOWN, target


def _widened(pixels: Tensor) -> Tensor:
    """Widen marked areas (N, H, W): mark every pixel with a marked one in the square of side `EDGE_SIZE` around it."""
    widened: Tensor = functional.max_pool2d(pixels.float()[:, None], EDGE_SIZE, stride=1, padding=EDGE_SIZE // 2)
    return widened[:, 0] > 0


def unchanged(context: UpdateContext, batch: Batch) -> Batch:
    """Return the batch unchanged."""
    del context
    return batch


def cut_mix(context: UpdateContext, batch: Batch) -> Batch:
    """Copy a rectangle of the next chip's image and mask into about half of the chips.

    The method is that of Yun et al. 2019, arXiv 1905.04899.
    """
    del context
    image, mask = batch["image"].clone(), batch["mask"].clone()
    height, width = mask.shape[1:]
    for number, generator in _chosen_chips(batch):
        share = torch.rand(3, generator=generator)  # share of the area that is kept; row and column of the centre
        size = float((1 - share[0]).sqrt())
        rows = _interval(float(share[1]), size, height)
        columns = _interval(float(share[2]), size, width)
        partner = (number + 1) % len(mask)
        image[number, :, rows, columns] = batch["image"][partner, :, rows, columns]
        mask[number, rows, columns] = batch["mask"][partner, rows, columns]
    return _with(batch, image, mask)


def zoom_in(context: UpdateContext, batch: Batch) -> Batch:
    """In about half of the chips, enlarge a random window to the whole chip, by a factor of up to two."""
    del context
    image, mask = batch["image"].clone(), batch["mask"].clone()
    height, width = mask.shape[1:]
    for number, generator in _chosen_chips(batch):
        zoom, down, right = torch.rand(3, generator=generator).tolist()
        size = 1 / (1 + zoom * (LARGEST_ZOOM - 1))
        rows, columns = _window(down, size, height), _window(right, size, width)
        sides = (height, width)
        image[number] = functional.interpolate(image[number, :, rows, columns][None], sides, mode="bilinear")[0]
        enlarged = functional.interpolate(mask[number, rows, columns][None, None].float(), sides, mode="nearest")
        mask[number] = enlarged[0, 0].long()
    return _with(batch, image, mask)


def band_jitter(context: UpdateContext, batch: Batch) -> Batch:
    """In about half of the chips, change gain and offset of each band independently, so that colours shift."""
    image = batch["image"].clone()
    mean, std = (values.reshape(-1, 1, 1).to(image) for values in (context.network.mean, context.network.std))
    for number, generator in _chosen_chips(batch):
        draws = (2 * torch.rand(2, len(mean), 1, 1, generator=generator) - 1).to(image) * BAND_JITTER
        image[number] = (image[number] - mean) * (1 + draws[0]) + mean + std * draws[1]
    return _with(batch, image, batch["mask"])


def _chosen_chips(batch: Batch) -> list[tuple[int, torch.Generator]]:
    """Choose the chips of a batch that are changed: the position of each, and its own random generator."""
    generators = [(number, chip_generator(int(seed))) for number, seed in enumerate(batch["seed"])]
    return [(number, each) for number, each in generators if torch.rand((), generator=each) < CHANGED_SHARE]


def _interval(centre: float, size: float, length: int) -> slice:
    """An interval of an axis, cut off at the axis's ends.

    Args:
        centre: centre of the interval, as a share of the axis.
        size: size of the interval, as a share of the axis.
        length: length of the axis, pixels.
    """
    return slice(max(round((centre - size / 2) * length), 0), min(round((centre + size / 2) * length), length))


def _window(position: float, size: float, length: int) -> slice:
    """An interval of an axis that lies wholly within it.

    Args:
        position: 0 puts the interval at the axis's beginning, 1 at its end.
        size: size of the interval, as a share of the axis.
        length: length of the axis, pixels.
    """
    pixels = round(size * length)
    start = round(position * (length - pixels))
    return slice(start, start + pixels)


def _with(batch: Batch, image: Tensor, mask: Tensor) -> Batch:
    """The same batch with another image and mask."""
    return Batch(image=image, mask=mask, region=batch["region"], seed=batch["seed"])


@dataclass(frozen=True)
class Attempt:
    """One change to the training of a separate model.

    Attributes:
        losses: computes the losses from logits and mask.
        change: changes each batch after the product's augmentation.
        rounds: factor by which the number of steps is multiplied.
        keeps_encoder: whether the pretrained convolutions stay unchanged, so that the region learns only what every
            later region of `isolate` learns: its normalisation, adapters and decoder. The result then does not depend
            on an order of regions.
    """

    losses: LabelLosses = label_losses
    change: BatchChange = unchanged
    rounds: int = 1
    keeps_encoder: bool = False


ATTEMPTS = {
    "as it is": Attempt(),
    "focal loss": Attempt(losses=focal_losses),
    "edges five times": Attempt(losses=edge_losses),
    "Lovasz instead of Dice": Attempt(losses=lovasz_losses),
    "Dice alone": Attempt(losses=dice_alone),
    "cut-mix": Attempt(change=cut_mix),
    "windows enlarged up to twice": Attempt(change=zoom_in),
    "bands jittered one by one": Attempt(change=band_jitter),
    "pretrained convolutions kept": Attempt(keeps_encoder=True),
    "three times the steps": Attempt(rounds=3),
    "three times the steps, cut-mix": Attempt(change=cut_mix, rounds=3),
}


class AttemptedTraining(Strategy):
    """The strategy that trains a separate model with the change of an attempt."""

    name: ClassVar[str] = "attempt"
    source: ClassVar[str] = "separate models"

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """Train only the region's own parts; used if its decoder was added before the training (`keeps_encoder`)."""
        own = region_parts(context.decoder)
        return [Stage("own parts", steps, dict.fromkeys(own, OWN_RATE), frozenset(own))]

    def losses(self, context: UpdateContext, stage: Stage, batch: Batch, step: int) -> Losses:
        """The attempt's losses on the changed batch."""
        del stage, step
        changed = self._attempt.change(context, batch)
        logits = context.network(changed["image"], [context.decoder])[context.decoder]
        return self._attempt.losses(logits, changed["mask"])


def run_attempts(
    settings: ContinualSettings,
    names: list[str],
    out: Path,
    announce: Callable[[str], None],
    report: ProgressCallback | None,
) -> dict[str, Any]:
    """Train a separate model of each region with each attempt, and write `attempts.json` and `attempts.md`.

    Args:
        settings: settings of the continual benchmark; their strategies are not used.
        names: names of the attempts, which are keys of `ATTEMPTS`.
        out: folder of the results; cells that it holds from a run with equal settings are kept.
        announce: called with one line before each training.
        report: called after each optimisation step.

    Returns:
        The content of attempts.json: `cells` with attempt, region, seed, processor seconds of the training, the
        threshold (percent) chosen on the validation chips, and for `val` and `test` the IoU at 50 % and at that
        threshold.

    Raises:
        BenchmarkError: an attempt does not exist, or the folder holds a run with other settings.
    """
    if unknown := [name for name in names if name not in ATTEMPTS]:
        raise BenchmarkError(f"--attempts {', '.join(unknown)}: there are {', '.join(ATTEMPTS)}")
    chips = read_regions(Path(settings.data), settings.regions)
    cells = stored_cells(settings, out / RESULTS, [name for name in SHARED_SETTINGS if name != "regions"])
    existing = {(cell["attempt"], cell["region"], cell["seed"]) for cell in cells}
    results = {"settings": asdict(settings), "cells": cells}
    for seed in range(settings.seeds):
        split = split_chips(chips, settings.split, seed)
        for name in names:
            for region in settings.regions:
                if (name, region, seed) in existing:
                    continue
                announce(f"{name}, {region}, seed {seed}")
                alone = replace(settings, regions=(region,))
                sequence = RegionSequence(alone, AttemptedTraining(ATTEMPTS[name]), seed, split, out)
                cell = {"attempt": name, "region": region, "seed": seed} | _measure(sequence, ATTEMPTS[name], report)
                cells.append(cell | {"weights_digest": settings.weights_digest})
                write_json(out / RESULTS, results)
                write_text(out / TABLE, attempts_table(results))
    return results


def train_attempt(
    sequence: RegionSequence, attempt: Attempt, report: ProgressCallback | None
) -> tuple[RegionNet, TrainingResult]:
    """Train a new network on the training chips of the sequence's only region; return it with the result."""
    settings, (region,) = sequence.settings, sequence.settings.regions
    network = sequence.network_after([])
    if attempt.keeps_encoder:
        network.add_decoder(region, with_adapters=True)
    training = TrainingSettings(attempt.rounds * settings.steps, settings.batch_size, sequence.seed)
    chips = select_chips(sequence.chips[region], region, "train")
    return network, train_region(network, region, chips, sequence.strategy, training, progress=report)


def _measure(sequence: RegionSequence, attempt: Attempt, report: ProgressCallback | None) -> dict[str, Any]:
    """Train a network on the sequence's only region, and score it on validation and test chips."""
    (region,) = sequence.settings.regions
    started = process_time()
    network, learned = train_attempt(sequence, attempt, report)
    seconds = process_time() - started
    chips = {part: select_chips(sequence.chips[region], region, part) for part in PARTS}
    threshold = choose_threshold(count_pixels_by_chip(network, learned.decoder, chips["val"]))
    counts = {part: count_pixels(network, learned.decoder, chips[part]) for part in PARTS}
    scores = {part: [counts[part].iou(NEUTRAL_PERCENT), counts[part].iou(threshold)] for part in PARTS}
    return {"processor_seconds": seconds, "threshold": threshold} | scores


def attempts_table(results: Mapping[str, Any]) -> str:
    """Write the results as Markdown: IoU at 50 % on validation / test chips of each region, and their means."""
    cells = results["cells"]
    regions = list(dict.fromkeys(cell["region"] for cell in cells))
    lines = [f"| attempt | seeds | {' | '.join(regions)} | mean |", "|---" * (len(regions) + 3) + "|"]
    for name in dict.fromkeys(cell["attempt"] for cell in cells):
        own = [cell for cell in cells if cell["attempt"] == name]
        by_region = [[cell for cell in own if cell["region"] == region] for region in regions]
        means = [[mean_and_error(cell[part][0] for cell in group)[0] for part in PARTS] for group in by_region if group]
        columns = [f"{val:.3f} / {test:.3f}" for val, test in means]
        if len(means) < len(regions):
            continue
        val, test = (sum(values) / len(values) for values in zip(*means, strict=True))
        seeds = len({cell["seed"] for cell in own})
        lines.append(f"| {name} | {seeds} | {' | '.join(columns)} | {val:.3f} / {test:.3f} |")
    return "\n".join([*lines, ""])
