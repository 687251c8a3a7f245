"""A comparison of two gates: how many images they route to the right region, and how well they detect unknown regions.

The gate of tsmu (`tsmu.model.gate`) and the paper's autoencoders get the test chips of real regions. The chips are used
unchanged, and stretched so that all images have the same brightness and contrast, because gates should not distinguish
regions by the rendering of their images.
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
from tsmu.benchmark import read_regions
from tsmu.chips import ChipDataset, image_features, select_chips, summarise_features
from tsmu.errors import BenchmarkError
from tsmu.imagery import IMAGE_SUFFIXES, read_raster
from tsmu.model import UNFAMILIAR_DISTANCE, Gate

LOW, HIGH = 0.02, 0.98  # quantiles of an image's values that are stretched to 0 and 255
SMALLEST_SPREAD = 1e-6

Images = Mapping[str, Tensor]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OtherPlace:
    """A place in no known region.

    Attributes:
        folder: the folder with rasters of the place.
        bands: numbers of the red, green and blue band in these rasters, counted from 1.
    """

    folder: Path
    bands: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> tuple[str, Self]:
        """Read a text of the form `NAME=DIR:1,2,3`; returns the name and the place.

        Raises:
            BenchmarkError: the text has another form, or the folder does not exist.
        """
        match = re.fullmatch(r"(?P<name>[^=]+)=(?P<folder>.+):(?P<bands>[1-9]\d*(,[1-9]\d*)*)", text)
        if not match or not Path(match["folder"]).is_dir():
            raise BenchmarkError(
                f"{text}: not a place; write NAME=DIR:1,2,3, its folder of rasters and the numbers of their RGB bands"
            )
        return match["name"], cls(Path(match["folder"]), tuple(int(band) for band in match["bands"].split(",")))


def benchmark_routing(
    data: Path, regions: Sequence[str], others: Mapping[str, OtherPlace], seeds: int
) -> dict[str, Any]:
    """Measure both gates; the keys are those of `python -m benchmarks routing --json`.

    Args:
        data: folder with one chips folder per region.
        regions: names of the regions.
        others: places in none of the regions, by name.
        seeds: number of trainings of the autoencoders.

    Returns:
        For each rendering (`as_they_are`, `stretched`) the figures of `ours` and, as a list by seed, of `autoencoders`:
        `accuracy` (share of all test chips that were routed to the right region), `by_region` (the same for each
        region), `auc` (how well test chips of known regions are distinguished from each other place, and from each
        region when it is left out), and `flagged` (the share of each of these groups, and of `known` chips, whose score
        is above the distance from which the gate of tsmu reports an image as unknown). Also `regions`, `images` (number
        of images of each region and place) and `seeds`.
    """
    chips = read_regions(data, regions)
    train, test = (
        {r: _read_images(select_chips(rows, r, split)) for r, rows in chips.items()} for split in ("train", "test")
    )
    side = next(iter(train.values())).shape[-1]
    other = {name: _read_tiles(place, side) for name, place in others.items()}
    renderings = {"as_they_are": lambda images: images, "stretched": stretch}
    results: dict[str, Any] = {}
    for rendering, render in renderings.items():
        learned, known, unknown = ({n: render(i) for n, i in part.items()} for part in (train, test, other))
        results[rendering] = {
            "ours": _measure(_FeatureGate(learned), known, unknown),
            "autoencoders": [_measure(_AutoencoderGate(learned, seed), known, unknown) for seed in range(seeds)],
        }
    counts = {name: len(images) for name, images in (test | other).items()}
    return {"regions": list(regions), "images": counts, "seeds": seeds, **results}


class _FeatureGate:
    """The gate of tsmu: discriminant analysis of image statistics; an image far from every region counts as unknown."""

    def __init__(self, train: Images) -> None:
        self._styles = {
            region: summarise_features(image_features(images), images.shape[-1]) for region, images in train.items()
        }

    def choose_region(self, images: Tensor) -> Tensor:
        return Gate(self._styles).log_likelihoods(images).argmax(1)

    def unknown_score(self, images: Tensor, regions: Sequence[str]) -> Scores:
        gate = Gate({region: self._styles[region] for region in regions})
        return np.asarray(gate.distances(images).min(1).values)


class _AutoencoderGate:
    """The paper's gate: the region with the smallest reconstruction error; if all errors are large, it is unknown."""

    def __init__(self, train: Images, seed: int) -> None:
        self._gate = AutoencoderGate(train, seed)
        self._mean_errors = {region: self._gate.errors(images)[region].mean() for region, images in train.items()}

    def choose_region(self, images: Tensor) -> Tensor:
        return torch.stack(list(self._gate.errors(images).values())).argmin(0)

    def unknown_score(self, images: Tensor, regions: Sequence[str]) -> Scores:
        errors = self._gate.errors(images)
        return np.asarray(torch.stack([errors[region] / self._mean_errors[region] for region in regions]).min(0).values)


