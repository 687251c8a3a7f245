"""False alarms on real ground, counted in a region that has chips without any landslide.

The region is learned from all its training chips with landslides, together with none, a quarter, half and all of the
training chips without landslides ("clear" chips). Each model is calibrated and gets its threshold on all validation
chips, as in `tsmu update`. Then candidates are counted for several thresholds and least mean probabilities. On clear
chips each candidate is a false alarm; on the others recall, IoU and precision show what a stricter choice costs. Both
validation and test chips are counted, so that a choice made on the former can be confirmed on the latter.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from benchmarks.false_alarms.candidates import (
    CLEAR_FIGURES,
    LANDSLIDE_FIGURES,
    LEAST_PIXELS,
    changes,
    count_chip,
    figures,
)
from tsmu.benchmark import read_regions
from tsmu.chips import band_statistics, select_chips, shared_bands
from tsmu.errors import BenchmarkError
from tsmu.evaluate import Floats, choose_threshold, count_pixels_by_chip, predict_chips
from tsmu.files import (
    atomic_write,
    remove,
    without_nan,
    write_json,
    write_text,
)
from tsmu.mapping import Percent, to_percent
from tsmu.model import PretrainedWeights, RegionNet, device_in_use, find_weights, precision_in_use, weights_record
from tsmu.update import (
    ProgressCallback,
    TrainingSettings,
    calibrate,
    derive_seed,
    seeded_draws,
    strategy_named,
    train_region,
)

SHARES = (0.0, 0.25, 0.5, 1.0)  # shares of the clear training chips that are learned
CHOSEN = "chosen"  # stands for the threshold chosen on the validation chips, which is the map's default
THRESHOLDS: tuple[str | int, ...] = (CHOSEN, 50, 60, 70, 80, 90)  # percent
MEANS = (0, 60, 70, 80, 90)  # percent
STRATEGY = "isolate"  # all strategies learn a first region alike
PARTS = ("val", "test")
COMPARED_FIGURES = ("alarmed_share", "recall", "iou")  # figures whose difference from the map's default is given
SIGNIFICANT = 2.0  # a fall of the share of chips with false alarms counts from so many standard errors

Announce = Callable[[str], None]
Row = dict[str, Any]


@dataclass(frozen=True)
class RealAlarmsSettings:
    """The settings of a run, on which its figures depend.

    Attributes:
        data: folder with the region's chips folder (`images/`, `masks/`).
        region: name of the region, which has chips with and chips without landslides.
        steps: optimisation steps of each training.
        batch_size: chips per step.
        encoder: name of the encoder.
        weights: the weights from which the encoder starts: `auto`, a name, a file or `none`.
        seed: seed of the trainings, and of the choice of clear chips.
        pixel_size: side of the pixels of chips without georeference, metres; None if all chips have one.
    """

    data: str
    region: str
    steps: int
    batch_size: int = 16
    encoder: str = "timm-tf_efficientnet_lite0"
    weights: str = "auto"
    seed: int = 0
    pixel_size: float | None = None


def benchmark_real_alarms(
    settings: RealAlarmsSettings, out: Path, announce: Announce, report: ProgressCallback | None = None
) -> dict[str, Any]:
    """Count false alarms and landslides that are found, after trainings with more and more clear chips.

    Predictions that an earlier run with equal settings has stored are not computed again; an interrupted training
    continues from its last checkpoint.

    Args:
        settings: the settings of the run.
        out: folder for `results.json` and `tables.md`, which are written after each training, and `states/`.
        announce: called with one line before each training.
        report: called after each optimisation step.

    Returns:
        The content of results.json: `trainings`, each with the numbers of chips that were learned, its threshold, and
        for `val` and `test` one row per threshold and least mean. A row has the figures of `candidates.CLEAR_FIGURES`
        and `LANDSLIDE_FIGURES`, the differences of some of them from the map's default (`..._change`), all with their
        standard errors over chips (`..._error`), and whether the choice is shown to be `better` (see `is_better`).

    Raises:
        BenchmarkError: there are no chips, chips have no pixel size, or a split lacks chips with or without landslides.
    """
    chips = _read(settings)
    pretrained = find_weights(settings.encoder, settings.weights)
    trainings: list[dict[str, Any]] = []
    for number in _numbers_of_clear_chips(chips):
        train = _training_chips(chips, number, settings.seed)
        state_file = out / "states" / f"{number}-{_key(settings, pretrained, chips)}.json"
        if not state_file.exists():
            announce(f"{number} of the training chips without landslides")
            _train(settings, pretrained, chips, train, state_file, report)
        learned = json.loads(state_file.read_text())
        predictions = load_file(state_file.with_suffix(".safetensors"))
        trainings.append(learned | {part: _measure(predictions, chips, part, learned["threshold"]) for part in PARTS})
        results = _results(settings, pretrained, chips, trainings)
        write_json(out / "results.json", results)
        write_text(out / "tables.md", real_alarms_table(results))
    return results


def _results(
    settings: RealAlarmsSettings,
    pretrained: PretrainedWeights | None,
    chips: geopandas.GeoDataFrame,
    trainings: list[dict[str, Any]],
) -> dict[str, Any]:
    """The content of results.json: settings, versions, device, numbers of chips, and the trainings so far."""
    grid = {"strategy": STRATEGY, "least_pixels": LEAST_PIXELS, "thresholds": THRESHOLDS, "means": MEANS}
    kinds = {
        part: {"clear": len(_clear(rows)), "landslide": len(rows) - len(_clear(rows))} for part, rows in _by_part(chips)
    }
    results = {
        "settings": asdict(settings) | grid | weights_record(pretrained, shared_bands(chips)),
        "versions": {name: version(name) for name in ("tsmu", "torch", "segmentation-models-pytorch")},
        "device": {"kind": device_in_use(), "threads": torch.get_num_threads(), "precision": precision_in_use()},
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "chips": kinds,
        "trainings": trainings,
    }
    return dict(without_nan(results))


def _by_part(chips: geopandas.GeoDataFrame) -> list[tuple[str, geopandas.GeoDataFrame]]:
    """The chips of each split, by its name."""
    return [(part, chips[chips["split"] == part]) for part in ("train", *PARTS)]


def _clear(chips: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """The chips without any landslide."""
    return chips[chips["landslide_pixels"] == 0]


def _read(settings: RealAlarmsSettings) -> geopandas.GeoDataFrame:
    """The region's chips, all with a pixel size, and in every split some with and some without landslides."""
    chips = read_regions(Path(settings.data), [settings.region])[settings.region]
    if settings.pixel_size is not None:
        chips = chips.assign(pixel_size=chips["pixel_size"].fillna(settings.pixel_size))
    if unknown := int(chips["pixel_size"].isna().sum()):
        raise BenchmarkError(
            f"{settings.data}: {unknown} chips of {settings.region} have no georeference; give their --pixel-size M"
        )
    for part, rows in _by_part(chips):
        clear = len(_clear(rows))
        if not 0 < clear < len(rows):
            raise BenchmarkError(
                f"{settings.data}: {settings.region} has {len(rows)} {part} chips, {clear} of them without landslides; "
                "both kinds are needed in every split: add chips, named by series such as ls_001 and nls_001"
            )
    return chips


