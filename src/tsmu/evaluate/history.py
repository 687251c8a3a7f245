"""How a chain of model versions predicts every region: the R matrix of a workspace."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np

from tsmu.chips import available_chips, contents_digest, read_index, select_chips
from tsmu.errors import ChipError
from tsmu.evaluate.metrics.continual_scores import ContinualScores, Matrix
from tsmu.evaluate.metrics.pixel_counts import PixelCounts
from tsmu.evaluate.predictions import count_pixels
from tsmu.files import atomic_write
from tsmu.issues import IssueLog
from tsmu.model import Bundle, BundleRecord, RegionNet, open_bundle, served_record, serving_bundle
from tsmu.wording import counted
from tsmu.workspace_folder import WorkspaceFolder

ProgressCallback = Callable[[int, int], None]  # is given how many steps are done, and of how many


@dataclass(frozen=True)
class ServedRegion:
    """What maps a region now, and how it scores: the current version, or the one that the region is pinned to.

    Attributes:
        bundle: that version.
        decoder: the region's decoder in it.
        threshold: whole percent from which a pixel counts as landslide.
        test_chips: rows of the chips index.
        counts: pooled counts on these chips.
    """

    bundle: Bundle
    decoder: str
    threshold: int
    test_chips: geopandas.GeoDataFrame
    counts: PixelCounts

    @property
    def iou(self) -> float:
        """IoU on the test chips at the threshold."""
        return self.counts.iou(self.threshold)


@dataclass(frozen=True)
class History:
    """Every version of a chain on every region's test chips.

    Attributes:
        bundles: the versions from the first to the current one.
        regions: in the order in which they were first learned.
        counts: counts[i][j] of version i on region j.
        thresholds: thresholds[i][j], whole percents, chosen on validation chips when a region was learned.
        served: by region, what maps it now; also of regions that only a pinned version has learned.
    """

    bundles: list[Bundle]
    regions: list[str]
    counts: list[list[PixelCounts]]
    thresholds: list[list[int]]
    served: dict[str, ServedRegion]

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
        """The R matrix with what its summaries need."""
        order = [bundle.record.newest_region for bundle in self.bundles]
        return ContinualScores(
            self.matrix,
            pixels=[counts.pixels for counts in self.counts[0]],
            baseline=[counts.landslide_share for counts in self.counts[0]],
            learned_at=[order.index(region) for region in self.regions],
        )

    @property
    def scores_served(self) -> ContinualScores:
        """The same, with the last version's row of R replaced by the scores of the versions that serve the regions."""
        served = [self.served[region].iou for region in self.regions]
        return replace(self.scores, R=np.array([*self.matrix[:-1], served]))

    @property
    def has_pins(self) -> bool:
        """Whether any region is served by another version than the last one."""
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
                    "version": served.bundle.name,
                    "threshold": served.threshold,
                    "decoder": served.decoder,
                    **served.counts.summary(served.threshold),
                }
                for region, served in self.served.items()
            },
            "summary_now": self.scores_served.summaries()[-1],
        }


def evaluate_history(
    workspace: WorkspaceFolder,
    log: IssueLog,
    progress: ProgressCallback | None = None,
    *,
    version: Bundle | None = None,
) -> History:
    """Evaluate a version and those that it came from on the test chips of all its regions.

    The counts of each version on each region's chips are computed once and stored in the workspace's cache.

    Args:
        workspace: has the bundles and the chips.
        log: gets the regions that are left out because their test chips are missing, and those
            some of whose test chips are missing.
        progress: called with the number of pairs of version and region that are done, and of all such pairs.
        version: the newest one of the history; by default the current version.

    Raises:
        BundleError: there is no bundle yet.
        ChipError: no region has test chips that can be scored.

    Example:
        >>> history = evaluate_history(workspace, log)
        >>> history.regions, history.matrix.shape
        (['alps'], (1, 1))
    """
    bundles, served_now = _ancestry(workspace, version), served_record(workspace.models)
    test_chips = _test_chips(workspace, version.record if version else served_now, log)
    regions = [region for region in bundles[-1].record.regions if region in test_chips]
    if not regions:
        why = f" ({log.errors[0].problem})" if log.errors else ""
        names = ", ".join(bundles[-1].record.regions)
        raise ChipError(f"{workspace.chips}: no test chips of {names} that can be scored{why}; import some")
    counts: list[list[PixelCounts]] = []
    thresholds: list[list[int]] = []
    for bundle in bundles:
        records = bundle.record.regions
        # Regions that this version has not learned are predicted by its newest decoder.
        entries = [records.get(region, records[bundle.record.newest_region]) for region in regions]
        thresholds.append([entry.threshold for entry in entries])
        scorer = _CachedScorer(bundle, workspace.cache)
        row = []
        for region, entry in zip(regions, entries, strict=True):
            row.append(scorer.counts(entry.decoder, test_chips[region]))
            if progress:
                progress(len(counts) * len(regions) + len(row), len(bundles) * len(regions))
        counts.append(row)
    served = {
        region: _served_region(workspace, region, chips)
        for region, chips in test_chips.items()
        if region in served_now.regions
    }
    return History(bundles, regions, counts, thresholds, served)


