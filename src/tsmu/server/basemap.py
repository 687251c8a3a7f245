"""A map of somebody else's below the images: its tiles are the one thing that the page loads from elsewhere."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from tsmu.errors import ReviewError

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_XYZ, _WMS = ("{z}", "{x}", "{y}"), ("{bbox-epsg-3857}",)


@dataclass(frozen=True)
class BaseMap:
    """The tiles of a base map.

    Attributes:
        url: of a tile, with {z}, {x} and {y} in it, or for a WMS with {bbox-epsg-3857}.
        credit: whom the map shows as its source.

    Raises:
        ReviewError: the URL is none of a tile.

    Example:
        >>> BaseMap("https://tiles.example.org/{z}/{x}/{y}.png?style=a").origin
        'https://tiles.example.org'
    """

    url: str
    credit: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no URL of a tile: its host goes into the page's content security policy."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
            raise ReviewError(f"--basemap {self.url!r}: not a URL; write https://HOST/{{z}}/{{x}}/{{y}}.png")
        if not any(all(part in self.url for part in parts) for parts in (_XYZ, _WMS)):
            raise ReviewError(
                f"--basemap {self.url!r}: write {{z}}, {{x}} and {{y}} where a tile's place goes, "
                "or for a WMS {bbox-epsg-3857}"
            )

    @property
    def origin(self) -> str:
        """Scheme, host and port that the tiles come from."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"