def _numbers_of_clear_chips(chips: geopandas.GeoDataFrame) -> list[int]:
    """The numbers of training chips without landslides in the trainings: `SHARES` of all, each number once."""
    clear = len(_clear(chips[chips["split"] == "train"]))
    return sorted({round(share * clear) for share in SHARES})


def _training_chips(chips: geopandas.GeoDataFrame, number: int, seed: int) -> geopandas.GeoDataFrame:
    """All training chips with landslides, and so many clear ones; a larger number adds to those of a smaller one."""
    train = chips[chips["split"] == "train"]
    clear = _clear(train)
    order = torch.randperm(len(clear), generator=torch.Generator().manual_seed(derive_seed(seed, -7)))
    left_out = clear.index[order[number:].tolist()]
    return train.drop(index=left_out)


def _key(settings: RealAlarmsSettings, pretrained: PretrainedWeights | None, chips: geopandas.GeoDataFrame) -> str:
    """Eight hexadecimal digits that identify everything on which a training depends."""
    rows = chips[["id", "split", "content", "landslide_pixels"]].to_json(orient="records")
    digest = pretrained.digest if pretrained else None
    parts = [settings.steps, settings.batch_size, settings.encoder, settings.seed, digest, rows]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]


def _train(
    settings: RealAlarmsSettings,
    pretrained: PretrainedWeights | None,
    chips: geopandas.GeoDataFrame,
    train: geopandas.GeoDataFrame,
    state_file: Path,
    report: ProgressCallback | None,
) -> None:
    """Train and calibrate, choose a threshold, and store the predictions for validation and test chips."""
    mean, std = band_statistics(train)
    with seeded_draws(derive_seed(settings.seed, -1)):
        network = RegionNet(settings.encoder, mean, std, weights=pretrained, bands=shared_bands(train))
    checkpoints = state_file.with_suffix(".run")
    training = TrainingSettings(settings.steps, settings.batch_size, settings.seed)
    strategy = strategy_named(STRATEGY)
    learned = train_region(
        network, settings.region, train, strategy, training, checkpoints=checkpoints, progress=report
    )
    validation = select_chips(chips, settings.region, "val")
    temperature = calibrate(network, learned.decoder, validation)
    predictions = {}
    rows = select_chips(chips, settings.region, *PARTS)
    for name, (probability, mask) in zip(rows["id"], predict_chips(network, learned.decoder, rows), strict=True):
        predictions[f"{name}:percent"] = to_percent(probability, np.ones(probability.shape, bool))
        predictions[f"{name}:mask"] = mask.astype(np.uint8)
    with atomic_write(state_file.with_suffix(".safetensors")) as temporary:
        save_file(predictions, temporary)
    clear = len(_clear(train))
    threshold = choose_threshold(count_pixels_by_chip(network, learned.decoder, validation))
    write_json(
        state_file,
        {
            "clear_chips": clear,
            "landslide_chips": len(train) - clear,
            "threshold": threshold,
            "temperature": temperature,
            "steps": learned.steps,
        },
    )
    remove(checkpoints)


