"""Repeat a request to a server that failed, after longer and longer waits."""

import time
from collections.abc import Callable
from typing import TypeVar

ATTEMPTS = 3
FIRST_WAIT = 1.0  # seconds; doubled after each failure

T = TypeVar("T")


def retry_transient(action: Callable[[int], T], transient: tuple[type[Exception], ...]) -> T:
    """Call `action` until it succeeds, at most three times.

    Args:
        action: called with the number of the attempt, from 0 on.
        transient: the errors after which it is called again; the last call's error is raised.

    Returns:
        What `action` returns.

    Example:
        >>> retry_transient(lambda attempt: attempt, (OSError,))
        0
    """
    for attempt in range(ATTEMPTS - 1):
        try:
            return action(attempt)
        except transient:
            time.sleep(FIRST_WAIT * 2**attempt)
    return action(ATTEMPTS - 1)
