"""What an update did to the regions that were there before."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas
import numpy as np
import torch

from tsmu.chips.dataset import ChipDataset
from tsmu.chips.looks import restyle
from tsmu.chips.style import Style
from tsmu.evaluate.metrics.jackknife import Array, iou, jackknife_error
from tsmu.evaluate.predictions import count_chips
from tsmu.model.bundles.bundle import Bundle
from tsmu.model.bundles.record import RegionRecord
from tsmu.model.network.region_net import RegionNet
from tsmu.update.training.batches import mix

TOLERANCE = 0.02  # IoU on validation chips that a region may lose
# Without validation chips: share by which the answers on surrogate images may move. Of twelve old regions in six
# real updates, those that lost 0.1 IoU or more had moved by 0.30 to 0.95, the others by 0.06 to 0.62.
DRIFT = 0.3
SURROGATES = 16  # chips


@dataclass(frozen=True)
class Compared:
    """How a region is served by a network, beside the best one before it.

    Attributes:
        lost: what got worse; None if nothing did.
        better: whether it is now served at least as well.
    """

    lost: str | None
    better: bool = False


def compare_regions(
    best: Mapping[str, Bundle],
    after: RegionNet,
    regions: Mapping[str, RegionRecord],
    checking: Mapping[str, geopandas.GeoDataFrame],
    new_chips: geopandas.GeoDataFrame,
) -> dict[str, Compared]:
    """Compare how old regions are served by the best versions before an update and by the network after it.

    Not with the version just before: small losses, each of them tolerated, would add up.

    A region whose validation chips show landslides is scored on them. Of any other, it is measured how
    far the answers moved on chips of the new region in the old one's colours.

    Args:
        best: by region, the version that served it best.
        after: the network that is to serve.
        regions: the old regions' records.
        checking: validation chips by region; empty or missing for those of which there are none.
        new_chips: training chips of the new region.
    """
    found = {}
    for path in sorted({bundle.path for bundle in best.values()}):
        of_this = [name for name in regions if best[name].path == path]
        before = best[of_this[0]].network()
        for name in of_this:
            entry, chips = regions[name], checking.get(name)
            if chips is not None and chips["landslide_pixels"].any():
                found[name] = compare_answers(before, best[name].record.regions[name], after, entry, chips)
            else:
                moved = drift(before, after, entry.decoder, entry.style, new_chips)
                why = f"its answers on images in its colours moved by {moved:.0%}; no validation chips show landslides"
                found[name] = Compared(why if moved > DRIFT else None)
    return found


def compare_answers(
    before: RegionNet,
    old: RegionRecord,
    after: RegionNet,
    new: RegionRecord,
    chips: geopandas.GeoDataFrame,
    *,
    surely: bool = False,
) -> Compared:
    """Compare how a region's validation chips are answered before and after.

    Args:
        before: the network that served so far.
        old: the region's record in it.
        after: the network that is to serve.
        new: the region's record in that.
        chips: the validation chips.
        surely: what is lost must be more than its standard error over the chips, too. So that a region that
            learned something is not kept from it by the luck of two chips; one chip decides nothing.
    """
    answers = ((before, old), (after, new))
    counts = [[c.confusion(e.threshold) for c in count_chips(network, e.decoder, chips)] for network, e in answers]
    parts = np.array(counts, np.float64).swapaxes(0, 1)  # (chips, before and after, 3)
    was, now = iou(parts.sum(0))
    margin = TOLERANCE
    if surely:
        margin = max(margin, _error_of_loss(parts))
    lost = f"IoU on {len(chips)} validation chips fell from {was:.3f} to {now:.3f}" if now < was - margin else None
    return Compared(lost, better=bool(now >= was))


def _error_of_loss(parts: Array) -> float:
    """Standard error of the difference in IoU; one chip has none that is known."""
    if len(parts) < 2:
        return np.inf
    return float(jackknife_error(parts, lambda sums: -np.diff(iou(sums)))[0])


@torch.inference_mode()
def drift(before: RegionNet, after: RegionNet, decoder: str, style: Style, chips: geopandas.GeoDataFrame) -> float:
    """How far a decoder's answers moved: 1 - soft Dice of its probabilities before and after.

    The images are chips of another region in the colours of the decoder's own.
    """
    dataset = ChipDataset(chips.iloc[:SURROGATES], cache_bytes=0)
    off = both = 0.0
    for number in range(len(dataset)):
        generator = torch.Generator().manual_seed(mix(0, number))
        image = restyle(dataset[number]["image"][None], style, generator)
        first, second = (network.eval()(image, [decoder])[decoder].sigmoid() for network in (before, after))
        off += float((first - second).abs().sum())
        both += float((first + second).sum())
    return off / max(both, 1e-9)
