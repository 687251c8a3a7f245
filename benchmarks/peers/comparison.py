"""A comparison of TorchGeo, GeoAI and tsmu, trained on the same chips, region by region.

Each contestant learns each region alone, in a process of its own (`training`), from the same encoder weights and with
the same number of steps and chips per step. Its predictions on validation and test chips are scored here, in the same
way for all contestants. If image pairs are given, a threshold on the change between the images is measured, too.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import rasterio
from safetensors.torch import save_file

from benchmarks.peers.change_threshold import change_thresholds
from benchmarks.peers.tables import peers_table
from benchmarks.peers.training import MULTIPLE, Job
from tsmu.benchmark import read_regions, split_chips
from tsmu.chips import ChipDataset, shared_bands
from tsmu.errors import BenchmarkError
from tsmu.evaluate import NEUTRAL_PERCENT, PixelCounts, choose_threshold
from tsmu.files import write_json, write_text
from tsmu.model import PretrainedWeights, build_encoder, find_weights, load_weights

REQUIRED_MODULES = {"tsmu": (), "torchgeo": ("torchgeo",), "geoai": ("geoai",)}  # the modules that a contestant needs
SHARED_SETTINGS = ("regions", "steps", "batch_size", "encoder", "split")  # they must be equal for all cells of a folder
RESULTS = "peers.json"
SCRIPT = Path(__file__).with_name("training.py")

Results = dict[str, Any]
Announce = Callable[[str], None]


@dataclass(frozen=True)
class PeerSettings:
    """Regions, contestants and training settings of one comparison.

    Attributes:
        data: folder with one chips folder (`images/`, `masks/`) per region.
        regions: names of the regions; each is learned alone.
        contestants: some of `tsmu`, `torchgeo` and `geoai`.
        seeds: number of seeds; they are 0 to `seeds` - 1.
        steps: optimisation steps.
        batch_size: chips per step.
        encoder: name of the encoder in segmentation_models_pytorch.
        weights: the weights from which the encoder of every contestant starts: `auto`, a name, a file or `none`.
        split: `fixed` or `folds`, as in the continual benchmark.
        pairs: folders with `pre.tif`, `post.tif`, `mask.tif` and perhaps `dem*.tif`, for the change threshold.
    """

    data: str
    regions: tuple[str, ...]
    contestants: tuple[str, ...]
    seeds: int
    steps: int
    batch_size: int
    encoder: str
    weights: str
    split: str
    pairs: tuple[str, ...] = ()


def run_peers(settings: PeerSettings, out: Path, announce: Announce, peer_python: Path | None = None) -> Results:
    """Let every contestant learn every region that is not in `out/peers.json` yet.

    Args:
        settings: the settings of the comparison.
        out: folder for `peers.json` and `peers.md`; it may be the folder of a continual benchmark.
        announce: called with one line before each training.
        peer_python: a Python interpreter that has TorchGeo and GeoAI; by default the one that runs this.

    Returns:
        The content of peers.json.

    Raises:
        BenchmarkError: a peer is not installed or fails, or the folder holds another run.
    """
    check_installed(settings.contestants, peer_python)
    return compare_contestants(
        settings, read_regions(Path(settings.data), settings.regions), out, announce, peer_python
    )


def check_installed(contestants: Sequence[str], peer_python: Path | None) -> None:
    """Make sure that the modules which the contestants need can be imported.

    Args:
        contestants: names of the contestants.
        peer_python: the interpreter that must have the modules; None means the one that runs this.

    Raises:
        BenchmarkError: a contestant is unknown, the interpreter cannot be run, or modules are missing; the message
            says how to install them.
    """
    if unknown := [name for name in contestants if name not in REQUIRED_MODULES]:
        raise BenchmarkError(f"unknown contestant {unknown[0]!r}; choose of: {', '.join(REQUIRED_MODULES)}")
    python = str(peer_python or sys.executable)
    modules = [module for name in contestants for module in REQUIRED_MODULES[name]]
    code = "import importlib.util, sys; print(*[n for n in sys.argv[1:] if importlib.util.find_spec(n) is None])"
    try:
        process = subprocess.run([python, "-P", "-c", code, *modules], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchmarkError(f"--peer-python {python}: is no Python from 3.11 on ({error}); name another") from None
    if missing := process.stdout.split():
        raise BenchmarkError(
            f"{' and '.join(missing)}: not installed for {python}; install with: "
            "pip install torchgeo geoai-py, or name the Python that has them with --peer-python"
        )


def compare_contestants(
    settings: PeerSettings,
    chips: dict[str, geopandas.GeoDataFrame],
    out: Path,
    announce: Announce,
    peer_python: Path | None = None,
) -> Results:
    """Do the same as `run_peers` with chips that have been read already.

    Args:
        settings: the settings of the comparison.
        chips: the chips of each region, as `tsmu.benchmark.read_regions` gives them.
        out: see `run_peers`.
        announce: see `run_peers`.
        peer_python: see `run_peers`.
    """
    pretrained = find_weights(settings.encoder, settings.weights)
    weights = f"{pretrained.source}, digest {pretrained.digest[:12]}" if pretrained else "random"
    results = _stored(settings, weights, out / RESULTS)
    cells = results["cells"]
    for seed in range(settings.seeds):
        for region, rows in split_chips(chips, settings.split, seed).items():
            for contestant in settings.contestants:
                if any((c["contestant"], c["region"], c["seed"]) == (contestant, region, seed) for c in cells):
                    continue
                announce(f"{contestant}, {region}, seed {seed}")
                python = peer_python if REQUIRED_MODULES[contestant] else None
                cell = _learn(settings, contestant, rows, region, seed, pretrained, str(python or sys.executable))
                cells.append(cell)
                _write_results(out / RESULTS, results)
    for pair in map(Path, settings.pairs):
        others = [change for change in results["change"] if change["pair"] != pair.name]
        results["change"] = others + [{"pair": pair.name} | change for change in change_thresholds(pair)]
    _write_results(out / RESULTS, results)
    write_text(out / "peers.md", peers_table(results))
    return results


def _stored(settings: PeerSettings, weights: str, file: Path) -> Results:
    """Read the results of an earlier run with equal settings; without such a run, make empty results.

    Raises:
        BenchmarkError: the folder holds a run with other settings.
    """
    requested = json.loads(
        json.dumps({name: getattr(settings, name) for name in SHARED_SETTINGS} | {"weights": weights})
    )
    if not file.exists():
        return {"settings": requested, "cells": [], "change": []}
    stored: Results = json.loads(file.read_text(encoding="utf-8"))
    for name, value in requested.items():
        if value != stored["settings"][name]:
            raise BenchmarkError(
                f"{file}: holds a run with {name} {stored['settings'][name]}, asked for {value}; name another folder"
            )
    return stored


def _write_results(file: Path, results: Results) -> None:
    write_json(file, results | {"written": datetime.now(UTC).isoformat(timespec="seconds")})


def _learn(
    settings: PeerSettings,
    contestant: str,
    chips: geopandas.GeoDataFrame,
    region: str,
    seed: int,
    pretrained: PretrainedWeights | None,
    python: str,
) -> Results:
    """Let a contestant learn a region in a process of its own, and score its predictions."""
    with tempfile.TemporaryDirectory(prefix="tsmu-peers-") as folder:
        names, side, padded = write_tiles(chips, Path(folder))
        chips.to_parquet(Path(folder) / "chips.parquet")
        state = write_encoder_state(
            settings.encoder, pretrained, shared_bands(chips), Path(folder) / "encoder.safetensors"
        )
        out = Path(folder) / "answers"
        out.mkdir()
        job = Job(
            contestant=contestant, folder=folder, names=names, bands=len(shared_bands(chips)), side=side, padded=padded,
            encoder=settings.encoder, weights=settings.weights, encoder_state=str(state) if state else None,
            steps=settings.steps, batch_size=settings.batch_size, seed=seed, out=str(out),
            chips=str(Path(folder) / "chips.parquet"), region=region,
        )  # fmt: skip
        write_json(Path(folder) / "job.json", asdict(job))
        results = run_contestant(contestant, Path(folder) / "job.json", python)
        answers = results.pop("answers")
        results["scores"] = {kept: score_answers(Path(file), names, chips) for kept, file in answers.items()}
    return {"contestant": contestant, "region": region, "seed": seed} | results


def write_encoder_state(
    encoder: str, pretrained: PretrainedWeights | None, bands: Sequence[str], file: Path
) -> Path | None:
    """Write the state from which tsmu's encoder starts for these bands; returns the file, None for random weights."""
    if pretrained is None:
        return None
    module = build_encoder(encoder, len(bands))
    load_weights(module, pretrained, bands)
    save_file({name: tensor.contiguous() for name, tensor in module.state_dict().items()}, file)
    return file


