"""Reading ahead, writing behind and outlining beside, each in a thread, so that the network never waits.

GDAL's reading and numpy's large operations release the interpreter; threads are enough.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Generator[T, None, None], depth: int) -> Generator[T, None, None]:
    """Yield what `items` yields, computed by another thread up to `depth` items in advance.

    Its errors are raised here. When the caller stops early, so does the thread.
    """
    belt = _Belt(depth)

    def run() -> None:
        try:
            with closing(items):
                for item in items:
                    if not belt.put((item, None)):
                        return
            belt.put(_END)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are wanted
            belt.put((None, error))

    thread = threading.Thread(target=run, name="tsmu-read", daemon=True)
    thread.start()
    try:
        while (got := belt.get()) is not _END:
            item, error = got
            if error is not None:
                raise error
            yield item
    finally:
        belt.stop()
        thread.join()


class Beside(Generic[T]):
    """A function that another thread feeds with items as they come, at most `depth` of them waiting.

    Its errors are raised where items are put, or when the block is left. When the block fails by
    itself, so does the function, at the next item.
    """

    def __init__(self, function: Callable[[Iterator[T]], None], depth: int) -> None:
        self._belt = _Belt(depth)
        self._pool = ThreadPoolExecutor(1, "tsmu-beside")
        self._done = self._pool.submit(self._run, function)

    def _run(self, function: Callable[[Iterator[T]], None]) -> None:
        def items() -> Iterator[T]:
            while (item := self._belt.get()) is not _END:
                yield item

        try:
            function(items())
        finally:
            self._belt.stop()

    def __enter__(self) -> Self:
        """Return what takes the items."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the function."""
        if error is not None:
            self._belt.stop()
        self._belt.put(_END)
        self._pool.shutdown()
        if error is None:
            self._done.result()

    def put(self, item: T) -> None:
        """Give the function an item; waits while too many are waiting."""
        if not self._belt.put(item):
            self._done.result()


class _StoppedError(Exception):
    """Nobody will put anything onto this belt any more."""


class _Belt:
    """A queue between two threads that either can stop."""

    def __init__(self, depth: int) -> None:
        self._waiting: queue.Queue[Any] = queue.Queue(depth)
        self._stopped = threading.Event()

    def put(self, thing: object) -> bool:
        """Wait for room; says whether the belt still runs."""
        while not self._stopped.is_set():
            try:
                self._waiting.put(thing, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def get(self) -> Any:
        """Wait for something."""
        while not self._stopped.is_set():
            try:
                return self._waiting.get(timeout=0.1)
            except queue.Empty:
                continue
        raise _StoppedError

    def stop(self) -> None:
        """Let those who put go on without."""
        self._stopped.set()


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
