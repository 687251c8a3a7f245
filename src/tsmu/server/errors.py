"""Errors of the review server: each refused request is logged and answered with `{"error": "what, where, what to do"}`.

Routes raise a `RequestError` or any `TsmuError`, and the handlers that `add_error_handlers` installs turn it into the
answer. These handlers do not see errors of the middleware, which wraps the application: it catches its own
`RequestError` and answers with `send_error`.
"""

import json
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from tsmu.errors import DatabaseBusyError, ImageError, MapError, MissingRecordError, TsmuError

log = logging.getLogger("tsmu.server")

RETRY_AFTER_S = 5  # seconds after which a client with too many requests may try again
_STATUS_CODES: list[tuple[type[TsmuError], int]] = [  # the first class of which an error is an instance decides
    (MissingRecordError, 404), (ImageError, 404), (MapError, 404), (DatabaseBusyError, 503), (TsmuError, 422),
]  # fmt: skip


class ErrorAnswer(BaseModel):
    """The JSON of every refusal.

    Attributes:
        error: what is wrong, where, and what to do.
    """

    error: str


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "A parameter or the body cannot be read"},
    401: {"model": ErrorAnswer, "description": "The token is missing or wrong"},
    403: {"model": ErrorAnswer, "description": "The server is read-only, or this person may not do it"},
    404: {"model": ErrorAnswer, "description": "There is no such thing"},
    409: {"model": ErrorAnswer, "description": "Somebody has changed it since it was read"},
    414: {"model": ErrorAnswer, "description": "The address is too long"},
    422: {"model": ErrorAnswer, "description": "A value makes no sense"},
    429: {"model": ErrorAnswer, "description": "Too many requests; try again after `Retry-After` seconds"},
    503: {"model": ErrorAnswer, "description": "The database is busy; try again"},
}
"""The error answers that every route may give, for the OpenAPI document."""


class RequestError(Exception):
    """A request that the server refuses.

    Args:
        status: the HTTP status of the answer.
        reason: what is wrong and what to do. It is sent to the client, so it must not contain a path of this machine.

    Example:
        >>> str(RequestError(404, "no such tile"))
        'no such tile'
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def log_refusal(scope: Scope, error: RequestError) -> None:
    """Log a refused request. Path and reason are quoted, so that a client cannot forge lines of the log."""
    client = (scope.get("client") or ("?", 0))[0]
    log.warning(
        "refused %d %s %.200r from %s: %.300r", error.status, scope["method"], scope["path"], client, error.reason
    )


async def send_error(error: RequestError, send: Send) -> None:
    """Answer a refused request by ASGI messages, for middleware, where no route or handler can answer."""
    body = json.dumps({"error": error.reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if error.status == 429:
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def add_error_handlers(app: FastAPI) -> None:
    """Install the handlers by which an application answers errors of its routes as JSON."""
    app.add_exception_handler(RequestError, _answer_request_error)
    app.add_exception_handler(TsmuError, _answer_tsmu_error)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)


async def _answer_request_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    log_refusal(request.scope, error)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return JSONResponse({"error": error.reason}, error.status, headers)


async def _answer_tsmu_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an error that another part of tsmu raised; paths of database and workspace are taken out of the text."""
    status = next(status for kind, status in _STATUS_CODES if isinstance(error, kind))
    context = request.app.state.context
    reason = str(error).removeprefix(f"{context.database.name}: ").replace(str(context.workspace.root), "")
    if status == 422:
        status = _invalid_request_status(request)
    log_refusal(request.scope, RequestError(status, reason))
    return JSONResponse({"error": reason}, status)


async def _answer_validation_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a request whose parameters or body FastAPI does not accept; the answer names the first error."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    reason = f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
    status = _invalid_request_status(request)
    log_refusal(request.scope, RequestError(status, reason))
    return JSONResponse({"error": reason}, status)


async def _answer_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that FastAPI itself refuses, such as an unknown address; a 404 is logged without a warning."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        log.info("nothing at %.200r", request.url.path)
    else:
        log_refusal(request.scope, RequestError(error.status_code, str(error.detail)))
    return JSONResponse({"error": str(error.detail).lower()}, error.status_code, error.headers)


def _invalid_request_status(request: Request) -> int:
    """The HTTP status for invalid values: 422, but 400 below /ogc, as OGC API - Features demands."""
    return 400 if request.url.path.startswith("/ogc") else 422
