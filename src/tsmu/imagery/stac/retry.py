"""Trying again what a server failed to give, after longer and longer waits."""

import time
from collections.abc import Callable
from typing import TypeVar

ATTEMPTS = 3
FIRST_WAIT = 1.0  # seconds; doubled after each failure

T = TypeVar("T")


def retried(action: Callable[[int], T], passing: tuple[type[Exception], ...]) -> T:
    """Return what `action`, called with 0, 1, ..., returns; an error among `passing` is raised by the last call."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return action(attempt)
        except passing:
            time.sleep(FIRST_WAIT * 2**attempt)
    return action(ATTEMPTS - 1)
