"""The registry: which version serves a region, the current one or the one that the region is pinned to.

A version serves a region when maps of that region are made with it. `models/serving.json` says which one that
is. The file is always replaced as a whole, and is missing as long as the newest version serves everything.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tsmu.errors import BundleError
from tsmu.files import write_json
from tsmu.model.bundles.bundle import Bundle, bundle_versions, next_version_number, open_bundle
from tsmu.model.bundles.record import BundleRecord

FILE = "serving.json"


class Pin(BaseModel):
    """Why a region is not served by the current version.

    Attributes:
        version: name of the version that serves it.
        why: the finding of an update, or a person's reason.
        since: UTC, ISO 8601.
        by_hand: whether a person set it; then only a person removes it.
        against: the version that an update found to be worse for this region; None if a person set the pin.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    why: str
    since: str
    by_hand: bool = False
    against: str | None = None


class Serving(BaseModel):
    """The content of serving.json.

    Attributes:
        current: name of the version that serves, and that the next update starts from; None is the newest.
        pins: by region, for those that another version serves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    current: str | None = None
    pins: dict[str, Pin] = {}


def read_serving(models: Path) -> Serving:
    """Read serving.json in the folder of all versions.

    Raises:
        BundleError: the file is damaged.

    Example:
        >>> read_serving(models)
        Serving(current=None, pins={})
    """
    try:
        return Serving.model_validate_json((models / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Serving()
    except (ValidationError, ValueError):
        raise BundleError(f"{models / FILE}: damaged; remove it, then pin again what tsmu models list shows") from None


def current_bundle(models: Path) -> Bundle | None:
    """Open the current version; None before the first update.

    Example:
        >>> current_bundle(models).name
        'v001'
    """
    versions = bundle_versions(models)
    current = read_serving(models).current
    return open_bundle(models / current if current else versions[-1]) if versions else None


def is_ancestor(models: Path, bundle: Bundle) -> bool:
    """Whether a version is the current one, or one that the current one came from.

    Example:
        >>> is_ancestor(models, bundle)
        True
    """
    ancestor = current_bundle(models)
    while ancestor is not None and ancestor.name != bundle.name:
        parent = ancestor.record.parent
        ancestor = None if parent is None else open_bundle(models / f"v{parent:03d}")
    return ancestor is not None


def serving_bundle(models: Path, region: str | None = None) -> Bundle:
    """Open the version that serves a region; for a region without a pin, or None, the current one.

    Raises:
        BundleError: there is no version yet.

    Example:
        >>> serving_bundle(models, "alps").name
        'v001'
    """
    pin = read_serving(models).pins.get(region or "")
    bundle = open_bundle(models / pin.version) if pin else current_bundle(models)
    if bundle is None:
        raise BundleError(f"{models}: no bundle yet; make the first with: tsmu update REGION")
    return bundle


def served_record(models: Path) -> BundleRecord:
    """The current version's record, with the regions that only a pinned version has learned.

    Raises:
        BundleError: there is no version yet.

    Example:
        >>> list(served_record(models).regions)
        ['alps']
    """
    current, pins = serving_bundle(models).record, read_serving(models).pins
    pinned = {
        region: open_bundle(models / pin.version).record.regions[region]
        for region, pin in pins.items()
        if region not in current.regions
    }
    return current.model_copy(update={"regions": current.regions | pinned})


def pin_region(models: Path, region: str, version: str, why: str) -> None:
    """Let a version serve a region from now on, whatever is learned later.

    Raises:
        BundleError: there is no such version, or it has not learned the region.

    Example:
        >>> pin_region(models, "alps", "v001", why="checked in the field")
        >>> read_serving(models).pins["alps"].version
        'v001'
    """
    open_version(models, version).require_region(region)
    serving = read_serving(models)
    pin = _new_pin(version, why, by_hand=True)
    _write(models, serving.model_copy(update={"pins": serving.pins | {region: pin}}))


def unpin_region(models: Path, region: str) -> None:
    """Let the current version serve a region again.

    Raises:
        BundleError: the region is not pinned.

    Example:
        >>> unpin_region(models, "andes")
        Traceback (most recent call last):
        tsmu.errors.BundleError: ...serving.json: andes is not pinned; pinned are: none
    """
    serving = read_serving(models)
    if region not in serving.pins:
        raise BundleError(f"{models / FILE}: {region} is not pinned; pinned are: {', '.join(serving.pins) or 'none'}")
    _write(models, serving.model_copy(update={"pins": _without(serving.pins, region)}))


def roll_back(models: Path, version: str) -> None:
    """Make an earlier version the current one; no version is removed.

    A pin is removed if an update set it against a version that is no longer among the current one and its ancestors,
    and if the current version has learned the region. All other pins stay.

    Raises:
        BundleError: there is no such version.

    Example:
        >>> roll_back(models, "v001")
        >>> read_serving(models).current
        'v001'
    """
    bundle = open_version(models, version)
    ancestry, regions = {version}, bundle.record.regions
    while bundle.record.parent is not None:
        bundle = open_bundle(models / f"v{bundle.record.parent:03d}")
        ancestry.add(bundle.name)
    pins = {
        region: pin
        for region, pin in read_serving(models).pins.items()
        if pin.against is None or pin.against in ancestry or region not in regions
    }
    _write(models, Serving(current=version, pins=pins))


def pin_worse_regions(models: Path, against: str, worse: Mapping[str, tuple[str, str]]) -> None:
    """Pin the regions for which a version that is about to be written would be worse.

    The pins are set first, so that the version never serves these regions.

    Args:
        models: the folder of all versions.
        against: name of the version that is about to be written.
        worse: by region, the version that serves it best, and the finding; regions that are pinned
            already keep their pin.

    Example:
        >>> pin_worse_regions(models, "v002", {"alps": ("v001", "IoU fell from 0.5 to 0.3")})
        >>> read_serving(models).pins["alps"].against
        'v002'
    """
    serving = read_serving(models)
    pins = {region: _new_pin(version, why, against=against) for region, (version, why) in worse.items()} | serving.pins
    if pins != serving.pins:
        _write(models, serving.model_copy(update={"pins": pins}))


def remove_orphaned_pins(models: Path) -> None:
    """Remove the pins against a version that was never written, because its update was killed or failed.

    Example:
        >>> pin_worse_regions(models, "v002", {"alps": ("v001", "IoU fell from 0.5 to 0.3")})
        >>> remove_orphaned_pins(models)
        >>> read_serving(models).pins
        {}
    """
    serving, next_number = read_serving(models), next_version_number(models)
    pins = {
        region: pin for region, pin in serving.pins.items() if not pin.against or int(pin.against[1:]) < next_number
    }
    if pins != serving.pins:
        _write(models, serving.model_copy(update={"pins": pins}))


def make_newest_current(models: Path, learned: str | None) -> None:
    """Make the newest version the current one.

    Args:
        models: the folder of all versions.
        learned: the region that it has learned well, whose pin is removed unless a person set it; or None.

    Example:
        >>> roll_back(models, "v001")
        >>> make_newest_current(models, "alps")
        >>> read_serving(models).current is None
        True
    """
    serving = read_serving(models)
    pin = serving.pins.get(learned or "")
    updated = Serving(pins=serving.pins if pin and pin.by_hand else _without(serving.pins, learned))
    if updated != serving:
        _write(models, updated)


def open_version(models: Path, version: str) -> Bundle:
    """Open a version by its name, such as v003.

    Raises:
        BundleError: there is no such version.

    Example:
        >>> open_version(models, "v007")
        Traceback (most recent call last):
        tsmu.errors.BundleError: ...models: no version v007; there are: v001
    """
    names = [path.name for path in bundle_versions(models)]
    if version not in names:
        raise BundleError(f"{models}: no version {version}; there are: {', '.join(names) or 'none yet'}")
    return open_bundle(models / version)


def _new_pin(version: str, why: str, *, by_hand: bool = False, against: str | None = None) -> Pin:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return Pin(version=version, why=why, since=since, by_hand=by_hand, against=against)


def _without(pins: Mapping[str, Pin], region: str | None) -> dict[str, Pin]:
    return {name: pin for name, pin in pins.items() if name != region}


def _write(models: Path, serving: Serving) -> None:
    write_json(models / FILE, serving.model_dump())
