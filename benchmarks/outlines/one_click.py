"""How well the outline of one click fits a landslide, compared with two other outlines.

These are the outline of the landslide's candidate, and the best one of the nested outlines of the click, which users
reach with the mouse wheel. A scene is mapped by change, which needs no training. Landslides are the parts of the mask
that are connected along edges. Each is clicked twice: on a random pixel of it, and at the representative point of its
polygon.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
import shapely
from rasterio.features import shapes
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

import tsmu
from tsmu.errors import BenchmarkError, OutlineError
from tsmu.imagery import read_stack
from tsmu.labels import LANDSLIDE
from tsmu.outlines import NestedOutlines, OutlineSource, SceneFiles, outlines_at
from tsmu.synthetic import REGIONS, World, scene_windows, write_scene

LANDSLIDES = 100
FEWEST_PIXELS = 8  # smaller landslides are not clicked, because how well an outline fits them is a matter of luck
CLICKS = ("random", "middle")
SOURCES: dict[str, OutlineSource | None] = {"one click": None, "images alone": OutlineSource.IMAGE}
SYNTHETIC_SIDE = 384  # side of each synthetic scene, pixels

Results = dict[str, Any]


@dataclass(frozen=True)
class ClickedLandslide:
    """A landslide of a mask.

    Attributes:
        outline: the true outline, in the scene's CRS.
        clicks: longitude and latitude of each click, by the click's name.
        candidate: IoU of the candidate that fits the landslide best; 0 if none overlaps it.
    """

    outline: BaseGeometry
    clicks: dict[str, tuple[float, float]]
    candidate: float


def benchmark_one_click(pair: Path, count: int, seed: int, announce: Callable[[str], None]) -> Results:
    """Measure outlines of one click on a real pair and on four scenes of the synthetic world.

    Args:
        pair: a folder with `pre.tif`, `post.tif` and `mask.tif` on one grid.
        count: number of landslides of the real pair, and of all synthetic scenes together.
        seed: seed of the choice of landslides and of the random clicks.
        announce: called with a line for each scene.

    Returns:
        For `real` and `synthetic`: the number of landslides, median and mean of the IoU of their candidates, the share
        of landslides without a candidate, and for each kind of click and source of outlines medians of the IoU of the
        first outline and of the best one, the mean of the former, the shares of clicks without an outline and of
        outlines by the images, and percentiles of the seconds and of the processor seconds for a click.

    Raises:
        BenchmarkError: a file of the pair is missing.
    """
    if missing := [name for name in ("pre.tif", "post.tif", "mask.tif") if not (pair / name).is_file()]:
        raise BenchmarkError(f"{pair}: no {', '.join(missing)}; a pair is pre.tif, post.tif and mask.tif on one grid")
    results: Results = {"seed": seed}
    with tempfile.TemporaryDirectory() as place:
        space = tsmu.Workspace(Path(place) / "survey")
        announce("real pair")
        results["real"] = _summary(_measure_scene(space, "pair", pair, "mask.tif", count, seed))
        measured: list[Results] = []
        for number, region in enumerate(REGIONS):
            announce(f"synthetic {region}")
            window = scene_windows(SYNTHETIC_SIDE)[region]
            folder = write_scene(World(0), Path(place) / region, window)
            measured += _measure_scene(space, region, folder, "truth.tif", count // len(REGIONS), seed + number)
        results["synthetic"] = _summary(measured)
    return results


def _measure_scene(space: Any, name: str, folder: Path, mask: str, count: int, seed: int) -> list[Results]:
    """Map a scene by change, and click on landslides of its mask."""
    scene = space.map(folder / "post.tif", pre=folder / "pre.tif", by="change", name=name)
    files = SceneFiles(scene.probability, folder / "post.tif", folder / "pre.tif")
    candidates = geopandas.read_parquet(Path(scene.summary["outputs"]["polygons"]))
    with rasterio.open(folder / mask) as dataset:
        crs = dataset.crs
    landslides = list(choose_landslides(folder, mask, candidates, count, seed))
    outlines_at(files, *landslides[0].clicks["middle"])  # so that loading modules at the first click is not timed
    return [_click(files, landslide, crs) for landslide in landslides]


def choose_landslides(
    folder: Path, mask: str, candidates: geopandas.GeoDataFrame, count: int, seed: int
) -> Iterator[ClickedLandslide]:
    """Choose landslides of a mask at random, among those where both images have data.

    Args:
        folder: holds `pre.tif`, `post.tif` and the mask.
        mask: name of the mask's file.
        candidates: the polygons of the map, in the scene's CRS.
        count: how many landslides to choose.
        seed: seed of the choice and of the random clicks.
    """
    images, valid = read_stack([folder / "pre.tif", folder / "post.tif"])
    known = valid & np.logical_and.reduce([(image != 0).all(axis=0) for image in images])
    with rasterio.open(folder / mask) as dataset:
        truth = (dataset.read(1) == LANDSLIDE) & known
        transform, crs = dataset.transform, dataset.crs
    labels, _ = ndimage.label(truth)
    numbers = np.flatnonzero(np.bincount(labels.ravel())[1:] >= FEWEST_PIXELS) + 1
    random = np.random.default_rng(seed)
    chosen = random.permutation(numbers)[:count]
    selected = np.where(np.isin(labels, chosen), labels, 0).astype(np.int32)
    outlines = {
        int(value): shapely.geometry.shape(geometry)
        for geometry, value in shapes(selected, mask=selected > 0, transform=transform)
    }
    to_degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    for number in chosen:
        outline = outlines[int(number)]
        rows, columns = np.nonzero(labels == number)
        pick = int(random.integers(len(rows)))
        places = {
            "random": transform @ (columns[pick] + 0.5, rows[pick] + 0.5),
            "middle": outline.representative_point().coords[0],
        }
        overlapping = candidates.geometry[candidates.intersects(outline)]
        best = max((_iou(outline, candidate) for candidate in overlapping), default=0.0)
        yield ClickedLandslide(outline, {name: to_degrees.transform(*xy) for name, xy in places.items()}, best)


def _click(files: SceneFiles, landslide: ClickedLandslide, crs: rasterio.CRS) -> Results:
    """Click on a landslide in all ways, and measure the outlines.

    Args:
        files: the rasters of the scene.
        landslide: the landslide.
        crs: the scene's CRS.
    """
    measured: Results = {"candidate": landslide.candidate, "area": landslide.outline.area}
    from_degrees = pyproj.Transformer.from_crs(4326, crs, always_xy=True)

    def project(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(from_degrees.transform(*points.T))

    for click, place in landslide.clicks.items():
        for name, source in SOURCES.items():
            start, processor = time.perf_counter(), time.process_time()
            try:
                found: NestedOutlines | None = outlines_at(files, *place, source)
            except OutlineError:
                found = None
            seconds = {"seconds": time.perf_counter() - start, "processor": time.process_time() - processor}
            ious = [_iou(landslide.outline, shapely.transform(one.polygon, project)) for one in _outlines(found)]
            first = ious[found.start] if found else 0.0
            measured[f"{click}, {name}"] = {
                "first": first,
                "best": max(ious, default=0.0),
                "source": str(found.source) if found else None,
                **seconds,
            }
    return measured


def _outlines(found: NestedOutlines | None) -> Iterable[Any]:
    return found.outlines if found else ()


def _iou(one: BaseGeometry, other: BaseGeometry) -> float:
    both = one.intersection(other).area
    return float(both / (one.area + other.area - both))


def _summary(measured: list[Results]) -> Results:
    summary: Results = {
        "landslides": len(measured),
        "candidate": float(np.median([one["candidate"] for one in measured])),
        "candidate_mean": float(np.mean([one["candidate"] for one in measured])),
        "without_candidate": float(np.mean([one["candidate"] == 0 for one in measured])),
    }
    for click in CLICKS:
        for name in SOURCES:
            values = [one[f"{click}, {name}"] for one in measured]
            summary[f"{click}, {name}"] = {
                **{kind: float(np.median([one[kind] for one in values])) for kind in ("first", "best")},
                "first_mean": float(np.mean([one["first"] for one in values])),
                "without_outline": float(np.mean([one["source"] is None for one in values])),
                "by_image": float(np.mean([one["source"] == OutlineSource.IMAGE for one in values])),
                **{
                    f"{kind}_{percent}": float(np.percentile([one[kind] for one in values], percent))
                    for kind in ("seconds", "processor")
                    for percent in (50, 95)
                },
            }
    return summary


def one_click_table(results: Results) -> str:
    """Write the results as lines of text."""
    lines = []
    for scene in ("real", "synthetic"):
        one = results[scene]
        lines.append(
            f"{scene}: {one['landslides']} landslides; median IoU of the candidate {one['candidate']:.3f} "
            f"(mean {one['candidate_mean']:.3f})"
        )
        for click in CLICKS:
            for name in SOURCES:
                value = one[f"{click}, {name}"]
                lines.append(
                    f"  {click}, {name}: first {value['first']:.3f} (mean {value['first_mean']:.3f}), best "
                    f"{value['best']:.3f}; none {value['without_outline']:.0%}, image {value['by_image']:.0%}; "
                    f"{1000 * value['seconds_50']:.0f} ms, 95 %: {1000 * value['seconds_95']:.0f} ms; of the processor "
                    f"{1000 * value['processor_50']:.0f} ms, 95 %: {1000 * value['processor_95']:.0f} ms"
                )
    return "\n".join(lines)
