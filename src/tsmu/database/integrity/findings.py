"""What a check of a database reports."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IntegrityFinding:
    """One thing that is wrong with a database.

    Attributes:
        rule: the rule that is broken.
        table: in which table.
        row: id of the row; None where it is about the whole table.
        problem: what is wrong.
        repaired: whether it was put right.
    """

    rule: str
    table: str
    row: str | None
    problem: str
    repaired: bool = False
