"""Map a real pair by change with the threshold of `tsmu map`, and measure the map against the pair's mask."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import tsmu
from benchmarks.peers.change_threshold import west_and_east
from tsmu.errors import BenchmarkError
from tsmu.imagery import read_raster
from tsmu.labels import LANDSLIDE
from tsmu.mapping import NO_DATA

RECALL = 0.5  # the recall at which precision is measured
FILES = ("pre.tif", "post.tif", "mask.tif")

Results = dict[str, Any]
Bools = npt.NDArray[np.bool_]


def map_pair(folder: Path) -> list[Results]:
    """Map a pair by change without its elevation model and, if there is one, with it; labels are not used for mapping.

    Args:
        folder: the folder with `pre.tif`, `post.tif` and `mask.tif` on one grid, and perhaps `dem*.tif`.

    Returns:
        For each map `slope` (whether elevations were given), `threshold` (percent), and for the `west` and the `east`
        of the known pixels IoU, precision, recall, and the precision at a recall of one half.

    Raises:
        BenchmarkError: a file is missing.
    """
    if missing := [name for name in FILES if not (folder / name).exists()]:
        raise BenchmarkError(f"{folder}: no {', '.join(missing)}; a pair is {', '.join(FILES)} on one grid")
    pre, post, mask = (np.asarray(read_raster(folder / name)[0], np.float64) for name in FILES)
    parts = dict(zip(("west", "east"), west_and_east(pre, post, mask[0]), strict=True))
    truth = mask[0] == LANDSLIDE
    results = []
    for dem in (None, *sorted(folder.glob("dem*.tif"))[:1]):
        with tempfile.TemporaryDirectory() as place:
            scene = tsmu.Workspace(place).map(folder / "post.tif", pre=folder / "pre.tif", by="change", dem=dem)
            percent = read_raster(scene.probability)[0][0].astype(int)
            threshold = int(scene.summary["threshold"])
        percent[percent == NO_DATA] = 0
        measured = {name: _measure(percent[part], truth[part], threshold) for name, part in parts.items()}
        results.append({"slope": dem is not None, "threshold": threshold, **measured})
    return results


def pair_table(results: list[Results]) -> str:
    """Write the results as lines of text."""
    return "\n".join(
        f"{'with' if one['slope'] else 'without'} slope, {one['threshold']} %, {name}: "
        + json.dumps({key: round(value, 3) for key, value in one[name].items()})
        for one in results
        for name in ("west", "east")
    )


def _measure(percent: npt.NDArray[np.int_], truth: Bools, threshold: int) -> Results:
    """Measure the pixels of a part: IoU, precision and recall at a threshold, and precision at the recall `RECALL`."""
    chosen = percent >= threshold
    both = int((chosen & truth).sum())
    half = max(level for level in range(101) if (truth & (percent >= level)).sum() >= RECALL * truth.sum())
    at_half = percent >= half
    return {
        "iou": both / int((chosen | truth).sum()),
        "precision": both / max(int(chosen.sum()), 1),
        "recall": both / int(truth.sum()),
        "precision_at_half_recall": int((at_half & truth).sum()) / int(at_half.sum()),
    }
