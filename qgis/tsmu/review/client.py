"""Requests to the review server's JSON interface, which its address `/docs` describes."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ..translation import tr

TIMEOUT_S = 30
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the server is on this machine


class RequestError(Exception):
    """The server has refused a request; the text is its own one line.

    Attributes:
        status: of HTTP; 409 where somebody else has changed the landslide, 0 where there is no answer.
        present: with 409, the landslides as they are now.
    """

    def __init__(self, status: int, reason: str, present: list[dict[str, Any]] | None = None):
        super().__init__(reason)
        self.status = status
        self.present = present or []


class Client:
    """Sends requests to the review server and waits for the answers: the server is on this machine and quick.

    Args:
        address: of the server, with a slash at its end.
    """

    def __init__(self, address: str):
        self.address = address

    def get(self, path: str, **query: Any) -> Any:
        """Read JSON from a path such as `queue`.

        Raises:
            RequestError: the server refuses, or does not answer.
        """
        return self._send(urllib.request.Request(self._url(path, query)))

    def post(self, path: str, body: dict[str, Any], **query: Any) -> Any:
        """Send JSON to a path such as `decisions`; when this returns, it is on the server's disk.

        Raises:
            RequestError: the server refuses, or does not answer.
        """
        headers = {"Content-Type": "application/json", "X-Tsmu": "1"}
        content = json.dumps(body).encode()
        return self._send(urllib.request.Request(self._url(path, query), content, headers, method="POST"))

    def _url(self, path: str, query: dict[str, Any]) -> str:
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{self.address}api/{path}" + (f"?{urllib.parse.urlencode(given)}" if given else "")

    def _send(self, request: urllib.request.Request) -> Any:
        try:
            with _DIRECT.open(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, ValueError) as error:
            raise RequestError(0, tr("the review server does not answer ({reason})", reason=error)) from None


def _refusal(error: urllib.error.HTTPError) -> RequestError:
    try:
        body = json.load(error)
    except ValueError:
        body = {}
    return RequestError(error.code, body.get("error", error.reason), body.get("present"))
