"""What a check finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IntegrityFinding:
    """One thing that is wrong: `row` is an id, or None where it is about a whole table."""

    rule: str
    table: str
    row: str | None
    problem: str
    repaired: bool = False
