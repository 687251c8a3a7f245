"""The server put together: routes, errors, the page, and the guard before it all."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from tsmu.errors import DatabaseBusyError, ImageError, MapError, MissingRecordError, TsmuError
from tsmu.server.context import Desk, Refused, log
from tsmu.server.middleware import Guard, tell
from tsmu.server.routes import dashboard, decisions, documentation, landslides, ogc, queue, scenes
from tsmu.server.tiles import vector
from tsmu.server.tiles.landslide_boxes import Overviews

PAGE = Path(__file__).parent / "page"
NOT_BUILT = "The review page is not built: run `make page` in the source checkout. The API is at /docs."
DESCRIPTION = (
    "Look at landslides before and after, and decide. All geometry is in degrees, longitude first (EPSG:4326). "
    "A write is JSON with the header X-Tsmu; with tokens every request carries Authorization: Bearer TOKEN. "
    'What is refused answers {"error": "what, where, what to do"}.'
)
_STATUS: list[tuple[type[TsmuError], int]] = [
    (MissingRecordError, 404), (ImageError, 404), (MapError, 404), (DatabaseBusyError, 503), (TsmuError, 422),
]  # fmt: skip


def make_app(desk: Desk, page: Path = PAGE) -> ASGIApp:
    """Make the server.

    Args:
        desk: its database, workspace and rights.
        page: folder of the built page; where it is not there, `/` says how to build it.
    """
    app = FastAPI(
        title="tsmu review", version=version("tsmu"), description=DESCRIPTION, docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.desk, app.state.kept, app.state.overviews = desk, vector.Kept(), Overviews(desk.records)
    for room in (landslides, queue, decisions, vector, scenes, dashboard, ogc, documentation):
        app.include_router(room.router)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(TsmuError, _wrong)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.add_exception_handler(HTTPException, _http)
    if (page / "index.html").is_file():
        app.mount("/", StaticFiles(directory=page, html=True), name="page")
    else:
        app.add_api_route("/", lambda: PlainTextResponse(f"{NOT_BUILT}\n"), include_in_schema=False)
    return Guard(app, desk)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    tell(request.scope, error)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return JSONResponse({"error": error.reason}, error.status, headers)


async def _wrong(request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    desk: Desk = request.app.state.desk
    reason = str(error).removeprefix(f"{desk.records.name}: ").replace(str(desk.space.root), "")  # no paths leave
    if request.url.path.startswith("/ogc") and status == 422:  # the standard's word for it
        status = 400
    tell(request.scope, Refused(status, reason))
    return JSONResponse({"error": reason}, status)


async def _misunderstood(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    reason = f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
    status = 400 if request.url.path.startswith("/ogc") else 422
    tell(request.scope, Refused(status, reason))
    return JSONResponse({"error": reason}, status)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code != 404:
        tell(request.scope, Refused(error.status_code, str(error.detail)))
    else:
        log.info("nothing at %.200r", request.url.path)
    return JSONResponse({"error": str(error.detail).lower()}, error.status_code, error.headers)
