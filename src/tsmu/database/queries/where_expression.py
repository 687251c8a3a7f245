"""`--where`: a small expression over known columns, turned into a bound SQL condition.

    area_m2 > 1000 and (trigger = 'rainfall' or trigger is null) and not region in ('alps', 'jura')

Operators: = != < <= > >=, in (...), between a and b, like '%x%' (without regard to case), is null; and,
or, not, parentheses. Texts stand in single quotes ('' for one inside), days are texts such as
'2024-05-01'. Nothing of it reaches the database but names of columns and bound values.
"""

import difflib
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from tsmu.database.types import Moment
from tsmu.errors import DatabaseError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<text>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,))"
)
_COMPARE: dict[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_DEEPEST = 50  # parentheses and negations within each other


def parse_where(text: str, table: sa.Table) -> sa.ColumnElement[bool]:
    """Turn an expression over a table's columns into a condition.

    Raises:
        DatabaseError: it is not such an expression; says where.
    """
    parser = _Parser(text, {column.name: column for column in table.columns if column.name not in ("fid", "geom")})
    expression = parser.either(0)
    if parser.kind:
        raise parser.wrong("and, or, or the end")
    return expression


class _Parser:
    """Recursive descent, one word ahead."""

    def __init__(self, text: str, columns: dict[str, sa.Column[Any]]) -> None:
        self.text, self.columns, self.place = text, columns, 0
        self.kind, self.word, self.start = "", "", 0
        self.next()

    def next(self) -> str:
        """Go one word on; give the one that was there."""
        passed, self.start = self.word, self.place
        if not self.text[self.place :].strip():
            self.kind, self.word = "", ""
            return passed
        match = _TOKEN.match(self.text, self.place)
        if match is None:
            raise self.wrong("a column, a number or a text in single quotes")
        self.kind, self.word = str(match.lastgroup), match[str(match.lastgroup)]
        self.start, self.place = match.start(str(match.lastgroup)), match.end()
        return passed

    def wrong(self, expected: str) -> DatabaseError:
        """The error for this place."""
        return DatabaseError(f"--where {self.text!r}: expected {expected} at character {self.start + 1}; correct it")

    def takes(self, *words: str) -> bool:
        """Whether the next word is one of these; if so it is passed."""
        if self.kind in ("name", "sign") and self.word.lower() in words:
            self.next()
            return True
        return False

    def needs(self, word: str) -> None:
        if not self.takes(word):
            raise self.wrong(word)

    def either(self, depth: int) -> sa.ColumnElement[bool]:
        parts = [self.both(depth)]
        while self.takes("or"):
            parts.append(self.both(depth))
        return sa.or_(*parts) if len(parts) > 1 else parts[0]

    def both(self, depth: int) -> sa.ColumnElement[bool]:
        parts = [self.single(depth)]
        while self.takes("and"):
            parts.append(self.single(depth))
        return sa.and_(*parts) if len(parts) > 1 else parts[0]

    def single(self, depth: int) -> sa.ColumnElement[bool]:
        if depth > _DEEPEST:
            raise DatabaseError(f"--where: nested more than {_DEEPEST} deep; write it more simply")
        if self.takes("not"):
            return sa.not_(self.single(depth + 1))
        if self.takes("("):
            inside = self.either(depth + 1)
            self.needs(")")
            return sa.and_(inside).self_group()
        return self.comparison()

    def comparison(self) -> sa.ColumnElement[bool]:
        column = self.column()
        if self.kind == "sign" and self.word in _COMPARE:
            compare = _COMPARE[self.next()]
            return compare(column, self.value(column))
        if self.takes("is"):
            negated = self.takes("not")
            self.needs("null")
            return column.is_not(None) if negated else column.is_(None)
        negated = self.takes("not")
        expression = self.listed(column)
        return sa.not_(expression) if negated else expression

    def listed(self, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        if self.takes("in"):
            self.needs("(")
            values = [self.value(column)]
            while self.takes(","):
                values.append(self.value(column))
            self.needs(")")
            return column.in_(values)
        if self.takes("between"):
            low = self.value(column)
            self.needs("and")
            return column.between(low, self.value(column))
        if self.takes("like"):
            if not isinstance(column.type, sa.Text):
                raise DatabaseError(f"--where: {column.name} is no text, and like compares texts; use = or <")
            return column.ilike(str(self.literal("text")))
        raise self.wrong("=, <, in, between, like or is")

    def column(self) -> sa.Column[Any]:
        if self.kind != "name":
            raise self.wrong("a column")
        name = self.word.lower()
        if name not in self.columns:
            near = difflib.get_close_matches(name, self.columns, n=1, cutoff=0.0)[0]
            raise DatabaseError(f"--where {self.text!r}: no column {self.word}; the nearest is {near}")
        self.next()
        return self.columns[name]

    def literal(self, kind: str) -> str:
        if self.kind != kind:
            raise self.wrong("a number" if kind == "number" else "a text in single quotes")
        word = self.next()
        return word[1:-1].replace("''", "'") if kind == "text" else word

    def value(self, column: sa.Column[Any]) -> Any:
        """A value of the column's type."""
        if isinstance(column.type, sa.Integer | sa.Float):
            return float(self.literal("number"))
        text = self.literal("text")
        if isinstance(column.type, sa.Date | Moment):
            try:
                moment = datetime.fromisoformat(text)
                if isinstance(column.type, sa.Date):
                    return date(moment.year, moment.month, moment.day)
                return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
            except (ValueError, OverflowError):  # the latter for an hour before the year 1
                raise DatabaseError(f"--where: {text!r} is no day such as '2024-05-01'; correct it") from None
        known = column.info.get("vocabulary")
        if known and text not in list(known):
            raise DatabaseError(f"--where: {column.name} is never {text!r}; it is one of {', '.join(known)}")
        return text
