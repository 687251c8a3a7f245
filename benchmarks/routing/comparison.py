"""Which gate routes images to the right region, and which tells that an image is of no known region.

Ours (`tsmu.model.gate`) beside the paper's autoencoders, on the test chips of real regions. Both get
the images as they are and after a stretch that takes every image's own brightness and contrast
away: different renderings must not be what tells regions apart.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import geopandas
import numpy as np
import numpy.typing as npt
import rasterio
import torch
from rasterio.windows import Window
from scipy.stats import rankdata
from torch import Tensor

from benchmarks.routing.autoencoders import AutoencoderGate
from tsmu.benchmark.chip_folders import read_regions
from tsmu.chips.dataset import ChipDataset
from tsmu.chips.index import select
from tsmu.chips.looks import looks, style_from
from tsmu.errors import BenchmarkError
from tsmu.imagery.raster import SUFFIXES, read
from tsmu.model.gate import STRANGE, Gate

LOW, HIGH = 0.02, 0.98  # of an image's values, brought to 0 and 255
FINEST = 1e-6

Images = Mapping[str, Tensor]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A folder of rasters, and which of their bands are red, green and blue, counted from 1."""

    folder: Path
    bands: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> tuple[str, Self]:
        """Read `NAME=DIR:1,2,3`.

        Raises:
            BenchmarkError: it is written otherwise.
        """
        found = re.fullmatch(r"(?P<name>[^=]+)=(?P<folder>.+):(?P<bands>[1-9]\d*(,[1-9]\d*)*)", text)
        if not found or not Path(found["folder"]).is_dir():
            raise BenchmarkError(f"{text}: not a place; write NAME=DIR:1,2,3, the folder and the bands to take")
        return found["name"], cls(Path(found["folder"]), tuple(int(band) for band in found["bands"].split(",")))


def benchmark_routing(data: Path, regions: Sequence[str], others: Mapping[str, Place], seeds: int) -> dict[str, Any]:
    """Measure both gates; the keys are those of `tsmu benchmark routing --json`.

    Args:
        data: folder with one chips folder per region.
        regions: by name.
        others: rasters of other places, by name.
        seeds: of the autoencoders.

    Returns:
        By rendering (`as_they_are`, `stretched`): `ours` and `autoencoders`, each with `accuracy`
        (all test chips), `by_region`, `auc`, how well known test chips are told from the others and
        from each region when it is left out, and `flagged`, the share of each that scores above what
        our gate calls strange.
    """
    chips = read_regions(data, regions)
    train, test = ({r: _images(select(rows, r, split)) for r, rows in chips.items()} for split in ("train", "test"))
    side = next(iter(train.values())).shape[-1]
    strangers = {name: _tiles(place, side) for name, place in others.items()}
    renderings = {"as_they_are": lambda images: images, "stretched": stretched}
    results: dict[str, Any] = {}
    for rendering, render in renderings.items():
        learned, known, strange = ({n: render(i) for n, i in part.items()} for part in (train, test, strangers))
        results[rendering] = {
            "ours": _measure(_Ours(learned), known, strange),
            "autoencoders": [_measure(_Autoencoders(learned, seed), known, strange) for seed in range(seeds)],
        }
    counts = {name: len(images) for name, images in (test | strangers).items()}
    return {"regions": list(regions), "images": counts, "seeds": seeds, **results}


class _Ours:
    """Discriminant analysis on what images look like; far from every region is strange."""

    def __init__(self, train: Images) -> None:
        self._styles = {region: style_from(looks(images), images.shape[-1]) for region, images in train.items()}

    def choice(self, images: Tensor) -> Tensor:
        return Gate(self._styles).log_likelihoods(images).argmax(1)

    def strangeness(self, images: Tensor, regions: Sequence[str]) -> Scores:
        gate = Gate({region: self._styles[region] for region in regions})
        return np.asarray(gate.distances(images).min(1).values)


