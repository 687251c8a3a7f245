"""Which pair a label file belongs to, by its name."""

import re
from collections import defaultdict
from pathlib import Path

import geopandas as gpd

from tsmu.errors import LabelError, UnpairedLabelError

_ENDING = re.compile(r"[_-](masks?|labels?)$", re.IGNORECASE)


class PairFinder:
    """Finds the pair for a label by the id of the pair or the name of its post image."""

    def __init__(self, pairs: gpd.GeoDataFrame) -> None:
        """Index the `id`, `source_post` and `source_pre` of pairs."""
        self._posts: dict[str, set[str]] = defaultdict(set)
        self._pres: set[str] = set()
        for pair, post, pre in zip(pairs["id"], pairs["source_post"], pairs["source_pre"], strict=True):
            self._posts[Path(post).stem.casefold()].add(pair)
            self._posts[str(pair).casefold()].add(pair)
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

    def _find(self, path: Path, stem: str) -> str | None:
        name = stem.casefold()
        pairs = self._posts.get(name) or self._posts.get(_ENDING.sub("", name)) or set()
        if len(pairs) > 1:
            raise LabelError(f"{path}: {stem} names several pairs: {', '.join(sorted(pairs))}; name it by a pair's id")
        return next(iter(pairs), None)
