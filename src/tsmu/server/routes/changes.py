"""The route that streams changes of the database, such as the decisions of other reviewers."""

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
    context: Context,  # noqa: ARG001 - checks the token
    view: View,
    request: Request,
    last_event_id: Annotated[
        str | None, Header(max_length=200, description="id of the last event, or `mark` of /api/info")
    ] = None,
) -> StreamingResponse:
    """Stream changes of the database, whoever makes them, as server-sent events, without an end.

    The data of a `change` is JSON: `landslides` is the number of new or changed landslides, `ids` are ids of them,
    `runs` is the number of new mapping runs, `decisions` say who decided what, and `scenes` says whether scenes were
    added, removed or moved. In a blind review, judgements of others are sent only to those who may see them.
    """
    feed: ChangeFeed = request.app.state.change_feed
    since = ChangeMark.parse(last_event_id) if last_event_id else None
    feed.check_room()
    return StreamingResponse(feed.listen(since, view), media_type=EVENT_STREAM, headers={"X-Accel-Buffering": "no"})
