"""Send changes of the database to all listening pages, whichever process changes it.

One task serves all listeners: every second it asks the database for its mark, which is different after a change, and
it runs only while somebody listens. It runs in the server's event loop, so a listener needs neither a thread nor a
connection to the database of its own.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool

from tsmu.database import BlindView, ChangeMark, change_mark, changes_since
from tsmu.errors import TsmuError
from tsmu.server.context import ServerContext
from tsmu.server.errors import RequestError

log = logging.getLogger("tsmu.server")

POLL_S = 1.0  # seconds between two questions to the database
# Seconds without changes after which a comment is sent: proxies close a connection that is silent for a minute.
HEARTBEAT_S = 15.0
MAX_LISTENERS = 1000
MAX_WAITING = 100  # events that wait for a slow listener; with more its stream is ended, and it may connect again

Changes = tuple[ChangeMark, dict[str, Any]]


class ChangeFeed:
    """Sends changes of the database as server-sent events to any number of listeners.

    Args:
        context: the server's context; once its `stopping` is set, all streams end.
    """

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._listeners: dict[asyncio.Queue[Changes | None], BlindView | None] = {}
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def check_room(self) -> None:
        """Refuse a further listener if there are `MAX_LISTENERS` already.

        Raises:
            RequestError: there are too many listeners; its status is 503.
        """
        if len(self._listeners) >= MAX_LISTENERS:
            raise RequestError(503, "too many pages listen for changes; close some")

    async def listen(self, since: ChangeMark | None, view: BlindView | None) -> AsyncIterator[str]:
        """Yield the text of server-sent events, whose ids are marks of the database, until the server ends.

        Args:
            since: send the changes that were made after this mark; None sends those from now on.
            view: what the listener may see of a blind review; None if the review is not blind.
        """
        events: asyncio.Queue[Changes | None] = asyncio.Queue(MAX_WAITING)
        self._listeners[events] = view
        try:
            await self._start()
            database = self._context.database
            # This mark is read after the first one of the polling task, so that no change is missed in between.
            now = await run_in_threadpool(change_mark, database, view)
            if since is None or since == now:
                yield f"retry: {POLL_S * 1000:.0f}\nid: {now}\nevent: ready\ndata: {{}}\n\n"
            else:
                yield _event(*await run_in_threadpool(changes_since, database, since, view))
            while True:
                try:
                    changes = await asyncio.wait_for(events.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": nothing new\n\n"
                    continue
                if changes is None:
                    return
                yield _event(*changes)
        finally:
            self._listeners.pop(events, None)

    async def _start(self) -> None:
        """Start the task that polls the database, unless it runs already."""
        async with self._starting:
            if self._task is None or self._task.done():
                mark = await run_in_threadpool(change_mark, self._context.database)
                self._task = asyncio.create_task(self._poll(mark))

    async def _poll(self, mark: ChangeMark) -> None:
        """Look for changes since a mark and send them, while somebody listens and the server is not stopping."""
        while self._listeners and not self._context.stopping.is_set():
            try:
                mark = await self._send_changes(mark)
            except TsmuError as error:
                log.warning("changes cannot be read: %.300r", str(error))
            await asyncio.sleep(POLL_S)
        for events in list(self._listeners):
            _put(events, None)

    async def _send_changes(self, mark: ChangeMark) -> ChangeMark:
        """Send all listeners what has changed since a mark, if anything; return the present mark."""
        database = self._context.database
        new_mark = await run_in_threadpool(change_mark, database)
        if new_mark == mark:
            return mark
        for view in set(self._listeners.values()):
            changes = await run_in_threadpool(changes_since, database, mark, view)
            if view is not None and not any(changes[1].values()):
                continue  # the changes are judgements of others that this person may not see
            for events in [queue for queue, listener_view in self._listeners.items() if listener_view == view]:
                if not _put(events, changes):
                    self._listeners.pop(events, None)
        return new_mark


def _put(events: asyncio.Queue[Changes | None], changes: Changes | None) -> bool:
    """Put an event into a listener's queue; None ends the listener's stream.

    If the queue is full, all its events are dropped and the stream is ended.

    Returns:
        Whether the stream goes on.
    """
    if events.full():
        while not events.empty():
            events.get_nowait()
        changes = None
    events.put_nowait(changes)
    return changes is not None


def _event(mark: ChangeMark, changes: dict[str, Any]) -> str:
    """The text of one server-sent event."""
    return f"id: {mark}\nevent: change\ndata: {json.dumps(changes)}\n\n"
