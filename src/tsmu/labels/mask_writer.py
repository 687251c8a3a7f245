"""The masks of one import: class names become mask values, polygons are burnt, files and a table of them written."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import rasterio
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tsmu.errors import LabelError
from tsmu.files import atomic_write, name_key
from tsmu.imagery import RasterInfo, describe_raster
from tsmu.issues import IssueLog
from tsmu.labels.mask_conventions import (
    BACKGROUND,
    EXCHANGED,
    LANDSLIDE,
    MOSTLY_LANDSLIDE,
    UNKNOWN,
    Mask,
    lacks_background,
)
from tsmu.labels.rasterization import ClassPolygons, rasterize_polygons
from tsmu.wording import counted

# Class names that need no --classes; labelme writes two of them `_background_` and `__ignore__`.
RESERVED_CLASSES = {"unknown": UNKNOWN, "background": BACKGROUND, "ignore": UNKNOWN, "ignored": UNKNOWN}
# Words for what is no landslide; spaces, hyphens and underscores in them do not count.
RESERVED_CLASSES |= dict.fromkeys(("nolandslide", "notlandslide", "notalandslide", "nonlandslide"), BACKGROUND)
BURNING_ORDER = (LANDSLIDE, BACKGROUND, UNKNOWN)  # so that a background polygon is a hole in a landslide
LABEL_COLUMNS = ["id", "source_post", "mask", "source", "landslides", "landslide_share", "unknown_share"]
PROFILE = {"driver": "GTiff", "count": 1, "dtype": "uint8", "compress": "deflate", "tiled": True}


class MaskWriter:
    """Writes one mask per pair, on the grid of its post image, and lists what was written.

    Args:
        pairs: with the columns `id`, `post` (the post image on its grid) and `source_post`.
        log: receives the warnings.
        out: folder for the masks, `ID.tif`.
        classes: mask value (0, 1 or 255) of each class name to be used; None takes every class as landslide, save
            the reserved ones.
    """

    def __init__(self, pairs: gpd.GeoDataFrame, log: IssueLog, out: Path, classes: Mapping[str, int] | None) -> None:
        self.log = log
        self._out = out
        self._sources = dict(zip(pairs["id"], pairs["source_post"], strict=True))
        self._posts: dict[str, str] = dict(zip(pairs["id"], pairs["post"], strict=True))
        self._values = None if classes is None else {name_key(name): value for name, value in classes.items()}
        self._class_counts: Counter[str] = Counter()
        self._rows: dict[str, tuple[object, ...]] = {}

    def post_image(self, pair: str) -> RasterInfo:
        """Describe the post image of a pair."""
        return describe_raster(Path(self._posts[pair]))

    def write_polygons(
        self,
        pair: str,
        file: Path,
        labelled: Iterable[tuple[str, BaseGeometry]],
        mapped_area: Sequence[BaseGeometry] | None = None,
    ) -> None:
        """Write a mask of polygons.

        Args:
            pair: id of the pair.
            file: the label file that the polygons come from.
            labelled: class name and polygon, in pixel coordinates of the post image.
            mapped_area: where somebody looked, in the same coordinates: ground in it under no polygon is background,
                ground outside is unknown; None: somebody looked everywhere.

        Raises:
            LabelError: none of the classes is to be used, the mapped area does not touch the pair, or the pair has a
                mask already.
        """
        polygons = _in_burning_order(self._with_values(file, labelled))
        landslides = sum(value == LANDSLIDE for _, value in polygons)
        if mapped_area is not None and not mapped_area:
            raise LabelError(f"{file}: the mapped area touches no part of pair {pair}, so none of it is background")
        fill = BACKGROUND if mapped_area is None else UNKNOWN
        known = [(area, BACKGROUND) for area in mapped_area or ()]
        self.write(pair, file, self._rasterized(pair, file, [*known, *polygons], fill), landslides)

    def write_outlines(self, pair: str, file: Path, outlines: ClassPolygons) -> None:
        """Write a mask of the outlines of another mask, in pixel coordinates; what they do not cover is unknown."""
        self.write(pair, file, self._rasterized(pair, file, outlines, UNKNOWN), None)

    def write(self, pair: str, file: Path, mask: Mask, landslides: int | None) -> None:
        """Write the mask (H, W) of a pair.

        Args:
            pair: id of the pair.
            file: where the label comes from.
            mask: 0 background, 1 landslide, 255 unknown.
            landslides: number of polygons; None for a mask raster.

        Raises:
            LabelError: the pair has a mask already.
        """
        if pair in self._rows:
            raise LabelError(f"{file}: pair {pair} already has a label, from {self._rows[pair][3]}; keep one")
        self._warn_of_unlikely(file, mask)
        image = self.post_image(pair)
        path = self._out / f"{pair}.tif"
        grid = {"width": image.width, "height": image.height, "crs": image.crs, "transform": image.transform}
        with atomic_write(path) as temporary, rasterio.open(temporary, "w", **PROFILE, **grid) as dataset:
            dataset.write(mask, 1)
        shares = landslide_share(mask), float((mask == UNKNOWN).mean())
        self._rows[pair] = (pair, self._sources[pair], str(path.resolve()), str(file), landslides, *shares)

    def _warn_of_unlikely(self, file: Path, mask: Mask) -> None:
        """Warn of a mask (H, W) of whose known pixels more than half, or all, are landslides."""
        share = landslide_share(mask)
        if lacks_background(mask):
            self.log.warning(file, "all its known pixels are landslide", "used; the others are unknown")
        elif share > MOSTLY_LANDSLIDE:
            problem = f"landslides cover {share:.0%} of its known ground"
            self.log.warning(file, problem, EXCHANGED)

    def table(self) -> pd.DataFrame:
        """List the masks written, in the order of the pairs, with the columns that `import_labels` describes."""
        rows = [self._rows[pair] for pair in self._posts if pair in self._rows]
        return pd.DataFrame(rows, columns=LABEL_COLUMNS).astype({"landslides": "Int64"})

    def report_classes(self, source: Path) -> None:
        """Log the class names that occurred, if they leave a choice."""
        ignored = Counter({name: n for name, n in self._class_counts.items() if self.value(name) is None})
        landslides = {_class_key(name) for name in self._class_counts if self.value(name) == LANDSLIDE}
        if self._values is None and len(landslides) > 1:
            problem = f"several classes: {_counted(self._class_counts)}"
            self.log.warning(source, problem, f"{self._default_reading()}; choose with --classes")
        elif ignored:
            self.log.warning(source, f"classes not asked for: {_counted(ignored)}", "these shapes left out")

    def value(self, name: str) -> int | None:
        """Return the mask value of a class; None where the class is not to be used."""
        if self._values is not None:
            for key in (name_key(name), _class_key(name)):
                if key in self._values:
                    return self._values[key]
        reserved = reserved_value(name)
        return reserved if reserved is not None or self._values is not None else LANDSLIDE

    def _default_reading(self) -> str:
        """Say how several classes were read where nobody chose."""
        reserved = [name for name in self._class_counts if self.value(name) != LANDSLIDE]
        return f"all but {', '.join(reserved)} read as landslides" if reserved else "all read as landslides"

    def _rasterized(self, pair: str, file: Path, polygons: ClassPolygons, fill: int) -> Mask:
        image = self.post_image(pair)
        mask, widened = rasterize_polygons(polygons, image.height, image.width, fill)
        if widened:
            problem = f"{counted(widened, 'landslide is', 'landslides are')} thinner than a pixel of {image.path.name}"
            self.log.warning(file, problem, "every pixel that they touch is labelled (all_touched)")
        return mask

    def _with_values(self, file: Path, labelled: Iterable[tuple[str, BaseGeometry]]) -> ClassPolygons:
        """Give the polygons the mask values of their classes, and leave out the classes that are not to be used."""
        polygons = []
        names: Counter[str] = Counter()
        for name, geometry in labelled:
            self._class_counts[name] += 1
            names[name] += 1
            value = self.value(name)
            if value is not None:
                polygons.append((geometry, value))
        if names and not polygons:
            raise LabelError(
                f"{file}: none of its classes ({_counted(names)}) is asked for; what is background needs a name=0"
            )
        return polygons


def landslide_share(mask: Mask) -> float:
    """Share of landslides among the known pixels of a mask (H, W); 0 where none is known."""
    return int((mask == LANDSLIDE).sum()) / max(int((mask != UNKNOWN).sum()), 1)


def reserved_value(name: str) -> int | None:
    """The mask value of a class that needs no --classes, such as `background` or `no landslide`; None for others."""
    key = _class_key(name)
    return RESERVED_CLASSES.get(key, RESERVED_CLASSES.get(re.sub(r"[ _-]", "", key)))


def _in_burning_order(polygons: ClassPolygons) -> ClassPolygons:
    """Sort polygons: landslides, background, unknown; but background that covers a whole landslide lies under it."""
    tree = STRtree([geometry for geometry, value in polygons if value == LANDSLIDE])
    under = [
        value == BACKGROUND and bool(len(tree.query(geometry, predicate="covers"))) for geometry, value in polygons
    ]
    order = sorted(range(len(polygons)), key=lambda i: (not under[i], BURNING_ORDER.index(polygons[i][1])))
    return [polygons[i] for i in order]


def _class_key(name: str) -> str:
    """Reduce a class name to what counts: no case, no underscores around it, no instance number (`landslide-2`)."""
    return re.sub(r"-\d+$", "", name_key(name)).strip("_ ")


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in names.most_common())
