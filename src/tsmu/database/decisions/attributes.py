"""What a survey records of a landslide besides its outline: movement, material, trigger, and how sure a person is."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from tsmu.database.decisions.records import DecisionRequest, PlannedChange
from tsmu.database.vocabulary import Author, Confidence, Material, MovementType, Status, Trigger
from tsmu.errors import DatabaseError

ATTRIBUTES: dict[str, type[StrEnum]] = {
    "movement_type": MovementType,
    "material": Material,
    "trigger": Trigger,
    "confidence": Confidence,
}
"""The columns of the landslide table that a reviewer describes a landslide by, each with its vocabulary."""


def check_attributes(attributes: Mapping[str, str | None]) -> None:
    """Refuse attributes of unknown names, and values that are not in the vocabulary of their attribute.

    Raises:
        DatabaseError: nothing is given, or something that there is not.

    Example:
        >>> check_attributes({"trigger": "rainfall", "material": None})
    """
    if not attributes:
        raise DatabaseError(f"describe: give one or more of {', '.join(ATTRIBUTES)}")
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            raise DatabaseError(f"describe: there is no attribute {name!r}; give {', '.join(ATTRIBUTES)}")
        if value is not None and value not in list(ATTRIBUTES[name]):
            raise DatabaseError(f"describe: {name} {value!r} is none of {', '.join(ATTRIBUTES[name])}")


def attributes_text(attributes: Mapping[str, str | None]) -> str:
    """Attributes as one line of text, as the history of a landslide shows them.

    Example:
        >>> attributes_text({"movement_type": "debris flow", "trigger": None})
        'movement type: debris flow, trigger: unknown'
    """
    return ", ".join(f"{name.replace('_', ' ')}: {value or 'unknown'}" for name, value in attributes.items())


def reason_of(request: DecisionRequest) -> str:
    """The reason that is stored with a decision: where none is given, what was described or done.

    Example:
        >>> reason_of(DecisionRequest("5f0c", Action.ACCEPT, "eva", why=" a scarp "))
        'a scarp'
        >>> reason_of(DecisionRequest("5f0c", Action.ACCEPT, "eva"))
        'accept'
    """
    return request.why.strip() or attributes_text(request.attributes) or request.label


def plan_description(request: DecisionRequest, row: Mapping[str, Any]) -> PlannedChange:
    """The change that a reviewer's description makes to a landslide: its attributes are replaced, its status stays.

    Raises:
        DatabaseError: a newer run does not see the landslide any more: a version by a person would bring it back.
    """
    if row["status"] == Status.REJECTED and row["author"] == Author.RUN:
        raise DatabaseError(f"landslide {row['id']}: a newer run does not see it any more; accept it first")
    values = {name: None if value is None else str(value) for name, value in request.attributes.items()}
    return PlannedChange(row["id"], row, values)
