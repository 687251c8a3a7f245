"""What stands before every request: where it comes from, how much and how often; and headers on every answer.

A page of another site may make the browser send requests here. It cannot set the header `X-Tsmu` nor
send JSON without being asked first whether it may, and nothing here ever says yes; and its requests
carry its own `Origin`. A site whose name is made to point to this machine (DNS rebinding) is told by
`Host`. Tokens travel in a header that no browser adds by itself.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tsmu.server.context import Desk, Refused, log

MOST_BODY = 1 << 20  # bytes; an outline of 10,000 points has half of it
MOST_QUERY = 8 << 10  # bytes
SAFE = ("GET", "HEAD")
HEADERS = {
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
class Allowance:
    """How often somebody may ask: a bucket that fills by `per_second` and holds `burst`.

    Attributes:
        per_second: requests in the long run.
        burst: requests at once.
    """

    per_second: float
    burst: float
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def takes(self, who: str, now: float) -> bool:
        """Whether one more request is within the allowance."""
        left = self._there(who, now)
        self._left.pop(who, None)
        self._left[who] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > 10_000:  # so that made-up addresses fill no memory
            self._left.popitem(last=False)
        return left >= 1

    def has(self, who: str, now: float) -> bool:
        """Whether one more request would be within the allowance."""
        return self._there(who, now) >= 1

    def _there(self, who: str, now: float) -> float:
        left, since = self._left.get(who, (self.burst, now))
        return min(self.burst, left + (now - since) * self.per_second)


class Guard:
    """The outermost layer of the server."""

    def __init__(self, app: ASGIApp, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        self.app, self.desk, self.clock = app, desk, clock
        self.reads, self.writes, self.failures = Allowance(300, 2000), Allowance(20, 200), Allowance(0.2, 10)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # nothing here speaks WebSocket
        headers, who = Headers(scope=scope), (scope.get("client") or ("?", 0))[0]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    sent.setdefault(name, value)
                sent.setdefault("Cache-Control", "no-store")
                if message["status"] == 401:
                    self.failures.takes(who, self.clock())
            await send(message)

        try:
            self._check(scope, headers, who)
        except Refused as refused:
            tell(scope, refused)
            await refuse(refused, answer)
            return
        await self.app(scope, _counted(scope, receive), answer)

    def _check(self, scope: Scope, headers: Headers, who: str) -> None:
        method, now = scope["method"], self.clock()
        host = headers.get("host", "")
        if self.desk.hosts and _name(host) not in self.desk.hosts:
            raise Refused(421, f"called as {host!r}; call it as {' or '.join(sorted(self.desk.hosts))}")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise Refused(403, f"comes from {origin!r}, another site")
        if headers.get("sec-fetch-site") not in (None, "same-origin", "none"):
            raise Refused(403, "comes from another site")
        if len(scope.get("query_string", b"")) > MOST_QUERY:
            raise Refused(414, f"more than {MOST_QUERY} bytes of question")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY:
            raise Refused(413, f"body of more than {MOST_BODY} bytes")
        if method not in SAFE:
            if "x-tsmu" not in headers:
                raise Refused(403, "a write needs the header X-Tsmu")
            if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                raise Refused(415, "a write is sent as application/json")
        if self.desk.people is not None and not self.failures.has(who, now):
            raise Refused(429, "too many wrong tokens; wait a minute")
        if not (self.reads if method in SAFE else self.writes).takes(who, now):
            raise Refused(429, "too many requests; slow down")


def _name(host: str) -> str:
    """A host without its port."""
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0].lower()


def _counted(scope: Scope, receive: Receive) -> Receive:
    """A body whose length nobody said is counted while it comes in."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BODY:
            refused = Refused(413, f"body of more than {MOST_BODY} bytes")
            tell(scope, refused)
            raise refused
        return message

    return counted


def tell(scope: Scope, refused: Refused) -> None:
    """Log what was refused; nothing that the asker wrote reaches the log as it is."""
    who = (scope.get("client") or ("?", 0))[0]
    log.warning(
        "refused %d %s %.200r from %s: %.300r", refused.status, scope["method"], scope["path"], who, refused.reason
    )


async def refuse(refused: Refused, send: Send) -> None:
    """Answer with the reason."""
    body = json.dumps({"error": refused.reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status == 429:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
