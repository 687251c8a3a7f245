"""The masks of one import: classes chosen, polygons burnt, files written, a table of them kept."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
import rasterio
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tsmu.errors import LabelError
from tsmu.files import name_key, written_whole
from tsmu.imagery.raster import RasterInfo, describe
from tsmu.issues import IssueLog
from tsmu.labels.mask_conventions import BACKGROUND, LANDSLIDE, UNKNOWN, Mask
from tsmu.labels.rasterization import ClassPolygons, rasterize_polygons

# Class names that need no --classes; labelme writes two of them `_background_` and `__ignore__`.
RESERVED = {"unknown": UNKNOWN, "background": BACKGROUND, "ignore": UNKNOWN, "ignored": UNKNOWN}
BURNING_ORDER = (LANDSLIDE, BACKGROUND, UNKNOWN)  # so that a background polygon is a hole in a slide
COLUMNS = ["id", "source_post", "mask", "source", "landslides", "landslide_share", "unknown_share"]
PROFILE = {"driver": "GTiff", "count": 1, "dtype": "uint8", "compress": "deflate", "tiled": True}


class MaskWriter:
    """Writes one mask per pair and keeps what `imports.import_labels` returns."""

    def __init__(self, pairs: gpd.GeoDataFrame, log: IssueLog, out: Path, classes: Mapping[str, int] | None) -> None:
        """Write into `out`; `classes` gives the mask value of each class name, None takes all as landslides."""
        self.log = log
        self._out = out
        self._sources = dict(zip(pairs["id"], pairs["source_post"], strict=True))
        self._posts: dict[str, str] = dict(zip(pairs["id"], pairs["post"], strict=True))
        self._values = None if classes is None else {name_key(name): value for name, value in classes.items()}
        self._seen: Counter[str] = Counter()
        self._rows: dict[str, tuple[object, ...]] = {}

    def post(self, pair: str) -> RasterInfo:
        """Describe the post image of a pair."""
        return describe(Path(self._posts[pair]))

    def write_polygons(self, pair: str, file: Path, labelled: Iterable[tuple[str, BaseGeometry]]) -> None:
        """Burn named polygons, in the post image's pixel coordinates, and write the mask."""
        shapes = _in_burning_order(self._chosen(file, labelled))
        landslides = sum(value == LANDSLIDE for _, value in shapes)
        self.write(pair, file, self._burnt(pair, file, shapes, BACKGROUND), landslides)

    def write_outlines(self, pair: str, file: Path, shapes: ClassPolygons) -> None:
        """Burn the outlines of another mask; what they do not cover is unknown."""
        self.write(pair, file, self._burnt(pair, file, shapes, UNKNOWN), None)

    def write(self, pair: str, file: Path, mask: Mask, landslides: int | None) -> None:
        """Write the mask of a pair.

        Raises:
            LabelError: the pair has a mask already.
        """
        if pair in self._rows:
            raise LabelError(f"{file}: pair {pair} already has a label, from {self._rows[pair][3]}; keep one")
        info = self.post(pair)
        path = self._out / f"{pair}.tif"
        grid = {"width": info.width, "height": info.height, "crs": info.crs, "transform": info.transform}
        with written_whole(path) as temporary, rasterio.open(temporary, "w", **PROFILE, **grid) as dataset:
            dataset.write(mask, 1)
        known = max(int((mask != UNKNOWN).sum()), 1)
        shares = int((mask == LANDSLIDE).sum()) / known, float((mask == UNKNOWN).mean())
        self._rows[pair] = (pair, self._sources[pair], str(path.resolve()), str(file), landslides, *shares)

    def table(self) -> pd.DataFrame:
        """List the masks written, in the order of the pairs."""
        rows = [self._rows[pair] for pair in self._posts if pair in self._rows]
        return pd.DataFrame(rows, columns=COLUMNS).astype({"landslides": "Int64"})

    def report_classes(self, source: Path) -> None:
        """Log which classes were seen, if they leave a choice."""
        ignored = Counter({name: n for name, n in self._seen.items() if self._value(name) is None})
        landslides = {_class_key(name) for name in self._seen if self._value(name) == LANDSLIDE}
        if self._values is None and len(landslides) > 1:
            problem = f"several classes: {_counted(self._seen)}"
            self.log.warning(source, problem, f"{self._taken()}; choose with --classes")
        elif ignored:
            self.log.warning(source, f"classes not asked for: {_counted(ignored)}", "these shapes left out")

    def _value(self, name: str) -> int | None:
        """The mask value of a class; None where it is not asked for."""
        if self._values is not None:
            for key in (name_key(name), _class_key(name)):
                if key in self._values:
                    return self._values[key]
        reserved = RESERVED.get(_class_key(name))
        return reserved if reserved is not None or self._values is not None else LANDSLIDE

    def _taken(self) -> str:
        """What several classes were taken as, where nobody chose."""
        reserved = [name for name in self._seen if self._value(name) != LANDSLIDE]
        return f"all but {', '.join(reserved)} taken as landslides" if reserved else "all taken as landslides"

    def _burnt(self, pair: str, file: Path, shapes: ClassPolygons, fill: int) -> Mask:
        info = self.post(pair)
        mask, widened = rasterize_polygons(shapes, info.height, info.width, fill)
        if widened:
            problem = f"{widened} landslides are thinner than a pixel of {info.path.name}"
            self.log.warning(file, problem, "every pixel that they touch is taken (all_touched)")
        return mask

    def _chosen(self, file: Path, labelled: Iterable[tuple[str, BaseGeometry]]) -> ClassPolygons:
        chosen = []
        names: Counter[str] = Counter()
        for name, geometry in labelled:
            self._seen[name] += 1
            names[name] += 1
            value = self._value(name)
            if value is not None:
                chosen.append((geometry, value))
        if names and not chosen:
            raise LabelError(
                f"{file}: none of its classes ({_counted(names)}) is asked for; what is background needs a name=0"
            )
        return chosen


def _in_burning_order(shapes: ClassPolygons) -> ClassPolygons:
    """Landslides, then background, then what is unknown; background that covers a whole landslide lies under it."""
    slides = [geometry for geometry, value in shapes if value == LANDSLIDE]
    tree = STRtree(slides)
    under = [value == BACKGROUND and bool(len(tree.query(geometry, predicate="covers"))) for geometry, value in shapes]
    order = sorted(range(len(shapes)), key=lambda at: (not under[at], BURNING_ORDER.index(shapes[at][1])))
    return [shapes[at] for at in order]


def _class_key(name: str) -> str:
    """A class by its name: without case, underscores round it, and the number of an instance (`landslide-2`)."""
    return re.sub(r"-\d+$", "", name_key(name)).strip("_ ")


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in names.most_common())
