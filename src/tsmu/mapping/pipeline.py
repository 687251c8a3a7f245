"""Reading ahead and writing behind, each in a thread of its own, so that the network never waits.

GDAL's reading and numpy's large operations release the interpreter; threads are enough.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Generator[T, None, None], depth: int) -> Generator[T, None, None]:
    """Yield what `items` yields, computed by another thread up to `depth` items in advance.

    Its errors are raised here. When the caller stops early, so does the thread.
    """
    waiting: queue.Queue[Any] = queue.Queue(depth)
    stop = threading.Event()

    def put(thing: object) -> None:
        while not stop.is_set():
            try:
                waiting.put(thing, timeout=0.1)
                return
            except queue.Full:
                continue

    def run() -> None:
        try:
            with closing(items):
                for item in items:
                    put((item, None))
                    if stop.is_set():
                        return
            put(_END)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are wanted
            put((None, error))

    thread = threading.Thread(target=run, name="tsmu-read", daemon=True)
    thread.start()
    try:
        while (got := waiting.get()) is not _END:
            item, error = got
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
        thread.join()


class Behind:
    """Calls that another thread works off in their order, at most `depth` of them waiting.

    An error of a call is raised by a later call, or when the block is left. When the block fails by
    itself, what is still waiting is dropped.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._pending: deque[Future[None]] = deque()
        self._pool = ThreadPoolExecutor(1, "tsmu-write")

    def __enter__(self) -> Self:
        """Return the queue itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the calls."""
        try:
            while error is None and self._pending:
                self._pending.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        """Let the other thread call `function`; waits while too many calls are waiting."""
        while len(self._pending) >= self._depth:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(function, *arguments))
