"""How a chain of bundles serves every region: the R matrix of a workspace."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np

from tsmu.chips.index import read_index, select
from tsmu.errors import ChipError
from tsmu.evaluate.matrix import ContinualScores, Matrix
from tsmu.evaluate.pixels import PixelCounts
from tsmu.evaluate.predict import count_pixels
from tsmu.files import written_whole
from tsmu.model.bundle import Bundle, open_bundle
from tsmu.model.network import RegionNet
from tsmu.model.serving import serving_bundle
from tsmu.workspace import Workspace

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class History:
    """Every version of a chain on every region's test chips.

    Attributes:
        bundles: the versions from the first to the last.
        regions: in the order in which they were first learned.
        counts: counts[i][j] of version i on region j.
        thresholds: thresholds[i][j], whole percents, chosen on validation when a region was learned.
    """

    bundles: list[Bundle]
    regions: list[str]
    counts: list[list[PixelCounts]]
    thresholds: list[list[int]]

    @property
    def matrix(self) -> Matrix:
        """R[i, j]: IoU at the stored threshold."""
        return np.array(
            [
                [counts.iou(threshold) for counts, threshold in zip(row, thresholds, strict=True)]
                for row, thresholds in zip(self.counts, self.thresholds, strict=True)
            ]
        )

    @property
    def matrix_at_half(self) -> Matrix:
        """R[i, j] at a threshold of one half."""
        return np.array([[counts.iou(50) for counts in row] for row in self.counts])

    @property
    def scores(self) -> ContinualScores:
        """The R matrix with what is needed to read it."""
        order = [bundle.record.newest_region for bundle in self.bundles]
        return ContinualScores(
            self.matrix,
            pixels=[counts.pixels for counts in self.counts[0]],
            baseline=[counts.landslide_share for counts in self.counts[0]],
            learned_at=[order.index(region) for region in self.regions],
        )

    def as_dict(self) -> dict[str, Any]:
        """The content of report.json."""
        last = self.bundles[-1].record
        scores = self.scores
        return {
            "bundle": self.bundles[-1].name,
            "regions": self.regions,
            "steps": [{"version": b.name, "region": b.record.newest_region} for b in self.bundles],
            "R": scores.R.tolist(),
            "R_at_half": self.matrix_at_half.tolist(),
            "pixels": scores.pixels,
            "baseline": scores.baseline,
            "summaries": scores.summaries(),
            "now": {
                region: {"threshold": threshold, "decoder": last.regions[region].decoder, **counts.summary(threshold)}
                for region, counts, threshold in zip(self.regions, self.counts[-1], self.thresholds[-1], strict=True)
            },
        }


def evaluate_history(workspace: Workspace, progress: Progress | None = None) -> History:
    """Evaluate the current bundle and its ancestors on the test chips of all their regions.

    What one version says about one region's chips is computed once and kept in the cache.

    Raises:
        BundleError: there is no bundle yet.
        ChipError: a region has no test chips.
    """
    bundles = _chain(workspace)
    index = read_index(workspace)
    regions = list(bundles[-1].record.regions)
    tests = {region: select(index, region, "test") for region in regions}
    for region, chips in tests.items():
        if not len(chips):
            raise ChipError(f"{region}: no test chips in {workspace.chips}; import chips of this region first")
    counts: list[list[PixelCounts]] = []
    thresholds: list[list[int]] = []
    for bundle in bundles:
        serving = [bundle.record.regions.get(r, bundle.record.regions[bundle.record.newest_region]) for r in regions]
        thresholds.append([entry.threshold for entry in serving])
        scorer = _CachedScorer(bundle, workspace.cache)
        row = []
        for region, entry in zip(regions, serving, strict=True):
            row.append(scorer.counts(entry.decoder, tests[region]))
            if progress:
                progress(len(counts) * len(regions) + len(row), len(bundles) * len(regions))
        counts.append(row)
    return History(bundles, regions, counts, thresholds)


def _chain(workspace: Workspace) -> list[Bundle]:
    """The current bundle and its ancestors, oldest first; each as it was when its region was new."""
    chain = [serving_bundle(workspace.models)]
    while chain[0].record.parent is not None:
        chain.insert(0, open_bundle(workspace.models / f"v{chain[0].record.parent:03d}"))
    return chain


class _CachedScorer:
    """Counts of one bundle, kept on disk; the network is loaded when something is missing."""

    def __init__(self, bundle: Bundle, cache: Path) -> None:
        self._bundle = bundle
        self._folder = cache / bundle.digest[:16]
        self._network: RegionNet | None = None

    def counts(self, decoder: str, chips: geopandas.GeoDataFrame) -> PixelCounts:
        file = self._folder / f"{decoder}-{_chips_key(chips)}.npz"
        if file.exists():
            stored = np.load(file)
            return PixelCounts(stored["landslide"], stored["background"])
        if self._network is None:
            self._network = self._bundle.network()
        counts = count_pixels(self._network, decoder, chips)
        with written_whole(file) as temporary:
            np.savez_compressed(temporary, landslide=counts.landslide, background=counts.background)
        return counts


def _chips_key(chips: geopandas.GeoDataFrame) -> str:
    """Name a set of chips by what they are and by the state of their files."""
    files = {path for column in ("pre", "post", "mask") for path in chips[column] if path is not None}
    states = [
        (path, Path(path).stat().st_size, Path(path).stat().st_mtime_ns)
        for path in sorted(files)
        if Path(path).exists()
    ]
    rows = chips.drop(columns="geometry").to_json(orient="records")
    return hashlib.sha256(json.dumps([rows, states]).encode()).hexdigest()[:16]
