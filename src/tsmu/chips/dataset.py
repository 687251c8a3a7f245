"""Chips as a torch dataset, with the sample dict that TorchGeo also uses."""

from collections.abc import Callable
from pathlib import Path
from typing import NotRequired, TypedDict

import geopandas
import numpy as np
import torch
from cachetools import LRUCache, cachedmethod
from rasterio.windows import Window
from torch import Tensor
from torch.utils.data import Dataset

from tsmu.chips.index import IMAGE_ROLES
from tsmu.imagery import Pixels, Valid, read_stack
from tsmu.labels import CONVENTIONS, UNKNOWN

CACHE_BYTES = 1 << 30
CONVENTIONS_BY_NAME = {convention.name: convention for convention in CONVENTIONS}


class Sample(TypedDict):
    """One chip, as TorchGeo's sample dicts.

    Attributes:
        image: float32 (C, H, W), raw units, NaN where there is no data.
        mask: int64 (H, W), 0 background, 1 landslide, 255 unknown.
        region: name of the region.
        seed: what the random draws for this chip follow from; only for keys with a seed, as in a training's batches.
    """

    image: Tensor
    mask: Tensor
    region: str
    seed: NotRequired[int]


Transform = Callable[[Sample], Sample]
Key = int | tuple[int, int]
# Images in the compact types of their files, (C, H, W) each; valid pixels (H, W); mask (H, W).
_Decoded = tuple[list[Pixels], Valid, Pixels]


class ChipDataset(Dataset[Sample]):
    """Chips of an index, read by window from the source rasters.

    A key is a position, or a (position, seed) pair: then the transform is given that seed in the sample, and the
    draws of `Augment` depend on it alone, whichever thread or process reads the chip and whatever was read before.
    Decoded pixels are kept in memory up to `cache_bytes`.

    Args:
        chips: rows of the chips index with absolute paths.
        transform: applied to each sample.
        cache_bytes: memory for decoded chips; the least recently used are dropped first.

    Example:
        >>> sample = ChipDataset(chips)[0]
        >>> sample["image"].shape, sample["mask"].shape, sample["region"]
        (torch.Size([3, 32, 32]), torch.Size([32, 32]), 'andes')
    """

    def __init__(
        self, chips: geopandas.GeoDataFrame, transform: Transform | None = None, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self._rows = chips.to_dict("records")
        self._transform = transform
        self._cache: LRUCache[tuple[int], _Decoded] = LRUCache(cache_bytes, _bytes)

    def __len__(self) -> int:
        """Count the chips."""
        return len(self._rows)

    def __getitem__(self, key: Key) -> Sample:
        """Read one chip."""
        position, seed = key if isinstance(key, tuple) else (key, None)
        images, valid, mask = self._read(position)
        image = torch.from_numpy(np.concatenate(images, dtype=np.float32, casting="unsafe"))
        image[:, ~torch.from_numpy(valid)] = torch.nan
        label = torch.from_numpy(np.where(valid, mask, UNKNOWN).astype(np.int64))
        sample: Sample = {"image": image, "mask": label, "region": self._rows[position]["region"]}
        if self._transform is None:
            return sample
        if seed is not None:
            sample["seed"] = seed
        return self._transform(sample)

    @cachedmethod(lambda self: self._cache)
    def _read(self, position: int) -> _Decoded:
        """Decode the window of a chip in its images and its mask."""
        row = self._rows[position]
        window = Window(row["col_off"], row["row_off"], row["width"], row["height"])
        files = [Path(path) for path in map(row.get, IMAGE_ROLES) if path is not None]
        images, valid = read_stack(files, window)
        mask = CONVENTIONS_BY_NAME[row["mask_convention"]].read(Path(row["mask"]), window)
        return images, valid, mask


def _bytes(decoded: _Decoded) -> int:
    images, valid, mask = decoded
    return sum(array.nbytes for array in (*images, valid, mask))
