"""The ranges that numbers given to verbs must lie in; the command line's options check the same."""

import math

from tsmu.errors import TsmuError


def check_range(
    name: str, value: float | None, error: type[TsmuError], low: float = 0.0, high: float = math.inf
) -> None:
    """Refuse a number outside its range, and what Python reads as a number and is none.

    Args:
        name: of the argument, for the message.
        value: what is given; None is not checked.
        error: which error is raised.
        low: the smallest number that makes sense.
        high: the largest; by default any finite one.

    Raises:
        TsmuError: of the class `error`, where the number is outside.

    Example:
        >>> from tsmu.errors import MapError
        >>> check_range("min_area", -3, MapError)
        Traceback (most recent call last):
        tsmu.errors.MapError: min_area = -3: must be a finite number of at least 0
    """
    if value is None or (math.isfinite(value) and low <= value <= high):
        return
    allowed = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of at least {low:g}"
    raise error(f"{name} = {value}: must be a finite number {allowed}")
