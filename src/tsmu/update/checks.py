"""What an update did to the regions that were there before."""

from collections.abc import Mapping

import geopandas
import numpy as np
import torch

from tsmu.chips.dataset import ChipDataset
from tsmu.chips.looks import restyle
from tsmu.chips.style import Style
from tsmu.evaluate.jackknife import Array, iou, jackknife_error
from tsmu.evaluate.predict import count_chips
from tsmu.model.network import RegionNet
from tsmu.model.record import RegionRecord
from tsmu.update.sampling import mix

TOLERANCE = 0.02  # IoU on validation chips that a region may lose
# Without validation chips: share by which the answers on surrogate images may move. Of twelve old regions in six
# real updates, those that lost 0.1 IoU or more had moved by 0.30 to 0.95, the others by 0.06 to 0.62.
DRIFT = 0.3
SURROGATES = 16  # chips


def what_got_worse(
    before: RegionNet,
    after: RegionNet,
    regions: Mapping[str, RegionRecord],
    checking: Mapping[str, geopandas.GeoDataFrame],
    new_chips: geopandas.GeoDataFrame,
) -> dict[str, str]:
    """Compare how old regions are served by the network before and after an update.

    A region with validation chips is scored on them. Of one without, it is measured how far the
    answers moved on chips of the new region in the old one's colours.

    Args:
        before: the network that served so far.
        after: the network that is to serve.
        regions: the old regions' records.
        checking: validation chips by region; empty or missing for those of which there are none.
        new_chips: training chips of the new region.

    Returns:
        By region that got worse, what was found.
    """
    found = {}
    for name, entry in regions.items():
        chips = checking.get(name)
        if chips is not None and len(chips):
            if lost := what_it_lost(before, entry, after, entry, chips):
                found[name] = lost
        else:
            moved = drift(before, after, entry.decoder, entry.style, new_chips)
            if moved > DRIFT:
                found[name] = f"its answers on images in its colours moved by {moved:.0%}; no validation chips are kept"
    return found


def what_it_lost(
    before: RegionNet,
    old: RegionRecord,
    after: RegionNet,
    new: RegionRecord,
    chips: geopandas.GeoDataFrame,
    *,
    surely: bool = False,
) -> str | None:
    """Compare how a region's validation chips are answered before and after; None where they are answered as well.

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
    return f"IoU on {len(chips)} validation chips fell from {was:.3f} to {now:.3f}" if now < was - margin else None


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
