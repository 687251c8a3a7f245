"""Work that runs in threads beside the network: reading in advance, writing afterwards, outlining at the same time.

Threads are enough, because GDAL's reading and numpy's large operations release Python's interpreter lock.
Every queue between two threads is bounded, so that memory stays flat.
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


def prefetch(items: Generator[T, None, None], depth: int) -> Generator[T, None, None]:
    """Yield the items of a generator that another thread runs up to `depth` items in advance.

    An error of the generator is raised here. When the caller closes this generator before its end,
    the thread ends too and the other generator is closed.
    """
    channel = _Channel(depth)

    def run() -> None:
        try:
            with closing(items):
                for item in items:
                    if not channel.put((item, None)):
                        return
            channel.put(_END)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that takes the items
            channel.put((None, error))

    thread = threading.Thread(target=run, name="tsmu-read", daemon=True)
    thread.start()
    try:
        while (received := channel.get()) is not _END:
            item, error = received
            if error is not None:
                raise error
            yield item
    finally:
        channel.stop()
        thread.join()


class BackgroundConsumer(Generic[T]):
    """Runs a function in another thread on an iterator of the items that are put in here.

    At most `depth` items wait. An error of the function is raised by `put`, or when the `with` block
    is left. When the block itself fails, the function is stopped by an exception at its next item.

    Args:
        function: takes an iterator of the items.
        depth: how many items may wait for it.
    """

    def __init__(self, function: Callable[[Iterator[T]], None], depth: int) -> None:
        self._channel = _Channel(depth)
        self._pool = ThreadPoolExecutor(1, "tsmu-beside")
        self._outcome = self._pool.submit(self._run, function)

    def _run(self, function: Callable[[Iterator[T]], None]) -> None:
        def items() -> Iterator[T]:
            while (item := self._channel.get()) is not _END:
                yield item

        try:
            function(items())
        finally:
            self._channel.stop()

    def __enter__(self) -> Self:
        """Return the consumer itself, whose `put` takes the items."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the iterator and wait for the function."""
        if error is not None:
            self._channel.stop()
        self._channel.put(_END)
        self._pool.shutdown()
        if error is None:
            self._outcome.result()

    def put(self, item: T) -> None:
        """Pass an item to the function; waits while `depth` items are waiting already."""
        if not self._channel.put(item):
            self._outcome.result()


class BackgroundCalls:
    """Runs calls in another thread, in their order; at most `depth` of them wait.

    An error of a call is raised by a later `call`, or when the `with` block is left. When the block
    itself fails, the calls that still wait are dropped.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._pending: deque[Future[None]] = deque()
        self._pool = ThreadPoolExecutor(1, "tsmu-write")

    def __enter__(self) -> Self:
        """Return the queue of calls itself."""
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
        """Queue a call of `function`; waits while `depth` calls are waiting already."""
        while len(self._pending) >= self._depth:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(function, *arguments))


class _StoppedError(Exception):
    """The channel was stopped, so that no further item will come."""


class _Channel:
    """A bounded queue between two threads that either of them can stop."""

    def __init__(self, depth: int) -> None:
        self._queue: queue.Queue[Any] = queue.Queue(depth)
        self._stopped = threading.Event()

    def put(self, item: object) -> bool:
        """Wait for room and add an item; returns False when the channel was stopped instead."""
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def get(self) -> Any:
        """Wait for an item and return it."""
        while not self._stopped.is_set():
            try:
                return self._queue.get(timeout=0.1)
            except queue.Empty:
                continue
        raise _StoppedError

    def stop(self) -> None:
        """Release both threads: whoever waits in `put` or `get` returns at once."""
        self._stopped.set()
