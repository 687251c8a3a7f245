"""Checks of every request before it reaches a route, and security headers on every answer.

A page of another site can make the reviewer's browser send requests to this server. Such a page cannot
set the header `X-Tsmu` or send JSON without a CORS preflight, which this server never answers with
consent; and its requests carry its own `Origin`. A site whose name was made to resolve to this machine
(DNS rebinding) is recognised by the `Host` header. Tokens travel in a header that no browser adds by
itself.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import LRUCache
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tsmu.server.context import ServerContext
from tsmu.server.errors import RequestError, log_refusal, send_error

MAX_BODY_BYTES = 1 << 20  # an outline of 10,000 points has half of it
MAX_QUERY_BYTES = 8 << 10
MAX_CLIENTS = 10_000  # whose limits are remembered, so that made-up addresses do not fill the memory
READ_METHODS = ("GET", "HEAD")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


@dataclass
class RateLimit:
    """How often each client may ask: a token bucket that fills at a steady rate up to a maximum.

    Attributes:
        per_second: requests in the long run.
        burst: requests at once.

    Example:
        >>> limit = RateLimit(per_second=1, burst=2)
        >>> [limit.spend("127.0.0.1", now) for now in (0.0, 0.0, 0.0, 1.0)]
        [True, True, False, True]
    """

    per_second: float
    burst: float
    # by client: the requests left, and when they were counted
    _buckets: LRUCache[str, tuple[float, float]] = field(default_factory=lambda: LRUCache(MAX_CLIENTS))

    def spend(self, client: str, now: float) -> bool:
        """Count one request of a client; False where it is over the limit.

        Args:
            client: address.
            now: s, by any clock that does not go back.
        """
        left = self._requests_left(client, now)
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        return left >= 1

    def is_open(self, client: str, now: float) -> bool:
        """Whether one more request of a client would be within the limit."""
        return self._requests_left(client, now) >= 1

    def _requests_left(self, client: str, now: float) -> float:
        left, since = self._buckets.get(client, (self.burst, now))
        return min(self.burst, left + (now - since) * self.per_second)


class SecurityMiddleware:
    """The outermost layer of the server: refuses unsafe requests and adds security headers to every answer.

    Args:
        app: the application behind it.
        context: of the server.
        clock: s, for the rate limits.
    """

    def __init__(self, app: ASGIApp, context: ServerContext, clock: Callable[[], float] = time.monotonic) -> None:
        self.app, self.context, self.clock = app, context, clock
        self.reads, self.writes, self.wrong_tokens = RateLimit(300, 2000), RateLimit(20, 200), RateLimit(0.2, 10)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the application, or refuse it; there are no WebSockets."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return
        client = (scope.get("client") or ("?", 0))[0]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if message["status"] == 401:
                    self.wrong_tokens.spend(client, self.clock())
            await send(message)

        try:
            self._check(scope, client)
        except RequestError as error:
            log_refusal(scope, error)
            await send_error(error, send_with_headers)
            return
        await self.app(scope, _limit_body(scope, receive), send_with_headers)

    def _check(self, scope: Scope, client: str) -> None:
        """Raise a RequestError for a request that must not reach the application."""
        headers, is_read = Headers(scope=scope), scope["method"] in READ_METHODS
        self._check_origin(headers)
        _check_size(scope, headers)
        if not is_read:
            _check_write(headers)
        now = self.clock()
        if self.context.tokens is not None and not self.wrong_tokens.is_open(client, now):
            raise RequestError(429, "too many wrong tokens; wait a minute")
        if not (self.reads if is_read else self.writes).spend(client, now):
            raise RequestError(429, "too many requests; slow down")

    def _check_origin(self, headers: Headers) -> None:
        """The request must be addressed to this server, and must not come from a page of another site."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.context.hosts and _host_name(host) not in self.context.hosts:
            raise RequestError(421, f"called as {host!r}; call it as {' or '.join(sorted(self.context.hosts))}")
        if origin is not None and origin.partition("://")[2] != host:
            raise RequestError(403, f"comes from {origin!r}, another site")
        if headers.get("sec-fetch-site") not in (None, "same-origin", "none"):
            raise RequestError(403, "comes from another site")


def _check_size(scope: Scope, headers: Headers) -> None:
    if len(scope.get("query_string", b"")) > MAX_QUERY_BYTES:
        raise RequestError(414, f"query string of more than {MAX_QUERY_BYTES} bytes")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise RequestError(413, f"body of more than {MAX_BODY_BYTES} bytes")


def _check_write(headers: Headers) -> None:
    """A write must have what a browser does not let a page of another site send."""
    if "x-tsmu" not in headers:
        raise RequestError(403, "a write needs the header X-Tsmu")
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RequestError(415, "a write is sent as application/json")


def _host_name(host: str) -> str:
    """A `Host` header without its port; IPv6 addresses keep their brackets."""
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0].lower()


def _limit_body(scope: Scope, receive: Receive) -> Receive:
    """Count the bytes of a body while it comes in, for clients that do not give its length."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            error = RequestError(413, f"body of more than {MAX_BODY_BYTES} bytes")
            log_refusal(scope, error)
            raise error
        return message

    return receive_limited
