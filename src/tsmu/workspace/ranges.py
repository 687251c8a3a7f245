"""Check arguments of verbs: numbers must lie in their ranges, and names must be known.

The options of the command line have the same ranges.
"""

import math
from collections.abc import Collection
from numbers import Integral, Real

from tsmu.errors import TsmuError


def check_range(
    name: str,
    value: float | None,
    error: type[TsmuError],
    low: float = 0.0,
    high: float = math.inf,
    *,
    whole: bool = False,
) -> None:
    """Refuse a value that is not a finite number within a range.

    Args:
        name: the name of the keyword argument, for the message.
        value: the value; None is accepted.
        error: the class of the error that is raised.
        low: the smallest number that makes sense.
        high: the largest; by default any finite one.
        whole: whether only whole numbers make sense.

    Raises:
        TsmuError: the value is refused; the error is of the class `error`.

    Example:
        >>> from tsmu.errors import MapError
        >>> check_range("min_area", -3, MapError)
        Traceback (most recent call last):
        tsmu.errors.MapError: `min_area=-3`: must be a finite number of at least 0
        >>> check_range("tile", 99.5, MapError, 64, 8192, whole=True)
        Traceback (most recent call last):
        tsmu.errors.MapError: `tile=99.5`: must be a whole number from 64 to 8192
    """
    if value is None:
        return
    inside = isinstance(value, Real) and math.isfinite(value) and low <= value <= high
    if inside and (not whole or isinstance(value, Integral)):
        return
    kind = "whole" if inside else "finite"
    allowed = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of at least {low:g}"
    raise error(f"{_option(name, value)}: must be a {kind} number {allowed}")


def check_percent(
    name: str, value: float | None, error: type[TsmuError], low: float = 0.0, *, whole: bool = False
) -> None:
    """Refuse a value that is not a percentage, also one between 0 and 1, which probably was meant as a share.

    Args:
        name: the name of the keyword argument, for the message.
        value: the percentage, `low` to 100; None is accepted.
        error: the class of the error that is raised.
        low: the smallest percentage that makes sense.
        whole: whether only whole percents make sense.

    Raises:
        TsmuError: the value is refused; the error is of the class `error`.

    Example:
        >>> from tsmu.errors import MapError
        >>> check_percent("min_probability", 0.9, MapError)
        Traceback (most recent call last):
        tsmu.errors.MapError: `min_probability=0.9`: is read as 0.9 percent; for a share of 0.9 give 90
    """
    if isinstance(value, Real) and 0 < value < 1:
        share = f"{value:g}"
        raise error(f"{_option(name, value)}: is read as {share} percent; for a share of {share} give {value * 100:g}")
    check_range(name, value, error, low, 100, whole=whole)


def check_choice(name: str, value: object, known: Collection[str], error: type[TsmuError]) -> None:
    """Refuse a value that is none of the known ones.

    Raises:
        TsmuError: the value is unknown; the error is of the class `error` and lists the known values.

    Example:
        >>> from tsmu.errors import MapError
        >>> check_choice("engine", "abacus", ("auto", "torch"), MapError)
        Traceback (most recent call last):
        tsmu.errors.MapError: `engine=abacus`: must be one of auto, torch
    """
    if value not in known:
        raise error(f"{_option(name, value)}: must be one of {', '.join(known)}")


def _option(name: str, value: object) -> str:
    """Name an option and its value as the command line does, as all messages do; see `tsmu.errors.name_options`."""
    return f"--{name.replace('_', '-')} {value}"
