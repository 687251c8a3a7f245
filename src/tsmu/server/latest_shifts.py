"""Which shift of a scene's images is the newest, where requests arrive in another order than they were made.

A reviewer shifts images by key after key. Each request has the whole shift, and the page sends one after the other; but
a request that a lost connection or a reload of the page has left on its way may arrive after a newer one.
"""

import threading
from collections.abc import Callable

MAX_ENTRIES = 10_000  # scenes times reviewers that are remembered


class LatestShifts:
    """Stores shifts unless a newer one of the same reviewer is stored already, as far as this process knows.

    Example:
        >>> shifts = LatestShifts()
        >>> shifts.store("scene", "eva", 2000, lambda: print("stored"))
        stored
        >>> shifts.store("scene", "eva", 1000, lambda: print("stored"))
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made_at_ms: dict[tuple[str, str], int] = {}

    def store(self, scene_id: str, by: str, made_at_ms: int | None, write: Callable[[], None]) -> None:
        """Call `write` unless a newer shift came before this one.

        Args:
            scene_id: of which scene.
            by: who shifts.
            made_at_ms: when, by the reviewer's own clock; None: it counts as the newest.
            write: stores the shift.
        """
        key = (scene_id, by)
        with self._lock:
            if made_at_ms is not None and made_at_ms < self._made_at_ms.get(key, 0):
                return
            write()
            if made_at_ms is not None:
                if len(self._made_at_ms) >= MAX_ENTRIES:
                    self._made_at_ms.clear()
                self._made_at_ms[key] = made_at_ms
