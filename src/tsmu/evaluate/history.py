"""How a chain of bundles serves every region: the R matrix of a workspace."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np

from tsmu.chips.contents import contents_of
from tsmu.chips.index import at_hand, read_index, select
from tsmu.errors import ChipError
from tsmu.evaluate.metrics.continual_scores import ContinualScores, Matrix
from tsmu.evaluate.metrics.pixel_counts import PixelCounts
from tsmu.evaluate.predictions import count_pixels
from tsmu.files import written_whole
from tsmu.issues import IssueLog
from tsmu.model.bundles.bundle import Bundle, open_bundle
from tsmu.model.bundles.record import BundleRecord
from tsmu.model.bundles.registry import served_record, serving_bundle
from tsmu.model.network.region_net import RegionNet
from tsmu.workspace_folder import WorkspaceFolder

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Served:
    """What maps a region now: the newest version, or the one that the region is pinned to."""

    bundle: Bundle
    decoder: str
    threshold: int
    tests: geopandas.GeoDataFrame
    counts: PixelCounts

    @property
    def iou(self) -> float:
        """On the test chips, at the threshold."""
        return self.counts.iou(self.threshold)


@dataclass(frozen=True)
class History:
    """Every version of a chain on every region's test chips.

    Attributes:
        bundles: the versions from the first to the last.
        regions: in the order in which they were first learned.
        counts: counts[i][j] of version i on region j.
        thresholds: thresholds[i][j], whole percents, chosen on validation when a region was learned.
        served: by region, what maps it now; also of regions that only a pin serves.
    """

    bundles: list[Bundle]
    regions: list[str]
    counts: list[list[PixelCounts]]
    thresholds: list[list[int]]
    served: dict[str, Served]

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

    @property
    def scores_served(self) -> ContinualScores:
        """The same with what maps the regions now in place of the last version."""
        served = [self.served[region].iou for region in self.regions]
        return replace(self.scores, R=np.array([*self.matrix[:-1], served]))

    @property
    def pinned(self) -> bool:
        """Whether other versions than the last serve regions."""
        return any(served.bundle.name != self.bundles[-1].name for served in self.served.values())

    def as_dict(self) -> dict[str, Any]:
        """The content of report.json."""
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
                region: {
                    "version": now.bundle.name,
                    "threshold": now.threshold,
                    "decoder": now.decoder,
                    **now.counts.summary(now.threshold),
                }
                for region, now in self.served.items()
            },
            "summary_now": self.scores_served.summaries()[-1],
        }


def evaluate_history(workspace: WorkspaceFolder, log: IssueLog, progress: Progress | None = None) -> History:
    """Evaluate the current bundle and its ancestors on the test chips of all their regions.

    What one version says about one region's chips is computed once and kept in the cache.

    Args:
        workspace: holds the bundles and the chips.
        log: gets the regions that are left out, since none of their test chips are there, and those
            of which some have gone.
        progress: called with how many of all pairs of version and region are done.

    Raises:
        BundleError: there is no bundle yet.
        ChipError: no region has test chips.
    """
    bundles = _chain(workspace)
    record = served_record(workspace.models)
    tests = _tests(workspace, record, log)
    regions = [region for region in bundles[-1].record.regions if region in tests]
    if not regions:
        why = f" ({log.errors[0].problem})" if log.errors else ""
        names = ", ".join(bundles[-1].record.regions)
        raise ChipError(f"{workspace.chips}: no test chips of {names} that can be scored{why}; import some")
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
    served = {region: _served(workspace, region, chips) for region, chips in tests.items()}
    return History(bundles, regions, counts, thresholds, served)


def _tests(workspace: WorkspaceFolder, record: BundleRecord, log: IssueLog) -> dict[str, geopandas.GeoDataFrame]:
    """The test chips whose files are there and have the model's bands, by region."""
    index = read_index(workspace)
    tests = {}
    for region in record.regions:
        chips = select(index, region, "test")
        fit = chips[[list(bands) == record.bands for bands in chips["bands"]]] if len(chips) else chips
        if len(fit) < len(chips):
            other = next(list(bands) for bands in chips["bands"] if list(bands) != record.bands)
            problem = f"{len(chips) - len(fit)} test chips have the bands {', '.join(other)}, the model takes "
            log.error(region, problem + ", ".join(record.bands), "not scored; import them with the model's bands")
            if not len(fit):
                continue
            chips = fit
        there = at_hand(chips)
        if len(there):
            tests[region] = there
        if not len(chips):
            log.error(region, "no test chips", "not scored; import chips of this region")
        elif not len(there):
            log.error(region, f"the files of its {len(chips)} test chips are gone", "not scored; put them back")
        elif len(there) < len(chips):
            log.warning(region, f"the files of {len(chips) - len(there)} test chips are gone", "scored on the others")
    return tests


def _served(workspace: WorkspaceFolder, region: str, tests: geopandas.GeoDataFrame) -> Served:
    bundle = serving_bundle(workspace.models, region)
    entry = bundle.record.regions[region]
    counts = _CachedScorer(bundle, workspace.cache).counts(entry.decoder, tests)
    return Served(bundle, entry.decoder, entry.threshold, tests, counts)


def _chain(workspace: WorkspaceFolder) -> list[Bundle]:
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
        file = self._folder / f"{decoder}-{contents_of(chips)[:16]}.npz"
        if (stored := _stored_counts(file)) is not None:
            return stored
        if self._network is None:
            self._network = self._bundle.network()
        counts = count_pixels(self._network, decoder, chips)
        with written_whole(file) as temporary:
            np.savez_compressed(temporary, landslide=counts.landslide, background=counts.background)
        return counts


def _stored_counts(file: Path) -> PixelCounts | None:
    """Counts that were computed before; None where there are none, or they are damaged."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            return PixelCounts(stored["landslide"], stored["background"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