def _measure(predictions: Mapping[str, Percent], chips: geopandas.GeoDataFrame, part: str, chosen: int) -> list[Row]:
    """Count candidates for every threshold and least mean; the first row is the map's default."""
    rows = chips[chips["split"] == part]
    clear = _clear(rows)
    default = None
    measured = []
    for requested in THRESHOLDS:
        threshold = chosen if isinstance(requested, str) else requested
        for mean in MEANS:
            if 0 < mean <= threshold:  # every candidate has at least this mean
                continue
            counts = tuple(_count(predictions, kind, threshold, mean) for kind in (clear, rows.drop(index=clear.index)))
            default = default or counts
            row: Row = {"asked": requested, "threshold": threshold, "mean": mean}
            for ratios, now, before in zip((CLEAR_FIGURES, LANDSLIDE_FIGURES), counts, default, strict=True):
                row |= figures(ratios, now)
                row |= changes({name: ratios[name] for name in COMPARED_FIGURES if name in ratios}, now, before)
            measured.append(row | {"better": is_better(row)})
    return measured


def _count(predictions: Mapping[str, Percent], chips: geopandas.GeoDataFrame, threshold: int, mean: int) -> Floats:
    """The counts of `count_chip` on each of the chips, (chips, counts)."""
    return np.array(
        [
            count_chip(predictions[f"{name}:percent"], predictions[f"{name}:mask"], threshold, mean, size)
            for name, size in zip(chips["id"], chips["pixel_size"], strict=True)
        ]
    )


def is_better(row: Mapping[str, Any]) -> bool:
    """Whether a choice is shown to be better than the map's default.

    It is, if the share of chips with false alarms falls by more than two of its standard errors, and neither recall nor
    IoU falls by more than one of its standard errors.
    """
    fewer = -row["alarmed_share_change"] > SIGNIFICANT * row["alarmed_share_change_error"]
    return bool(fewer and all(-row[f"{name}_change"] <= row[f"{name}_change_error"] for name in ("recall", "iou")))


def real_alarms_table(results: Mapping[str, Any]) -> str:
    """Write the figures of the test chips as Markdown.

    The rows are every threshold without a least mean, and every least mean at the chosen threshold.
    """
    lines = [
        "| clear chips learned | threshold | mean | clear chips with alarms | alarms per km2 | their area "
        "| recall | IoU | pixel precision | better |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for training in results["trainings"]:
        for row, checked in zip(training["test"], training["val"], strict=True):
            if row["asked"] != CHOSEN and (row["mean"] or row["threshold"] == training["threshold"]):
                continue
            chosen = " (chosen)" if row["asked"] == CHOSEN else ""
            better = [part for part, counted in (("val", checked), ("test", row)) if counted["better"]]
            cells = [
                str(training["clear_chips"]),
                f"{row['threshold']} %{chosen}",
                f"{row['mean']} %" if row["mean"] else "any",
                _with_error(row, "alarmed_share"),
                f"{row['alarms_per_km2']:.0f}",
                f"{100 * row['alarm_area_share']:.1f} %",
                *(_with_error(row, name) for name in ("recall", "iou", "pixel_precision")),
                ", ".join(better) or "no",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _with_error(row: Mapping[str, Any], name: str) -> str:
    value, error = (f"{row[key]:.2f}" if row[key] is not None else "?" for key in (name, f"{name}_error"))
    return f"{value} +- {error}"
