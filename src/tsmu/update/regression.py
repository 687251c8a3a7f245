"""Regression checks: does an update make any region worse than the best version before it?"""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas
import numpy as np
import torch

from tsmu.chips import ChipDataset, ImageStatistics, transfer_colours
from tsmu.evaluate import Floats, confusion_iou, count_pixels_by_chip, jackknife_error
from tsmu.model import Bundle, RegionNet, RegionRecord, bundle_versions, open_bundle, serving_bundle
from tsmu.update.plan import UpdatePlan
from tsmu.update.seeds import derive_seed
from tsmu.wording import counted
from tsmu.workspace_folder import WorkspaceFolder

TOLERANCE = 0.02  # IoU on its validation chips that a region may lose without counting as worse
# For a region without validation chips: by how much the predictions on surrogate images, chips of the new region in the
# old region's colours, may change (`prediction_change`, 0 to 1). Of twelve old regions in six real updates, those that
# lost 0.1 IoU or more had changed by 0.30 to 0.95, the others by 0.06 to 0.62.
MAX_CHANGE = 0.3
SURROGATES = 16  # number of surrogate images


@dataclass(frozen=True)
class RegionComparison:
    """How a new network predicts a region, compared with the best version before it.

    Attributes:
        loss: what got worse, for people; None if nothing did.
        as_good: whether the region is now predicted at least as well.
    """

    loss: str | None
    as_good: bool = False


def check_regressions(
    plan: UpdatePlan, network: RegionNet, records: Mapping[str, RegionRecord]
) -> tuple[dict[str, RegionRecord], dict[str, tuple[str, str]]]:
    """Compare an updated network with the versions that predicted each region best.

    Args:
        plan: of the update; it has a parent.
        network: the updated network.
        records: by region, as the new version is to have them, the region that was learned included.

    Returns:
        The records, in which `best_in` is the version that now predicts the region best; and for each region that
        became worse, the name of the version that predicts it best, and a sentence on what got worse.
    """
    workspace, parent, region = plan.request.workspace, plan.parent, plan.request.region
    assert parent is not None
    old = {name: entry for name, entry in records.items() if name != region}
    best = {name: _best_bundle(workspace, parent, entry) for name, entry in old.items()}
    comparisons = compare_regions(best, network, old, plan.old_validation, plan.request.split("train"))
    serving, validation = serving_bundle(workspace.models, region), plan.request.split("val")
    if region in serving.record.regions and validation["landslide_pixels"].any():
        best[region] = _best_bundle(workspace, serving, serving.record.regions[region])
        before = best[region].network(), best[region].record.regions[region]
        comparisons[region] = compare_scores(*before, network, records[region], validation, beyond_error=True)
    new_version = records[region].learned_in
    versions = {
        name: new_version if comparison.as_good else best[name].record.version
        for name, comparison in comparisons.items()
    }
    changed = {
        name: records[name].model_copy(update={"best_in": version})
        for name, version in versions.items()
        if version != records[name].best_version
    }
    worse = {name: (best[name].name, comparison.loss) for name, comparison in comparisons.items() if comparison.loss}
    return {**records, **changed}, worse


def compare_regions(
    best: Mapping[str, Bundle],
    network: RegionNet,
    records: Mapping[str, RegionRecord],
    validation: Mapping[str, geopandas.GeoDataFrame],
    new_chips: geopandas.GeoDataFrame,
) -> dict[str, RegionComparison]:
    """Compare how old regions are predicted by their best versions and by the network after an update.

    Each region is compared with its best version, not with the version just before the update: otherwise small
    losses, each within the tolerance, would add up from update to update.

    A region whose validation chips show landslides is scored on them. For any other region it is measured how much
    its predictions change on surrogate images: chips of the new region, recoloured like images of the old one.

    Args:
        best: by region, the version that predicted it best.
        network: after the update.
        records: of the old regions.
        validation: validation chips by region; empty or missing where there are none.
        new_chips: training chips of the new region.
    """
    comparisons = {}
    for path in sorted({bundle.path for bundle in best.values()}):
        names = [name for name in records if best[name].path == path]
        before = best[names[0]].network()
        for name in names:
            record, chips = records[name], validation.get(name)
            if chips is not None and chips["landslide_pixels"].any():
                old_record = best[name].record.regions[name]
                comparisons[name] = compare_scores(before, old_record, network, record, chips)
            else:
                change = prediction_change(before, network, record.decoder, record.style, new_chips)
                loss = f"its predictions on images in its colours changed by {change:.0%}; "
                loss += "no validation chips show landslides"
                comparisons[name] = RegionComparison(loss if change > MAX_CHANGE else None)
    return comparisons


