"""Which pixels of a scene are clear, by the mask that comes with it: classes (Sentinel-2) or bits (Landsat)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pystac

from tsmu.errors import FetchError
from tsmu.imagery.rasters import Pixels, Valid

NONE = "none"
# Sentinel-2 L2A, scene classification: no data, saturated or defective, cloud shadow, cloud of medium and of high
# probability, thin cirrus, snow or ice.
SCL_CLASSES = (0, 1, 3, 8, 9, 10, 11)
# Landsat collection 2, pixel quality: fill, dilated cloud, cirrus, cloud, cloud shadow, snow.
QA_PIXEL_BITS = (0, 1, 2, 3, 4, 5)
MAX_BIT, MAX_VALUE = 31, 2**32 - 1

_PART = re.compile(r"bit(?P<bit>\d+)|(?P<first>\d+)(?:-(?P<last>\d+))?", re.IGNORECASE)


@dataclass(frozen=True)
class CloudMask:
    """A mask asset, and what in it is not clear.

    Attributes:
        asset: the asset's name; capital and small letters are the same.
        ranges: first and last value of what is not clear.
        bits: a pixel with one of these bits is not clear.

    Example:
        >>> mask = CloudMask.parse("SCL:0-1,3,8-11")
        >>> mask.clear(np.array([[4, 9]], dtype=np.uint8))
        array([[ True, False]])
        >>> str(CloudMask.parse("qa_pixel:bit3,bit4"))
        'qa_pixel:bit3,bit4'
    """

    asset: str
    ranges: tuple[tuple[int, int], ...] = ()
    bits: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "CloudMask":
        """Read a mask as users write it: `ASSET:VALUES`, the values or bits that are not clear.

        Raises:
            FetchError: it is not written so.
        """
        asset, _, listed = text.rpartition(":")
        ranges, bits = [], []
        for part in listed.split(","):
            found = _PART.fullmatch(part.strip())
            if not (asset.strip() and found):
                raise FetchError(
                    f"--cloud-mask {text}: is not an asset and its values of what is not clear, as in SCL:0,1,3,8-11 "
                    "or QA_PIXEL:bit1,bit3; write it so, or give none"
                )
            if found["bit"]:
                bits.append(int(found["bit"]))
            else:
                ranges.append((int(found["first"]), int(found["last"] or found["first"])))
        if max(bits, default=0) > MAX_BIT or any(not first <= last <= MAX_VALUE for first, last in ranges):
            raise FetchError(f"--cloud-mask {text}: has a bit above {MAX_BIT} or a range that ends before it begins")
        return cls(asset.strip(), tuple(ranges), tuple(bits))

    @classmethod
    def of_collection(cls, items: Iterable[pystac.Item]) -> "CloudMask | None":
        """Find the mask that the scenes of a collection bring along; None where they bring none that is known."""
        names = {name.lower() for item in items for name in item.assets}
        return next((mask for mask in KNOWN_MASKS if mask.asset.lower() in names), None)

    def asset_of(self, item: pystac.Item) -> str | None:
        """The name of the mask asset as a scene writes it; None where it has none."""
        return next((name for name in item.assets if name.lower() == self.asset.lower()), None)

    def clear(self, classes: Pixels) -> Valid:
        """Find the clear pixels of a mask (H, W)."""
        unclear = np.zeros(classes.shape, bool)
        for first, last in self.ranges:
            unclear |= (classes >= first) & (classes <= last)
        if self.bits:
            unclear |= (classes.astype(np.int64) & sum(1 << bit for bit in self.bits)) != 0
        return ~unclear

    def __str__(self) -> str:
        """Write the mask as users do."""
        values = [str(first) if first == last else f"{first}-{last}" for first, last in self.ranges]
        return f"{self.asset}:{','.join(values + [f'bit{bit}' for bit in self.bits])}"


KNOWN_MASKS = (
    CloudMask("SCL", tuple((value, value) for value in SCL_CLASSES)),
    CloudMask("QA_PIXEL", bits=QA_PIXEL_BITS),
)
