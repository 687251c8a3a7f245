"""Keep the newest shift of a scene's images, even if requests arrive in another order than they were made.

A reviewer shifts images by repeated key presses. Each press makes a request with the whole shift, and the page sends
one request after the other. But after a lost connection or a reload of the page, an old request may arrive after a
newer one.
"""

import threading
from collections.abc import Callable

MAX_ENTRIES = 10_000  # pairs of scene and reviewer whose newest shift is remembered


class LatestShifts:
    """Stores a shift unless this process has stored a newer one of the same scene and reviewer.

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
        """Call `write` unless a newer shift of the same scene and reviewer was stored before.

        Args:
            scene_id: id of the scene.
            by: name of the reviewer.
            made_at_ms: when the reviewer made the shift, milliseconds since 1970 by the reviewer's own clock; None
                stores it in any case.
            write: the function that stores the shift in the database.
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
