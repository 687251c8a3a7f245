"""CQL2 (OGC 21-065r2), text or JSON, read by the library cql2 into one tree, that of CQL2-JSON.

The library says where a text cannot be read; here that becomes one line. It is also kept from texts that it
cannot read in reasonable time.
"""

import re
from typing import Any

import cql2

from tsmu.errors import DatabaseError

# cql2 0.6 takes twice as long for each further level where something is wrong inside (1 s at 20 levels,
# 10 ms at 10), and ends the whole process at some thousands.
_DEEPEST_PARENTHESES = 10
# Texts, and names in double quotes, whose parentheses count for nothing.
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"[^"]*\"""")
_PLACE = re.compile(r"-->\s*(\d+):(\d+)")


def cql2_tree(text: str) -> Any:
    """Read CQL2 text, or a JSON object of CQL2-JSON, as the tree of CQL2-JSON.

    Raises:
        DatabaseError: it is neither; says where.

    Example:
        >>> cql2_tree("area_m2 >= 100")
        {'op': '>=', 'args': [{'property': 'area_m2'}, 100.0]}
    """
    try:
        if text.lstrip().startswith("{"):
            return cql2.parse_json(text).to_json()
        _check_parentheses(text)
        return cql2.parse_text(text).to_json()
    except DatabaseError:
        raise
    except Exception as error:  # cql2 raises ParseError, and plain Exception for geometries without positions
        raise DatabaseError(f"condition {shortened(text)}: {_defect(text, str(error))}; correct it") from error


def _check_parentheses(text: str) -> None:
    """Refuse text that the library would read too slowly, or would end the process with."""
    depth = deepest = 0
    for sign in re.findall("[()]", _QUOTED.sub("", text)):
        depth += 1 if sign == "(" else -1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST_PARENTHESES:
        raise DatabaseError(
            f"condition {shortened(text)}: parentheses are nested more than {_DEEPEST_PARENTHESES} deep; "
            "write it with fewer"
        )


def _defect(text: str, message: str) -> str:
    """What is wrong by an error of cql2: for text, which character, and what was expected there."""
    place = _PLACE.search(message)
    if place is None:
        return f"not CQL2 ({message.splitlines()[0]})"
    line, column = map(int, place.groups())
    character = sum(len(passed) + 1 for passed in text.split("\n")[: line - 1]) + column
    # Where a value can stand, cql2 lists all kinds of values; elsewhere all operators.
    is_value = "Identifier" in message or "expected Expr" in message
    expected = "a column or a value" if is_value else "and, or, an operator or the end"
    return f"expected {expected} at character {character}"


def shortened(text: str) -> str:
    """A condition as an error message quotes it: its first 200 characters."""
    return repr(text if len(text) <= 200 else f"{text[:200]}...")