def _measure(gate: _FeatureGate | _AutoencoderGate, test: Images, other: Images) -> dict[str, Any]:
    """Measure a gate on the test chips of the known regions, and on images of other places."""
    regions = list(test)
    right = {region: gate.choose_region(images) == number for number, (region, images) in enumerate(test.items())}
    known = np.concatenate([gate.unknown_score(images, regions) for images in test.values()])
    unknown = {name: gate.unknown_score(images, regions) for name, images in other.items()}
    auc = {name: area_under_roc(known, scores) for name, scores in unknown.items()}
    for left_out in regions:
        rest = [region for region in regions if region != left_out]
        inside = np.concatenate([gate.unknown_score(test[region], rest) for region in rest])
        unknown[left_out] = gate.unknown_score(test[left_out], rest)
        auc[left_out] = area_under_roc(inside, unknown[left_out])
    return {
        "accuracy": float(torch.cat(list(right.values())).double().mean()),
        "by_region": {region: float(hits.double().mean()) for region, hits in right.items()},
        "auc": auc,
        "flagged": {
            name: float((scores > UNFAMILIAR_DISTANCE).mean()) for name, scores in {"known": known, **unknown}.items()
        },
    }


def area_under_roc(known: Scores, unknown: Scores) -> float:
    """The probability that an unknown image scores higher than a known one (Mann-Whitney); ties count half."""
    ranks = rankdata(np.concatenate([known, unknown]))[len(known) :]
    return float((ranks.sum() - len(unknown) * (len(unknown) + 1) / 2) / (len(known) * len(unknown)))


def stretch(images: Tensor) -> Tensor:
    """Stretch each image (N, C, H, W), all its bands together, to 0..255 between its 2 % and 98 % quantiles."""
    low, high = torch.quantile(images.flatten(1), torch.tensor([LOW, HIGH], dtype=images.dtype), dim=1)
    spread = (high - low).clamp(min=SMALLEST_SPREAD)[:, None, None, None]
    scaled: Tensor = (255 * (images - low[:, None, None, None]) / spread).clamp(0, 255).round()
    return scaled


def _read_images(chips: geopandas.GeoDataFrame) -> Tensor:
    samples = ChipDataset(chips, cache_bytes=0)
    return torch.stack([samples[position]["image"] for position in range(len(samples))]).nan_to_num()


def _read_tiles(place: OtherPlace, side: int) -> Tensor:
    """Read the rasters of a place as whole tiles of `side` pixels (N, 3, side, side)."""
    files = sorted(file for file in place.folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    tiles = []
    for file in files:
        with rasterio.open(file) as dataset:
            height, width = dataset.shape
        for row in range(0, height - side + 1, side):
            for column in range(0, width - side + 1, side):
                values, valid = read_raster(file, Window(column, row, side, side))
                if valid.all():
                    tiles.append(torch.from_numpy(values[[band - 1 for band in place.bands]].astype(np.float32)))
    if not tiles:
        raise BenchmarkError(f"{place.folder}: no raster with a whole tile of {side} pixels")
    return torch.stack(tiles)


def routing_table(results: dict[str, Any]) -> str:
    """Write the results as Markdown; figures of the autoencoders are means over their seeds."""
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
