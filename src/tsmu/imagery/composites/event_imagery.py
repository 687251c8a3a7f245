"""The imagery of an event as it lies in its folder: composites before and after, what was seen, and the sources."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import pandas as pd
import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from tsmu.errors import FetchError
from tsmu.files import write_json
from tsmu.imagery.composites.band_names import Kind

IMAGERY_FILE, SOURCES_FILE = "imagery.json", "sources.csv"
FORMAT = 1  # of imagery.json
# Of observed.tif; the pixels of the area are those that are not 0.
OBSERVED_CLASSES = {0: "outside", 1: "clear", 2: "not_before", 3: "not_after", 4: "neither"}
SOURCE_COLUMNS = ("item_id", "datetime", "collection", "side", "cloud_cover", "share", "left_out", "url")


@dataclass(frozen=True)
class ZoneImagery:
    """The imagery of an event in one UTM zone.

    Attributes:
        crs: the zone, such as `EPSG:32651`.
        folder: of its files.
        area: this zone's part of the area, EPSG:4326.
        pixels: pixels of that part by class of `OBSERVED_CLASSES`.
    """

    crs: str
    folder: Path
    area: BaseGeometry
    pixels: dict[str, int]

    @property
    def pre(self) -> Path:
        """The composite before the event."""
        return self.folder / "pre.tif"

    @property
    def post(self) -> Path:
        """The composite after it, on the same grid."""
        return self.folder / "post.tif"

    @property
    def observed(self) -> Path:
        """What was seen clear, by `OBSERVED_CLASSES`, on the same grid."""
        return self.folder / "observed.tif"


@dataclass(frozen=True)
class EventImagery:
    """The imagery of an event.

    Attributes:
        folder: the dated folder that holds everything.
        day: of the event; scenes of that day, in UTC, belong to neither side.
        kind: optical or radar.
        stac: address of the catalogue.
        collection: of the scenes.
        bands: of the composites.
        pixel_size: metres.
        area: that was asked for, EPSG:4326.
        zones: the imagery of each UTM zone, from west to east.
        pre_first, pre_last, post_first, post_last: first and last day of the scenes in the composites.
        identity: a digest of all that decided the result; that of the composites before the event alone is
            `pre_identity`.
        assumptions: what the scenes do not declare -> what was assumed.
        is_new: False where the same scenes had been composed before, and nothing was read.
        earlier: the folder of the composition made before this one; None if this was the first.
    """

    folder: Path
    day: date
    kind: Kind
    stac: str
    collection: str
    bands: tuple[str, ...]
    pixel_size: float
    area: BaseGeometry
    zones: tuple[ZoneImagery, ...]
    pre_first: date
    pre_last: date
    post_first: date
    post_last: date
    identity: str
    pre_identity: str
    assumptions: dict[str, str]
    is_new: bool = True
    earlier: Path | None = None

    @property
    def sources(self) -> Path:
        """The table of all scenes that were found, used or not."""
        return self.folder / SOURCES_FILE

    @property
    def area_km2(self) -> dict[str, float]:
        """Square kilometres of the area by class of `OBSERVED_CLASSES`, by the pixels in their zones."""
        names = [name for value, name in OBSERVED_CLASSES.items() if value]
        return {name: sum(zone.pixels[name] for zone in self.zones) * self.pixel_size**2 / 1e6 for name in names}

    def read_sources(self) -> pd.DataFrame:
        """Read the table of sources.

        Returns:
            One row per scene and side: `item_id`, `datetime`, `collection`, `side` (pre or post), `cloud_cover`
            (percent, NaN where the catalogue does not say), `share` (0 to 1: of the area's pixels those in whose
            median the scene is), `left_out` (why it is not used, or empty), `url` (of the item, or empty).
        """
        text = {name: str for name in SOURCE_COLUMNS if name not in ("cloud_cover", "share")}
        return pd.read_csv(self.sources, dtype=text, keep_default_na=False, na_values={"cloud_cover": [""]})


def write_imagery_file(imagery: EventImagery, folder: Path) -> None:
    """Write what `read_event_imagery` reads into a folder, which may have a temporary name."""
    days = {name: getattr(imagery, name).isoformat() for name in _DAYS}
    plain = {name: getattr(imagery, name) for name in _PLAIN}
    zones = [{"crs": zone.crs, "area": mapping(zone.area), "pixels": zone.pixels} for zone in imagery.zones]
    earlier = imagery.earlier.name if imagery.earlier else None
    about = {"format": FORMAT, **plain, **days, "bands": list(imagery.bands), "earlier": earlier}
    write_json(folder / IMAGERY_FILE, about | {"area": mapping(imagery.area), "zones": zones})


def read_event_imagery(folder: Path) -> EventImagery:
    """Read what was composed before.

    Args:
        folder: a dated folder, as `EventImagery.folder` names it.

    Raises:
        FetchError: there is no imagery of an event, or not all of it.

    Example:
        >>> read_event_imagery(Path("not-there"))
        Traceback (most recent call last):
        tsmu.errors.FetchError: not-there: holds no imagery of an event (...); compose it again
    """
    try:
        about = json.loads((folder / IMAGERY_FILE).read_text(encoding="utf-8"))
        imagery = _from_json(about, folder)
    except (OSError, ValueError, KeyError, TypeError, shapely.errors.ShapelyError) as error:
        raise FetchError(f"{folder}: holds no imagery of an event ({error}); compose it again") from None
    files = [imagery.sources, *(file for zone in imagery.zones for file in (zone.pre, zone.post, zone.observed))]
    if missing := next((file for file in files if not file.is_file()), None):
        raise FetchError(f"{missing}: is missing; remove {folder}, and compose the event again")
    return imagery


def composed_before(folder: Path) -> list[EventImagery]:
    """All compositions in the folder of an event that are whole, the latest last."""
    found = []
    for file in folder.glob(f"*/{IMAGERY_FILE}"):
        try:
            found.append((file.stat().st_mtime_ns, read_event_imagery(file.parent)))
        except FetchError:
            continue
    return [imagery for _, imagery in sorted(found, key=lambda one: (one[0], one[1].folder.name))]


def write_sources(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a table of scenes in the order of side, time and id."""
    frame = pd.DataFrame(_in_order(rows), columns=list(SOURCE_COLUMNS))
    frame.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


def _in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["side"] != "pre", row["datetime"], row["item_id"]))


_PLAIN = ("kind", "stac", "collection", "pixel_size", "identity", "pre_identity", "assumptions")
_DAYS = ("day", "pre_first", "pre_last", "post_first", "post_last")


def _from_json(about: dict[str, Any], folder: Path) -> EventImagery:
    if about["format"] != FORMAT:
        raise ValueError(f"format {about['format']}")
    zones = [
        ZoneImagery(zone["crs"], folder / zone["crs"].replace(":", "_"), shape(zone["area"]), dict(zone["pixels"]))
        for zone in about["zones"]
    ]
    earlier = about["earlier"]
    return EventImagery(
        folder=folder,
        bands=tuple(about["bands"]),
        area=shape(about["area"]),
        zones=tuple(zones),
        earlier=folder.parent / earlier if earlier else None,
        **{name: about[name] for name in _PLAIN},
        **cast("dict[str, Any]", {name: date.fromisoformat(about[name]) for name in _DAYS}),
    )