def compare_scores(
    before: RegionNet,
    old_record: RegionRecord,
    after: RegionNet,
    new_record: RegionRecord,
    chips: geopandas.GeoDataFrame,
    *,
    beyond_error: bool = False,
) -> RegionComparison:
    """Compare the IoU on a region's validation chips before and after an update.

    Args:
        before: the network that predicted the region so far.
        old_record: the region's record in that version.
        after: the network that is to predict it.
        new_record: the region's record in the new version.
        chips: the validation chips.
        beyond_error: a loss must also be larger than its standard error over the chips to count, so that a region
            is not pinned because of a chance result on very few chips. With one chip the standard error is not
            known, and no loss counts.
    """
    counts = [
        [chip.confusion(record.threshold) for chip in count_pixels_by_chip(network, record.decoder, chips)]
        for network, record in ((before, old_record), (after, new_record))
    ]
    confusion = np.array(counts, np.float64).swapaxes(0, 1)  # (chips, before and after, 3)
    old_iou, new_iou = confusion_iou(confusion.sum(0))
    margin = TOLERANCE
    if beyond_error:
        margin = max(margin, _error_of_loss(confusion))
    chip_count = counted(len(chips), "validation chip")
    loss = f"IoU on {chip_count} fell from {old_iou:.3f} to {new_iou:.3f}" if new_iou < old_iou - margin else None
    return RegionComparison(loss, as_good=bool(new_iou >= old_iou))


def _error_of_loss(confusion: Floats) -> float:
    """The jackknife's standard error of the loss of IoU; infinite for one chip, for which it is not known.

    Args:
        confusion: true positives, false positives and false negatives of each chip before and after, (chips, 2, 3).
    """
    if len(confusion) < 2:
        return np.inf
    return float(jackknife_error(confusion, lambda sums: -np.diff(confusion_iou(sums)))[0])


@torch.inference_mode()
def prediction_change(
    before: RegionNet, after: RegionNet, decoder: str, style: ImageStatistics, chips: geopandas.GeoDataFrame
) -> float:
    """How much a decoder's predictions changed, from 0 (not at all) to 1, on images like those of its own region.

    With p and q the probabilities of a pixel before and after, it is sum |p - q| / sum (p + q) over all pixels.

    Args:
        before: the network that predicted the region so far.
        after: the network that is to predict it.
        decoder: name of the region's decoder in both.
        style: image statistics of the decoder's region.
        chips: chips of another region; the first `SURROGATES` of them are recoloured to `style`.
    """
    dataset = ChipDataset(chips.iloc[:SURROGATES], cache_bytes=0)
    difference = total = 0.0
    for number in range(len(dataset)):
        generator = torch.Generator().manual_seed(derive_seed(0, number))
        image = transfer_colours(dataset[number]["image"][None], style, [generator])
        old, new = (network.eval()(image, [decoder])[decoder].sigmoid() for network in (before, after))
        difference += float((old - new).abs().sum())
        total += float((old + new).sum())
    return difference / max(total, 1e-9)


def _best_bundle(workspace: WorkspaceFolder, fallback: Bundle, record: RegionRecord) -> Bundle:
    """The version that predicts a region best; `fallback` if somebody has removed that version's folder."""
    path = workspace.models / f"v{record.best_version:03d}"
    return open_bundle(path) if path in bundle_versions(workspace.models) else fallback
