"""Which pair a label file belongs to: by its name, or by the place where it lies."""

import re
from collections import defaultdict
from pathlib import Path

import geopandas as gpd
import shapely

from tsmu.errors import LabelError, UnpairedLabelError
from tsmu.files import name_key
from tsmu.imagery import label_key

_WORD = re.compile(r"[^\W\d_]+")
_LABEL_WORD = re.compile(r"masks?|labels?|landslides?|truth|inventor(y|ies)|annotations?")
_OTHER_MASK_WORD = re.compile(r"clouds?|shadows?|water|snow|valid|nodata|quality")


def is_named_as_label(path: Path) -> bool:
    """Tell whether a file's name says that it shows landslides: `inventory_2015`, `valley_mask`, not `cloud_mask`."""
    name = name_key(path.stem)
    words = _WORD.findall(name)
    is_label = label_key(name) is not None or any(map(_LABEL_WORD.fullmatch, words))
    return is_label and not any(map(_OTHER_MASK_WORD.fullmatch, words))


class PairMatcher:
    """Finds the pair of a label file by the pair's id, the name of its post image, their folder or their place.

    Args:
        pairs: with the columns `id`, `source_post`, `source_pre` and the footprint in EPSG:4326.
    """

    def __init__(self, pairs: gpd.GeoDataFrame) -> None:
        self._pairs_by_name: dict[str, set[str]] = defaultdict(set)
        self._pre_names: set[str] = set()
        self._pairs_by_folder: dict[Path, set[str]] = defaultdict(set)
        self._footprints = pairs.set_index("id").geometry
        for pair, post, pre in zip(pairs["id"], pairs["source_post"], pairs["source_pre"], strict=True):
            self._pairs_by_name[name_key(Path(post).stem)].add(pair)
            self._pairs_by_name[name_key(str(pair))].add(pair)
            self._pairs_by_folder[Path(post).parent].add(pair)
            if isinstance(pre, str):
                self._pre_names.add(name_key(Path(pre).stem))

    def match_label(self, path: Path, image_name: str | None) -> str:
        """Return the id of the one pair that a label file names.

        Args:
            path: the label file.
            image_name: file name of the image that the label file says it labels; None where it says none.

        Raises:
            UnpairedLabelError: the two names name no pair.
            LabelError: they name a pre image, several pairs, or two different ones.
        """
        by_file = self._find(path, path.stem)
        by_image = self._find(path, Path(image_name).stem) if image_name else None
        if by_file and by_image and by_file != by_image:
            raise LabelError(f"{path}: is named like pair {by_file}, but says that it labels {image_name}; rename one")
        pair = by_file or by_image
        if pair is None:
            names = {name_key(path.stem), name_key(Path(image_name or "").stem)}
            if names & self._pre_names:
                raise LabelError(f"{path}: labels a pre image; draw the landslides on the post image")
            raise UnpairedLabelError(f"{path}: belongs to no imported pair; name it like the post image or by pair id")
        return pair

    def match_by_name(self, path: Path) -> str | None:
        """Return the id of the one pair that the name of a mask raster names; None where it names none.

        A raster that is named `mask`, `label` or the like alone belongs to the one pair of its folder.

        Raises:
            LabelError: the name is that of several pairs, or of a pre image.
        """
        in_folder = self._pairs_by_folder.get(path.resolve().parent, set())
        if label_key(path.stem) == "" and len(in_folder) == 1 and self._find(path, path.stem) is None:
            return next(iter(in_folder))
        try:
            return self.match_label(path, None)
        except UnpairedLabelError:
            return None

    def match_by_location(self, path: Path, footprint: shapely.Polygon | None, *, is_label: bool) -> str:
        """Return the id of the one pair that lies under a raster whose name names no pair.

        Args:
            path: the raster.
            footprint: where it lies, EPSG:4326; None where it has no georeference.
            is_label: whether it is known to be a label; otherwise it may show clouds, water or anything else.

        Raises:
            UnpairedLabelError: no pair lies under it.
            LabelError: several pairs lie under it, or it may be no label.
        """
        areas = shapely.area(self._footprints.intersection(footprint).to_numpy()) if footprint else None
        covered = [] if areas is None else sorted(map(str, self._footprints.index[areas > 0]))
        if not covered:
            raise UnpairedLabelError(f"{path}: belongs to no imported pair; name it like the post image or by pair id")
        if not is_label:
            raise LabelError(
                f"{path}: lies on pair {covered[0]}, but its name does not say that it is a label; if it is, name it "
                f"{covered[0]}_mask{path.suffix}"
            )
        if len(covered) > 1:
            raise LabelError(f"{path}: lies on several pairs: {', '.join(covered[:3])}; name it by a pair's id")
        return covered[0]

    def is_in_image_folder(self, path: Path) -> bool:
        """Tell whether a file lies in the folder of a pair's post image, where rasters of all kinds may lie."""
        return path.resolve().parent in self._pairs_by_folder

    def _find(self, path: Path, stem: str) -> str | None:
        """Return the id of the one pair with a name, with or without `_mask`, `_label` or the like at its end."""
        name = name_key(stem)
        pairs = self._pairs_by_name.get(name) or self._pairs_by_name.get(label_key(name) or name) or set()
        if len(pairs) > 1:
            raise LabelError(f"{path}: {stem} names several pairs: {', '.join(sorted(pairs))}; name it by a pair's id")
        return next(iter(pairs), None)
