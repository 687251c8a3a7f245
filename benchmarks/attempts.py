"""What other losses, augmentations and longer trainings would bring to a model of one region.

Each attempt changes one thing in the training of a separate model and leaves the rest as `tsmu update` has it. What is
better on the validation chips is a candidate for the product; the test chips show whether that holds.
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
EDGE_WEIGHT = 5.0  # of pixels near an outline, where others have 1
EDGE_SIZE = 5  # side of the square in which a pixel near an outline sees both kinds, pixels
CHANGED_SHARE = 0.5  # of the chips of a batch, where an attempt changes images
LARGEST_ZOOM = 2.0
OWN_RATE = 3e-3  # at which `isolate` trains what later regions have of their own
BAND_JITTER = 0.2  # largest change of each band's gain (relative) and offset (standard deviations), by itself
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
    """Soft Dice without cross-entropy, as Nagendra et al. 2022 have it."""
    return {"dice": label_losses(logits, mask)["dice"]}


def _entropy(logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The cross-entropy of each pixel, and which pixels are known and which landslides, all (N, H, W)."""
    target = mask == LANDSLIDE
    entropy = functional.binary_cross_entropy_with_logits(logits.float(), target.float(), reduction="none")
    return entropy, mask != UNKNOWN, target


def _widened(pixels: Tensor) -> Tensor:
    """These pixels (N, H, W) and those within two of them."""
    widened: Tensor = functional.max_pool2d(pixels.float()[:, None], EDGE_SIZE, stride=1, padding=EDGE_SIZE // 2)
    return widened[:, 0] > 0


def unchanged(context: UpdateContext, batch: Batch) -> Batch:
    """The batch as it is."""
    del context
    return batch


def cut_mix(context: UpdateContext, batch: Batch) -> Batch:
    """Put a rectangle of the next chip, image and mask, into half of the chips (Yun et al. 2019, arXiv 1905.04899)."""
    del context
    image, mask = batch["image"].clone(), batch["mask"].clone()
    height, width = mask.shape[1:]
    for number, generator in _chosen_chips(batch):
        share = torch.rand(3, generator=generator)  # of the area that stays, and where the rectangle is centred
        size = float((1 - share[0]).sqrt())
        rows = _interval(float(share[1]), size, height)
        columns = _interval(float(share[2]), size, width)
        partner = (number + 1) % len(mask)
        image[number, :, rows, columns] = batch["image"][partner, :, rows, columns]
        mask[number, rows, columns] = batch["mask"][partner, rows, columns]
    return _with(batch, image, mask)


def zoom_in(context: UpdateContext, batch: Batch) -> Batch:
    """Enlarge a random window of half of the chips to the whole chip, up to twice."""
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
    """Change gain and offset of each band of half of the chips by itself, so that colours shift."""
    image = batch["image"].clone()
    mean, std = (values.reshape(-1, 1, 1).to(image) for values in (context.network.mean, context.network.std))
    for number, generator in _chosen_chips(batch):
        draws = (2 * torch.rand(2, len(mean), 1, 1, generator=generator) - 1).to(image) * BAND_JITTER
        image[number] = (image[number] - mean) * (1 + draws[0]) + mean + std * draws[1]
    return _with(batch, image, batch["mask"])


def _chosen_chips(batch: Batch) -> list[tuple[int, torch.Generator]]:
    """The chips of a batch that are changed, by position, each with a generator of its own."""
    generators = [(number, chip_generator(int(seed))) for number, seed in enumerate(batch["seed"])]
    return [(number, each) for number, each in generators if torch.rand((), generator=each) < CHANGED_SHARE]


def _interval(centre: float, size: float, length: int) -> slice:
    """A part of an axis of so many pixels; centre and size are shares of it, and what lies outside is cut off."""
    return slice(max(round((centre - size / 2) * length), 0), min(round((centre + size / 2) * length), length))


def _window(position: float, size: float, length: int) -> slice:
    """A part of an axis of so many pixels that lies within it; position 0 is its lowest place, 1 its highest."""
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
        losses: of logits and mask.
        change: of each batch, after the product's augmentation.
        rounds: how many times as many steps are taken.
        keeps_encoder: the pretrained convolutions stay as they are, and the region learns what every later region of
            `isolate` learns: its normalisation, adapters and decoder. The result then depends on no order of regions.
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
    """A separate model that is trained as an attempt has it."""

    name: ClassVar[str] = "attempt"
    source: ClassVar[str] = "separate models"

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """What the region has of its own: used where its decoder was added before the training (`keeps_encoder`)."""
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
    """Train a separate model of each region by each attempt, and write `attempts.json` and `attempts.md`.

    Args:
        settings: as of the continual benchmark; its strategies are not used.
        names: the attempts, of `ATTEMPTS`.
        out: folder of the results; cells that it holds from a run with equal settings are kept.
        announce: called with one line before each training.
        report: called after each optimisation step.

    Returns:
        The content of attempts.json: `cells` with attempt, region, seed, processor seconds of the training, the
        threshold that the validation chips choose, and for `val` and `test` the IoU at 50 % and at that threshold.

    Raises:
        BenchmarkError: there is no attempt of a name, or the folder holds a run with other settings.
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
    """Write the results as Markdown: IoU at 50 % on validation / test chips, by region and in the mean."""
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
