"""A base map below the images; its tiles are the only thing that the page loads from another site."""

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
        url: the URL of a tile, with the placeholders {z}, {x} and {y}, or for a WMS {bbox-epsg-3857}.
        credit: the source of the base map, which the map shows.

    Raises:
        ReviewError: the URL is not one of a tile.

    Example:
        >>> BaseMap("https://tiles.example.org/{z}/{x}/{y}.png?style=a").origin
        'https://tiles.example.org'
    """

    url: str
    credit: str = ""

    def __post_init__(self) -> None:
        """Refuse anything but the URL of a tile, because its host goes into the page's content security policy."""
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
        """The origin of the tiles: scheme, host and port."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"