class _Autoencoders:
    """The smallest reconstruction error; large for every region, relative to its own images, is strange."""

    def __init__(self, train: Images, seed: int) -> None:
        self._gate = AutoencoderGate(train, seed)
        self._usual = {region: self._gate.errors(images)[region].mean() for region, images in train.items()}

    def choice(self, images: Tensor) -> Tensor:
        return torch.stack(list(self._gate.errors(images).values())).argmin(0)

    def strangeness(self, images: Tensor, regions: Sequence[str]) -> Scores:
        errors = self._gate.errors(images)
        return np.asarray(torch.stack([errors[region] / self._usual[region] for region in regions]).min(0).values)


def _measure(gate: _Ours | _Autoencoders, test: Images, strangers: Images) -> dict[str, Any]:
    regions = list(test)
    right = {region: gate.choice(images) == number for number, (region, images) in enumerate(test.items())}
    known = np.concatenate([gate.strangeness(images, regions) for images in test.values()])
    strange = {name: gate.strangeness(images, regions) for name, images in strangers.items()}
    auc = {name: area_under_roc(known, scores) for name, scores in strange.items()}
    for left_out in regions:
        rest = [region for region in regions if region != left_out]
        inside = np.concatenate([gate.strangeness(test[region], rest) for region in rest])
        strange[left_out] = gate.strangeness(test[left_out], rest)
        auc[left_out] = area_under_roc(inside, strange[left_out])
    return {
        "accuracy": float(torch.cat(list(right.values())).double().mean()),
        "by_region": {region: float(hits.double().mean()) for region, hits in right.items()},
        "auc": auc,
        "flagged": {name: float((scores > STRANGE).mean()) for name, scores in {"known": known, **strange}.items()},
    }


def area_under_roc(known: Scores, strange: Scores) -> float:
    """Probability that a strange image scores higher than a known one (Mann-Whitney); ties count half."""
    ranks = rankdata(np.concatenate([known, strange]))[len(known) :]
    return float((ranks.sum() - len(strange) * (len(strange) + 1) / 2) / (len(known) * len(strange)))


def stretched(images: Tensor) -> Tensor:
    """Bring each image (N, C, H, W), all its bands together, to 8 bits between its 2 % and 98 % values."""
    low, high = torch.quantile(images.flatten(1), torch.tensor([LOW, HIGH], dtype=images.dtype), dim=1)
    spread = (high - low).clamp(min=FINEST)[:, None, None, None]
    scaled: Tensor = (255 * (images - low[:, None, None, None]) / spread).clamp(0, 255).round()
    return scaled


def _images(chips: geopandas.GeoDataFrame) -> Tensor:
    samples = ChipDataset(chips, cache_bytes=0)
    return torch.stack([samples[position]["image"] for position in range(len(samples))]).nan_to_num()


def _tiles(place: Place, side: int) -> Tensor:
    """Cut rasters into whole tiles of `side` pixels."""
    files = sorted(file for file in place.folder.iterdir() if file.suffix.lower() in SUFFIXES)
    tiles = []
    for file in files:
        with rasterio.open(file) as dataset:
            height, width = dataset.shape
        for row in range(0, height - side + 1, side):
            for column in range(0, width - side + 1, side):
                values, valid = read(file, Window(column, row, side, side))
                if valid.all():
                    tiles.append(torch.from_numpy(values[[band - 1 for band in place.bands]].astype(np.float32)))
    if not tiles:
        raise BenchmarkError(f"{place.folder}: no raster with a whole tile of {side} pixels")
    return torch.stack(tiles)


def routing_table(results: dict[str, Any]) -> str:
    """Write the results as Markdown; the autoencoders as the mean over their seeds."""
    names = [name for name in results["images"] if name in results["stretched"]["ours"]["auc"]]
    lines = [
        "| images | gate | routed right | " + " | ".join(f"AUC {name}" for name in names) + " |",
        "|---" * (3 + len(names)) + "|",
    ]
    for rendering in ("as_they_are", "stretched"):
        for gate, runs in (
            ("ours", [results[rendering]["ours"]]),
            ("autoencoders", results[rendering]["autoencoders"]),
        ):
            right = np.mean([run["accuracy"] for run in runs])
            areas = (f"{np.mean([run['auc'][name] for run in runs]):.3f}" for name in names)
            lines.append(f"| {rendering.replace('_', ' ')} | {gate} | {right:.3f} | " + " | ".join(areas) + " |")
    return "\n".join([*lines, ""])