def _test_chips(workspace: WorkspaceFolder, record: BundleRecord, log: IssueLog) -> dict[str, geopandas.GeoDataFrame]:
    """By region, the test chips that have the model's bands and whose files exist; the others are logged."""
    index = read_index(workspace)
    test_chips = {}
    for region in record.regions:
        chips = select_chips(index, region, "test")
        if not len(chips):
            log.error(region, "no test chips", "not scored; import chips of this region")
            continue
        chips = _with_bands(chips, record.bands, region, log)
        if not len(chips):
            continue
        complete = available_chips(chips)
        missing = len(chips) - len(complete)
        if len(complete):
            test_chips[region] = complete
        if not len(complete):
            log.error(region, f"the files of its {counted(missing, 'test chip')} are gone", "not scored; put them back")
        elif missing:
            log.warning(region, f"the files of {counted(missing, 'test chip')} are gone", "scored on the others")
    return test_chips


def _with_bands(chips: geopandas.GeoDataFrame, bands: list[str], region: str, log: IssueLog) -> geopandas.GeoDataFrame:
    """The chips that have the model's bands; others are logged."""
    lists = [list(chip_bands) for chip_bands in chips["bands"]]
    others = [chip_bands for chip_bands in lists if chip_bands != bands]
    if not others:
        return chips
    chip_count = counted(len(others), "test chip has", "test chips have")
    problem = f"{chip_count} the bands {', '.join(others[0])}, the model takes "
    log.error(region, problem + ", ".join(bands), "not scored; import them with the model's bands")
    return chips[[chip_bands == bands for chip_bands in lists]]


def _served_region(workspace: WorkspaceFolder, region: str, chips: geopandas.GeoDataFrame) -> ServedRegion:
    """Measure how well the model version that is in use for a region predicts the region's test chips."""
    bundle = serving_bundle(workspace.models, region)
    entry = bundle.record.regions[region]
    counts = _CachedScorer(bundle, workspace.cache).counts(entry.decoder, chips)
    return ServedRegion(bundle, entry.decoder, entry.threshold, chips, counts)


def _ancestry(workspace: WorkspaceFolder, version: Bundle | None) -> list[Bundle]:
    """A version, by default the current one, and all that it was updated from, oldest first."""
    chain = [version or serving_bundle(workspace.models)]
    while chain[0].record.parent is not None:
        chain.insert(0, open_bundle(workspace.models / f"v{chain[0].record.parent:03d}"))
    return chain


class _CachedScorer:
    """Pixel counts of one version, stored on disk; its network is loaded when the counts of some chips are missing."""

    def __init__(self, bundle: Bundle, cache: Path) -> None:
        self._bundle = bundle
        self._folder = cache / bundle.digest[:16]
        self._network: RegionNet | None = None

    def counts(self, decoder: str, chips: geopandas.GeoDataFrame) -> PixelCounts:
        """Read the counts of a decoder's predictions on chips, or compute and store them."""
        file = self._folder / f"{decoder}-{contents_digest(chips)[:16]}.npz"
        if (stored := _stored_counts(file)) is not None:
            return stored
        if self._network is None:
            self._network = self._bundle.network()
        counts = count_pixels(self._network, decoder, chips)
        with atomic_write(file) as temporary:
            np.savez_compressed(temporary, landslide=counts.landslide, background=counts.background)
        return counts


def _stored_counts(file: Path) -> PixelCounts | None:
    """Counts that were computed before; None where there are none, or they are damaged."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            return PixelCounts(stored["landslide"], stored["background"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
