"""What others change, as it happens."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from tsmu.database import ChangeMark
from tsmu.server.change_feed import ChangeFeed
from tsmu.server.context import Context, View

router = APIRouter(prefix="/api", tags=["changes"])

EVENT_STREAM = "text/event-stream"


@router.get("/changes", response_class=StreamingResponse, responses={200: {"content": {EVENT_STREAM: {}}}})
async def changes(
    context: Context,  # noqa: ARG001 - asks for the token
    view: View,
    request: Request,
    last_event_id: Annotated[
        str | None, Header(max_length=200, description="id of the last event, or `mark` of /api/info")
    ] = None,
) -> StreamingResponse:
    """A stream of server-sent events that never ends: what changes in the database, whoever changes it.

    The data of a `change` is JSON: `landslides` and `runs` count what is new or changed, `ids` are landslides,
    `decisions` say who decided what, `scenes` whether they are others or were moved. In a blind review judgements of
    others are told only to who may see them.
    """
    feed: ChangeFeed = request.app.state.change_feed
    since = ChangeMark.parse(last_event_id) if last_event_id else None
    feed.check_room()
    return StreamingResponse(feed.listen(since, view), media_type=EVENT_STREAM, headers={"X-Accel-Buffering": "no"})
