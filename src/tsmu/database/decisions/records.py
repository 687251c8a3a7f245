"""What a decision of a review asks for, what it changes, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shapely.geometry.base import BaseGeometry

from tsmu.database.vocabulary import Action, Status
from tsmu.errors import DatabaseError

STATUS_OF = {
    Action.ACCEPT: Status.CONFIRMED,
    Action.REJECT: Status.REJECTED,
    Action.UNSURE: Status.CANDIDATE,
    Action.BAD_IMAGERY: Status.CANDIDATE,
}
"""The status that each verdict gives a landslide."""


@dataclass(frozen=True)
class DecisionRequest:
    """A decision that a person asks for.

    Attributes:
        id: of the decision; made by the caller, such as a UUID.
        action: what to do; None where only `status` is set.
        by: who decides.
        why: the reason, or the comment; where empty the action is named.
        landslides: by id the version that the person saw, None for whatever it is now. For a merge all of
            them, the first one stays; empty for draw; for undo all that the decision changed, or empty.
        shape: EPSG:4326; the outline for edit and draw, the line to cut along for split.
        scene_id: the images that were looked at; needed for draw.
        region: ecoregion, for draw.
        undoes: for undo, the id of the decision to undo.
        status: the landslide's new status, where there is no action.
        attributes: for describe, what is said of the landslide by the names of `ATTRIBUTES`; None for unknown.
    """

    id: str
    action: Action | None
    by: str
    why: str = ""
    landslides: Mapping[str, int | None] = field(default_factory=dict)
    shape: BaseGeometry | None = None
    scene_id: str | None = None
    region: str | None = None
    undoes: str | None = None
    status: Status | None = None
    attributes: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What is done, for messages: the action, or the status that is set."""
        return f"{self.action or self.status}"


@dataclass(frozen=True)
class LandslideChange:
    """What a decision did to one landslide: its version before (None for a new one) and after, and its status."""

    id: str
    version_before: int | None
    version_after: int
    status: str


@dataclass(frozen=True)
class DecisionResult:
    """A decision that is stored.

    Attributes:
        id: of the decision.
        action: what was done.
        changes: to each landslide.
        repeated: whether the decision was stored before, and nothing was done now.
        repairs: what was changed in a drawn outline so that it is valid, one sentence each.
        left_out: ids of landslides that a decision on many was not made on, as somebody has changed them since.
    """

    id: str
    action: str
    changes: tuple[LandslideChange, ...]
    repeated: bool = False
    repairs: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedChange:
    """What a decision is about to do to one landslide.

    Attributes:
        id: of the landslide.
        present: its row; None for a new landslide.
        columns: what changes; `geom` is a shapely geometry in EPSG:4326.
        new_version: whether it becomes a new version; a comment does not.
        repairs: what was changed in a drawn outline so that it is valid, one sentence each.
    """

    id: str
    present: Mapping[str, Any] | None
    columns: dict[str, Any]
    new_version: bool = True
    repairs: tuple[str, ...] = ()


def require_storable_texts(request: DecisionRequest) -> None:
    """Refuse a decision with a text that no database keeps as it is, or with what is no text where one is needed.

    Raises:
        DatabaseError: the request is refused.

    Example:
        >>> require_storable_texts(DecisionRequest("5f0c", Action.ACCEPT, "eva", landslides={"7a": 1}))
    """
    texts = {"id": request.id, "by": request.by, "why": request.why}
    optional = {"scene": request.scene_id, "region": request.region, "undoes": request.undoes}
    texts |= {name: text for name, text in optional.items() if text is not None}
    for name, text in (*texts.items(), *(("landslide", landslide_id) for landslide_id in request.landslides)):
        _require_storable(f"decision: {name}", text)


def _require_storable(what: str, text: object) -> None:
    """Refuse what is no text, or one with the character NUL or half a surrogate pair."""
    if not isinstance(text, str):
        raise DatabaseError(f"{what} is of the type {type(text).__name__}, not a text; give one text")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise DatabaseError(f"{what} has a character that cannot be stored (NUL or half a surrogate pair); remove it")


def require_reason(what: str, by: object, why: object) -> None:
    """Refuse a decision for which nobody or no reason is named.

    Args:
        what: is decided on, for the message.
        by: who decides.
        why: for what reason.

    Raises:
        DatabaseError: either is no text, or blank, or has a character that cannot be stored.
    """
    if not all(isinstance(text, str) and text.strip() for text in (by, why)):
        raise DatabaseError(f"{what}: say who decides (--by) and why (--why)")
    for name, text in (("by", by), ("why", why)):
        _require_storable(f"{what}: {name}", text)
