import threading
import time
from collections.abc import Iterator

import pytest

from tsmu.mapping.threads import BackgroundConsumer, prefetch


def test_another_thread_gets_all_items_in_their_order() -> None:
    got: list[int] = []
    with BackgroundConsumer(got.extend, 2) as consumer:
        for item in range(100):
            consumer.put(item)
    assert got == list(range(100))


def test_its_error_is_raised_where_items_are_put() -> None:
    def fail(items: Iterator[int]) -> None:
        next(items)
        raise OSError("full")

    put = 0
    with pytest.raises(OSError, match="full"), BackgroundConsumer(fail, 2) as consumer:
        while True:
            consumer.put(put)
            put += 1
    assert put <= 4


def test_its_error_after_the_last_item_is_raised_at_the_end() -> None:
    def fail(items: Iterator[int]) -> None:
        list(items)
        raise OSError("full")

    with pytest.raises(OSError, match="full"), BackgroundConsumer(fail, 2) as consumer:
        consumer.put(1)


def test_where_the_block_fails_the_function_is_not_told_that_all_is_there() -> None:
    finished: list[list[int]] = []

    def collect(items: Iterator[int]) -> None:
        finished.append(list(items))

    with pytest.raises(ValueError, match="the block"), BackgroundConsumer(collect, 2) as consumer:
        consumer.put(1)
        raise ValueError("the block")
    assert not finished


def test_it_holds_no_more_than_it_is_told_to() -> None:
    got: list[int] = []
    go_on = threading.Event()

    def slow(items: Iterator[int]) -> None:
        for item in items:
            go_on.wait()
            got.append(item)

    put: list[int] = []
    with BackgroundConsumer(slow, 2) as consumer:

        def feed() -> None:
            for item in range(10):
                consumer.put(item)
                put.append(item)

        feeder = threading.Thread(target=feed)
        feeder.start()
        time.sleep(0.3)
        assert len(put) == 3  # one is looked at, two wait
        go_on.set()
        feeder.join()
    assert got == list(range(10))


def test_reading_ahead_stops_with_its_reader() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed.set()

    reader = prefetch(items(), 2)
    assert [next(reader), next(reader)] == [0, 1]
    reader.close()
    assert closed.is_set()
