"""Check every request before it reaches a route, and add security headers to every answer.

A page of another site can make the reviewer's browser send requests to this server. But such a page cannot set the
header `X-Tsmu`, nor send JSON, without a CORS preflight, to which this server never consents; and its requests have
its own `Origin`. A site whose name was made to resolve to this machine (DNS rebinding) is recognised by the `Host`
header. Tokens are sent in a header that no browser adds by itself.

A client that guesses tokens is locked out for a while. A guess is a wrong token that this client has not sent
before; a browser tab that goes on sending a withdrawn token does not count as guessing. A lock-out or a rate limit of
one user does not affect another user who has a valid token, even at the same address, as behind a proxy. Tokens are
too long to be guessed in any case; the lock-out keeps a guesser from filling the log.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import LRUCache
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tsmu.server.context import ServerContext, bearer_token
from tsmu.server.errors import RequestError, log_refusal, send_error

MAX_BODY_BYTES = 1 << 20  # twice as much as an outline of 10,000 points needs
MAX_QUERY_BYTES = 8 << 10
MAX_CLIENTS = 10_000  # clients whose limits are remembered, so that many false addresses do not fill the memory
READ_METHODS = ("GET", "HEAD")
SECURITY_HEADERS = {
    "Content-Security-Policy": (  # {} is replaced by a blank and the origin of the base map's tiles, or by nothing
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{}; font-src 'self'; "
        "connect-src 'self'{}; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class HeadAsGet:
    """Answers HEAD requests below a path as if they were GET requests, but without the body.

    Args:
        app: the application that answers the GET requests.
        path: the beginning of the paths for which this is done.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app, self.path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (the ASGI interface)."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or not scope["path"].startswith(self.path):
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, send_without_body)


@dataclass
class RateLimit:
    """Limits how many requests each client may send, by a token bucket that fills at a steady rate up to a maximum.

    Attributes:
        per_second: number of requests per second that a client may send in the long run.
        burst: number of requests that a client may send at once.

    Example:
        >>> limit = RateLimit(per_second=1, burst=2)
        >>> [limit.spend("127.0.0.1", now) for now in (0.0, 0.0, 0.0, 1.0)]
        [True, True, False, True]
    """

    per_second: float
    burst: float
    # For each client: the number of requests that it had left, and the time in seconds when that was counted.
    _buckets: LRUCache[str, tuple[float, float]] = field(default_factory=lambda: LRUCache(MAX_CLIENTS))

    def spend(self, client: str, now: float) -> bool:
        """Count one request of a client.

        Args:
            client: the client's address, or the name of a user.
            now: the present time in seconds, by any clock that does not go back.

        Returns:
            Whether the request is within the limit.
        """
        left, since = self._buckets.get(client, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.per_second)
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        return left >= 1


class TokenGuesses:
    """Counts the different wrong tokens that each client has sent, and locks clients out that have sent too many.

    Example:
        >>> guesses = TokenGuesses()
        >>> all(guesses.may_send("127.0.0.1", "withdrawn", now=0.0) for _ in range(100))  # the same token
        True
        >>> [guesses.may_send("127.0.0.1", f"guess {number}", now=0.0) for number in range(11)].count(True)
        9
    """

    def __init__(self) -> None:
        self._limit = RateLimit(0.2, 10)
        self._known: LRUCache[bytes, None] = LRUCache(MAX_CLIENTS)

    def may_send(self, client: str, wrong_token: str, now: float) -> bool:
        """Count a wrong token of a client, unless the client has sent the same one before.

        Args:
            client: the client's address.
            wrong_token: the token, which no user has.
            now: the present time in seconds, by any clock that does not go back.

        Returns:
            False if the client has sent too many different wrong tokens, so that it is locked out.
        """
        digest = hashlib.sha256(f"{client} {wrong_token}".encode("utf-8", "surrogateescape")).digest()
        if digest in self._known:
            return True
        if not self._limit.spend(client, now):
            return False
        self._known[digest] = None
        return True


class SecurityMiddleware:
    """The outermost layer of the server: refuses unsafe requests and adds security headers to every answer.

    Args:
        app: the application to which safe requests are passed on.
        context: the server's context.
        clock: gives the time in seconds for the rate limits.
    """

    def __init__(self, app: ASGIApp, context: ServerContext, clock: Callable[[], float] = time.monotonic) -> None:
        self.app, self.context, self.clock = app, context, clock
        origin = f" {context.basemap.origin}" if context.basemap else ""
        self.headers = {name: value.replace("{}", origin) for name, value in SECURITY_HEADERS.items()}
        self.reads, self.writes, self.guesses = RateLimit(300, 2000), RateLimit(20, 200), TokenGuesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the application, or refuse it; WebSockets are ignored."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            self._check(scope)
        except RequestError as error:
            log_refusal(scope, error)
            await send_error(error, send_with_headers)
            return
        await self.app(scope, _limit_body(scope, receive), send_with_headers)

    def _check(self, scope: Scope) -> None:
        """Raise a RequestError for a request that must not reach the application."""
        headers, is_read = Headers(scope=scope), scope["method"] in READ_METHODS
        self._check_origin(headers)
        _check_size(scope, headers)
        if not is_read:
            _check_write(headers)
        now, client = self.clock(), (scope.get("client") or ("?", 0))[0]
        if not (self.reads if is_read else self.writes).spend(self._check_token(headers, client, now), now):
            raise RequestError(429, "too many requests; slow down")

    def _check_token(self, headers: Headers, client: str, now: float) -> str:
        """Choose the name under which a request is counted: the user with the token, otherwise the client's address.

        A wrong token is not refused here, but by the route.

        Raises:
            RequestError: the token is wrong, and this client has sent too many different wrong tokens.
        """
        token = bearer_token(headers)
        if self.context.tokens is None or token is None:
            return client
        user = self.context.tokens.user_of(token)
        if user is not None:
            return f"user {user.name}"
        if not self.guesses.may_send(client, token, now):
            raise RequestError(429, "too many wrong tokens; wait a minute")
        return client

    def _check_origin(self, headers: Headers) -> None:
        """Refuse a request that is addressed to another host, or comes from a page of another site."""
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
    """Refuse a write without the header and the content type that a page of another site cannot send."""
    if "x-tsmu" not in headers:
        raise RequestError(403, "a write needs the header X-Tsmu")
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RequestError(415, "a write is sent as application/json")


def _host_name(host: str) -> str:
    """Remove the port from a `Host` header; an IPv6 address keeps its brackets."""
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0].lower()


def _limit_body(scope: Scope, receive: Receive) -> Receive:
    """Refuse a body that grows too large while it is received, for clients that do not give its length."""
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
