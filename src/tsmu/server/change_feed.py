"""Tells all who listen what changes in the database, whichever process changes it.

One task asks the database once in a while for its mark, for all listeners together, and only while there are any.
It runs in the server's event loop, so a listener costs neither a thread nor a connection to the database.
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

POLL_S = 1.0
HEARTBEAT_S = 15.0  # proxies close a connection on which nothing comes for a minute
MAX_LISTENERS = 1000
MAX_WAITING = 100  # events of a listener that does not read them; then it is left, and may come again

Changes = tuple[ChangeMark, dict[str, Any]]


class ChangeFeed:
    """What changes in the database, as server-sent events for any number of listeners.

    Args:
        context: of the server; once its `stopping` is set, all streams end.
    """

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._listeners: dict[asyncio.Queue[Changes | None], BlindView | None] = {}
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def check_room(self) -> None:
        """Refuse a further listener where there are too many.

        Raises:
            RequestError: there are.
        """
        if len(self._listeners) >= MAX_LISTENERS:
            raise RequestError(503, "too many pages listen for changes; close some")

    async def listen(self, since: ChangeMark | None, view: BlindView | None) -> AsyncIterator[str]:
        """The text of a stream of server-sent events, whose ids are marks, until the server ends.

        Args:
            since: from which mark on; None: from now on.
            view: who listens, in a blind review.
        """
        events: asyncio.Queue[Changes | None] = asyncio.Queue(MAX_WAITING)
        self._listeners[events] = view
        try:
            await self._start()
            database = self._context.database
            now = await run_in_threadpool(change_mark, database, view)  # after the first mark of the polling: no gap
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
        """Ask for changes since a mark as long as somebody listens and the server goes on."""
        while self._listeners and not self._context.stopping.is_set():
            try:
                mark = await self._tell(mark)
            except TsmuError as error:
                log.warning("changes cannot be read: %.300r", str(error))
            await asyncio.sleep(POLL_S)
        for events in list(self._listeners):
            _put(events, None)

    async def _tell(self, mark: ChangeMark) -> ChangeMark:
        """Tell all listeners what has changed since a mark, if anything; gives the next mark."""
        database = self._context.database
        following = await run_in_threadpool(change_mark, database)
        if following == mark:
            return mark
        for view in set(self._listeners.values()):
            changes = await run_in_threadpool(changes_since, database, mark, view)
            if view is not None and not any(changes[1].values()):
                continue  # others have judged what this person may not see
            for events in [one for one, whose in self._listeners.items() if whose == view]:
                if not _put(events, changes):
                    self._listeners.pop(events, None)
        return following


def _put(events: asyncio.Queue[Changes | None], changes: Changes | None) -> bool:
    """Queue an event for a listener; if too many wait already, they are dropped and its stream is ended instead."""
    if events.full():
        while not events.empty():
            events.get_nowait()
        changes = None
    events.put_nowait(changes)
    return changes is not None


def _event(mark: ChangeMark, changes: dict[str, Any]) -> str:
    return f"id: {mark}\nevent: change\ndata: {json.dumps(changes)}\n\n"