def write_tiles(chips: geopandas.GeoDataFrame, folder: Path) -> tuple[dict[str, list[str]], int, bool]:
    """Write chips as `images/NAME.tif` and `labels/NAME.tif`, the tiles from which both peers learn.

    Pixels without data become 0, and their label 255.

    Returns:
        The names of the chips of each split, the smallest multiple of 32 px that is not smaller than any side of a
        chip, and whether any chip is smaller than a square with this side.

    Raises:
        BenchmarkError: a split has no chips, or the images do not have 8 bits; the peers divide values by 255.
    """
    names: dict[str, list[str]] = {}
    shapes = set()
    for split in ("train", "val", "test"):
        rows = chips[chips["split"] == split]
        if not len(rows):
            raise BenchmarkError(f"{chips['region'].iloc[0]}: no {split} chips; each split needs some")
        names[split] = [f"{split}_{number:06d}" for number in range(len(rows))]
        dataset = ChipDataset(rows, cache_bytes=0)
        for position, name in enumerate(names[split]):
            sample = dataset[position]
            image = np.nan_to_num(sample["image"].numpy())
            if (image != image.astype(np.uint8)).any():
                raise BenchmarkError(f"{rows['id'].iloc[position]}: not of 8 bits, which both peers' defaults expect")
            _write(folder / "images" / f"{name}.tif", image.astype(np.uint8))
            _write(folder / "labels" / f"{name}.tif", sample["mask"].numpy().astype(np.uint8)[None])
            shapes.add(image.shape[1:])
    side = max(-(-length // MULTIPLE) * MULTIPLE for shape in shapes for length in shape)
    return names, side, shapes != {(side, side)}


def _write(file: Path, pixels: npt.NDArray[np.uint8]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": "uint8"}
    with rasterio.open(file, "w", **profile) as dataset:
        dataset.write(pixels)


def run_contestant(contestant: str, job: Path, python: str) -> Results:
    """Run the training script, and return the JSON in its last line of output.

    Args:
        contestant: name of the contestant, for messages.
        job: the JSON file with the job.
        python: the interpreter.

    Raises:
        BenchmarkError: the script fails; the message has the last line that it wrote to stderr.
    """
    process = subprocess.run([python, "-P", str(SCRIPT), str(job)], capture_output=True, text=True, check=False)
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise BenchmarkError(f"benchmark peers, {contestant}: fails ({reason})")
    return dict(json.loads(process.stdout.strip().splitlines()[-1]))


def score_answers(file: Path, names: dict[str, list[str]], chips: geopandas.GeoDataFrame) -> Results:
    """Score predictions in the same way as all benchmarks.

    Args:
        file: an .npz file with the probabilities of each validation and test chip under the chip's name.
        names: the names of the chips of each split.
        chips: the chips as rows of a chips index.

    Returns:
        `iou` on the test chips at `threshold`, which is chosen on the validation chips, `iou_at_half` (at 50 %),
        `average_precision`, and number (`pixels`) and landslide share of the test pixels.
    """
    counts = {}
    with np.load(file) as answers:
        for split in ("val", "test"):
            masks = ChipDataset(chips[chips["split"] == split], cache_bytes=0)
            counts[split] = [
                PixelCounts.from_probability(answers[name], masks[number]["mask"].numpy())
                for number, name in enumerate(names[split])
            ]
    threshold = choose_threshold(counts["val"])
    test = PixelCounts.pooled(counts["test"])
    return {
        "iou": test.iou(threshold),
        "threshold": threshold / 100,
        "iou_at_half": test.iou(NEUTRAL_PERCENT),
        "average_precision": test.average_precision(),
        "pixels": test.pixels,
        "landslide_share": test.landslide_share,
    }
