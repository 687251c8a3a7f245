"""Which version serves a region: the current one, or the one that the region is pinned to.

`models/serving.json` is written whole; it is missing as long as the newest version serves everything.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tsmu.errors import BundleError
from tsmu.files import write_json
from tsmu.model.bundles.bundle import Bundle, bundle_versions, next_version, open_bundle
from tsmu.model.bundles.record import BundleRecord

FILE = "serving.json"


class Pin(BaseModel):
    """Why a region is not served by the current version.

    Attributes:
        version: name of the one that serves it.
        why: what was found, or what a person said.
        since: UTC, ISO 8601.
        by_hand: whether a person set it; then only a person takes it off.
        against: the version from which an update kept the region back; None of a person's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    why: str
    since: str
    by_hand: bool = False
    against: str | None = None


class Serving(BaseModel):
    """What serves what.

    Attributes:
        current: name of the version that serves and that the next update begins with; None is the newest.
        pins: by region, for those that another version serves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    current: str | None = None
    pins: dict[str, Pin] = {}


def read_serving(models: Path) -> Serving:
    """Read what serves what.

    Raises:
        BundleError: the file is damaged.
    """
    try:
        return Serving.model_validate_json((models / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Serving()
    except (ValidationError, ValueError):
        raise BundleError(f"{models / FILE}: damaged; remove it, then pin again what tsmu models list shows") from None


def current_bundle(models: Path) -> Bundle | None:
    """Open the current version; None before the first update."""
    versions = bundle_versions(models)
    current = read_serving(models).current
    return open_bundle(models / current if current else versions[-1]) if versions else None


def serving_bundle(models: Path, region: str | None = None) -> Bundle:
    """Open the version that serves a region; of a region that no version knows, the current one.

    Raises:
        BundleError: there is none yet.
    """
    pin = read_serving(models).pins.get(region or "")
    bundle = open_bundle(models / pin.version) if pin else current_bundle(models)
    if bundle is None:
        raise BundleError(f"{models}: no bundle yet; make the first with: tsmu update REGION")
    return bundle


def served_record(models: Path) -> BundleRecord:
    """The current version's record, with the regions that it does not know but that a pin serves.

    Raises:
        BundleError: there is no version yet.
    """
    current, pins = serving_bundle(models).record, read_serving(models).pins
    elsewhere = {
        region: open_bundle(models / pin.version).record.regions[region]
        for region, pin in pins.items()
        if region not in current.regions
    }
    return current.model_copy(update={"regions": current.regions | elsewhere})


def pin(models: Path, region: str, version: str, why: str) -> None:
    """Let a version serve a region from now on, whatever is learned later.

    Raises:
        BundleError: no such version, or it has not learned the region.
    """
    named_bundle(models, version).require_region(region)
    serving = read_serving(models)
    _write(models, serving.model_copy(update={"pins": serving.pins | {region: _pin(version, why, by_hand=True)}}))


def unpin(models: Path, region: str) -> None:
    """Let the current version serve a region again.

    Raises:
        BundleError: it is not pinned.
    """
    serving = read_serving(models)
    if region not in serving.pins:
        raise BundleError(f"{models / FILE}: {region} is not pinned; pinned are: {', '.join(serving.pins) or 'none'}")
    _write(models, serving.model_copy(update={"pins": _without(serving.pins, region)}))


def roll_back(models: Path, version: str) -> None:
    """Make an earlier version the current one; no version is removed.

    Pins stay, but for those that an update set against a version which is no ancestor any more.

    Raises:
        BundleError: no such version.
    """
    bundle = named_bundle(models, version)
    line, regions = {version}, bundle.record.regions
    while bundle.record.parent is not None:
        bundle = open_bundle(models / f"v{bundle.record.parent:03d}")
        line.add(bundle.name)
    pins = {
        region: pin
        for region, pin in read_serving(models).pins.items()
        if pin.against is None or pin.against in line or region not in regions
    }
    _write(models, Serving(current=version, pins=pins))


def hold(models: Path, against: str, worse: Mapping[str, tuple[str, str]]) -> None:
    """Pin the regions that a version about to be written would serve worse; it then appears with the pins in place.

    Args:
        models: the folder of the versions.
        against: name of that version.
        worse: by region, the version that serves it best and what was found; regions that are pinned
            already stay as they are.
    """
    serving = read_serving(models)
    pins = {region: _pin(version, why, against=against) for region, (version, why) in worse.items()} | serving.pins
    if pins != serving.pins:
        _write(models, serving.model_copy(update={"pins": pins}))


def let_go(models: Path) -> None:
    """Take off the pins against a version that was never written: its update was killed or failed."""
    serving, following = read_serving(models), next_version(models)
    pins = {region: pin for region, pin in serving.pins.items() if not pin.against or int(pin.against[1:]) < following}
    if pins != serving.pins:
        _write(models, serving.model_copy(update={"pins": pins}))


def move_on(models: Path, learned: str | None) -> None:
    """Make the newest version the current one, also for a region it has learned well if an update pinned that."""
    serving = read_serving(models)
    pinned = serving.pins.get(learned or "")
    moved = Serving(pins=serving.pins if pinned and pinned.by_hand else _without(serving.pins, learned))
    if moved != serving:
        _write(models, moved)


def named_bundle(models: Path, version: str) -> Bundle:
    """Open a version by its name, such as v003.

    Raises:
        BundleError: there is no such version.
    """
    known = [path.name for path in bundle_versions(models)]
    if version not in known:
        raise BundleError(f"{models}: no version {version}; there are: {', '.join(known) or 'none yet'}")
    return open_bundle(models / version)


def _pin(version: str, why: str, *, by_hand: bool = False, against: str | None = None) -> Pin:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return Pin(version=version, why=why, since=since, by_hand=by_hand, against=against)


def _without(pins: Mapping[str, Pin], region: str | None) -> dict[str, Pin]:
    return {name: pin for name, pin in pins.items() if name != region}


def _write(models: Path, serving: Serving) -> None:
    write_json(models / FILE, serving.model_dump())
