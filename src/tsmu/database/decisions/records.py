"""A decision of a review: what is wanted, what it is made of, and what it did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shapely.geometry.base import BaseGeometry

from tsmu.database.vocabulary import Action

STAMP = ("id", "version", "changed_by", "changed_at", "change_reason")  # of a landslide; all else is what is believed


@dataclass(frozen=True)
class DecisionRequest:
    """A decision to be made.

    Attributes:
        id: of the decision; its maker's, such as a UUID.
        action: what to do.
        by: who decides.
        why: the reason, or the comment; where empty the action is named.
        landslides: version that was seen, by id. For a merge all of them, the first one stays; none
            for draw; for undo all that the decision touched, or none to take the present ones.
        shape: EPSG:4326; the outline for edit and draw, the line to cut along for split.
        scene_id: the images that were looked at; needed for draw.
        region: ecoregion, for draw.
        undoes: id of the decision to take back.
    """

    id: str
    action: Action
    by: str
    why: str = ""
    landslides: Mapping[str, int] = field(default_factory=dict)
    shape: BaseGeometry | None = None
    scene_id: str | None = None
    region: str | None = None
    undoes: str | None = None


@dataclass(frozen=True)
class LandslideChange:
    """What a decision did to one landslide: versions before (None: it is new) and after."""

    id: str
    version_before: int | None
    version_after: int
    status: str


@dataclass(frozen=True)
class DecisionResult:
    """A decision that is made.

    Attributes:
        id: its id.
        action: what was done.
        changes: to each landslide.
        repeated: whether it had been made before, and nothing was done now.
    """

    id: str
    action: str
    changes: tuple[LandslideChange, ...]
    repeated: bool = False


@dataclass(frozen=True)
class PlannedChange:
    """One landslide on its way: its row as it is (None: new), what changes, and whether that is a new version."""

    id: str
    before: Mapping[str, Any] | None
    values: dict[str, Any]
    counted: bool = True
