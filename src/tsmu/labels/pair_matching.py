"""Which pair a label file belongs to, by its name."""

import re
from collections import defaultdict
from pathlib import Path

import geopandas as gpd
import shapely

from tsmu.errors import LabelError, UnpairedLabelError
from tsmu.files import name_key

_ENDING = re.compile(r"[_-](masks?|labels?)$", re.IGNORECASE)
_BARE = re.compile(r"(masks?|labels?)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_LABEL_WORD = re.compile(r"masks?|labels?|landslides?|truth|inventor(y|ies)|annotations?")
_OTHER_MASK = re.compile(r"clouds?|shadows?|water|snow|valid|nodata|quality")


def is_named_as_label(path: Path) -> bool:
    """Whether the words of a file's name say that it shows landslides: `inventory_2015`, not `cloud_mask`."""
    words = _WORD.findall(name_key(path.stem))
    return any(map(_LABEL_WORD.fullmatch, words)) and not any(map(_OTHER_MASK.fullmatch, words))


class PairFinder:
    """Finds the pair for a label by the pair's id, the name of its post image, or their folder."""

    def __init__(self, pairs: gpd.GeoDataFrame) -> None:
        """Index the `id`, `source_post` and `source_pre` of pairs."""
        self._posts: dict[str, set[str]] = defaultdict(set)
        self._pres: set[str] = set()
        self._folders: dict[Path, set[str]] = defaultdict(set)
        self._footprints = pairs.set_index("id").geometry
        for pair, post, pre in zip(pairs["id"], pairs["source_post"], pairs["source_pre"], strict=True):
            self._posts[name_key(Path(post).stem)].add(pair)
            self._posts[name_key(str(pair))].add(pair)
            self._folders[Path(post).parent].add(pair)
            if isinstance(pre, str):
                self._pres.add(name_key(Path(pre).stem))

    def of(self, path: Path, image_name: str | None) -> str:
        """Give the id of the one pair that a label file names.

        Raises:
            LabelError: no pair, more than one, or two different ones by the two names.
        """
        by_file = self._find(path, path.stem)
        by_image = self._find(path, Path(image_name).stem) if image_name else None
        if by_file and by_image and by_file != by_image:
            raise LabelError(f"{path}: is named like pair {by_file}, but says that it labels {image_name}; rename one")
        found = by_file or by_image
        if found is None:
            stems = {name_key(path.stem), name_key(Path(image_name or "").stem)}
            if stems & self._pres:
                raise LabelError(f"{path}: labels a pre image; draw the landslides on the post image")
            raise UnpairedLabelError(f"{path}: belongs to no imported pair; name it like the post image or by pair id")
        return found

    def match_by_name(self, path: Path) -> str | None:
        """Give the id of the one pair that the name of a mask raster tells; None where it tells none.

        Args:
            path: of the mask. One named `mask` or `label` alone belongs to the one pair of its folder.

        Raises:
            LabelError: more than one pair, or a pre image.
        """
        beside = self._folders.get(path.resolve().parent, set())
        if _BARE.fullmatch(path.stem) and len(beside) == 1 and self._find(path, path.stem) is None:
            return next(iter(beside))
        try:
            return self.of(path, None)
        except UnpairedLabelError:
            return None

    def match_by_location(self, path: Path, footprint: shapely.Polygon | None, *, is_label: bool) -> str:
        """Give the id of the one pair that lies under a raster whose name tells no pair.

        Args:
            path: of the raster.
            footprint: where it lies, EPSG:4326; None where it does not say.
            is_label: whether it is known to be a label; another may show clouds, water or anything else.

        Raises:
            LabelError: no pair, or more than one, or it may be no label.
        """
        areas = shapely.area(self._footprints.intersection(footprint).to_numpy()) if footprint else None
        shown = [] if areas is None else sorted(map(str, self._footprints.index[areas > 0]))
        if not shown:
            raise UnpairedLabelError(f"{path}: belongs to no imported pair; name it like the post image or by pair id")
        if not is_label:
            raise LabelError(
                f"{path}: lies on pair {shown[0]}, but its name does not say that it is a label; if it is, name it "
                f"{shown[0]}_mask{path.suffix}"
            )
        if len(shown) > 1:
            raise LabelError(f"{path}: lies on several pairs: {', '.join(shown[:3])}; name it by a pair's id")
        return shown[0]

    def lies_beside_images(self, path: Path) -> bool:
        """Whether a file lies in the folder of a pair's post image, where rasters of all kinds may lie."""
        return path.resolve().parent in self._folders

    def _find(self, path: Path, stem: str) -> str | None:
        name = name_key(stem)
        pairs = self._posts.get(name) or self._posts.get(_ENDING.sub("", name)) or set()
        if len(pairs) > 1:
            raise LabelError(f"{path}: {stem} names several pairs: {', '.join(sorted(pairs))}; name it by a pair's id")
        return next(iter(pairs), None)
