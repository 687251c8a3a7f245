"""Which pair a label file belongs to, by its name."""

import re
from collections import defaultdict
from pathlib import Path

import geopandas as gpd
import shapely

from tsmu.errors import LabelError, UnpairedLabelError

_ENDING = re.compile(r"[_-](masks?|labels?)$", re.IGNORECASE)
_BARE = re.compile(r"(masks?|labels?)", re.IGNORECASE)


class PairFinder:
    """Finds the pair for a label by the pair's id, the name of its post image, or their folder."""

    def __init__(self, pairs: gpd.GeoDataFrame) -> None:
        """Index the `id`, `source_post` and `source_pre` of pairs."""
        self._posts: dict[str, set[str]] = defaultdict(set)
        self._pres: set[str] = set()
        self._folders: dict[Path, set[str]] = defaultdict(set)
        self._footprints = pairs.set_index("id").geometry
        for pair, post, pre in zip(pairs["id"], pairs["source_post"], pairs["source_pre"], strict=True):
            self._posts[Path(post).stem.casefold()].add(pair)
            self._posts[str(pair).casefold()].add(pair)
            self._folders[Path(post).parent].add(pair)
            if isinstance(pre, str):
                self._pres.add(Path(pre).stem.casefold())

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
            stems = {path.stem.casefold(), Path(image_name or "").stem.casefold()}
            if stems & self._pres:
                raise LabelError(f"{path}: labels a pre image; draw the landslides on the post image")
            raise UnpairedLabelError(f"{path}: belongs to no imported pair; name it like the post image or by pair id")
        return found

    def of_raster(self, path: Path, footprint: shapely.Polygon | None) -> str:
        """Give the id of the one pair that a mask raster belongs to: by its name, else by its place.

        Args:
            path: of the mask. One named `mask` or `label` alone belongs to the one pair of its folder.
            footprint: where it lies, EPSG:4326; None where it does not say.

        Raises:
            LabelError: no pair, or more than one.
        """
        beside = self._folders.get(path.resolve().parent, set())
        if _BARE.fullmatch(path.stem) and len(beside) == 1 and self._find(path, path.stem) is None:
            return next(iter(beside))
        try:
            return self.of(path, None)
        except UnpairedLabelError:
            if footprint is None:
                raise
            shown = self._footprints.index[shapely.area(self._footprints.intersection(footprint).to_numpy()) > 0]
            if len(shown) > 1:
                raise LabelError(
                    f"{path}: lies on several pairs: {', '.join(sorted(shown)[:3])}; name it by a pair's id"
                ) from None
            if len(shown) == 1:
                return str(shown[0])
            raise

    def _find(self, path: Path, stem: str) -> str | None:
        name = stem.casefold()
        pairs = self._posts.get(name) or self._posts.get(_ENDING.sub("", name)) or set()
        if len(pairs) > 1:
            raise LabelError(f"{path}: {stem} names several pairs: {', '.join(sorted(pairs))}; name it by a pair's id")
        return next(iter(pairs), None)
