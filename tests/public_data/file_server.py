"""A file server on 127.0.0.1 that behaves like the worse ones: it cuts, ignores ranges, changes files, shows pages."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served, and how.

    `cut_after` sends so many bytes of an answer and then closes the connection, `cuts` times; `ranges=False` ignores
    ranges; `validators=False` gives neither ETag nor Last-Modified; `heeds_if_range=False` sends a range of any
    version; `statuses` are given to the first requests instead of the file; `kind` is the content type; `claimed` the
    length that is claimed; `delay` a wait after each 64 kB; a path in `moved` is redirected.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    cut_after: int = 0
    cuts: int = 10**9
    ranges: bool = True
    validators: bool = True
    heeds_if_range: bool = True
    statuses: list[int] = field(default_factory=list)
    kind: str = "application/octet-stream"
    claimed: int = 0
    delay: float = 0.0
    moved: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)  # path and range of each request
    sent: int = 0

    def address(self, name: str) -> str:
        """The address of a file."""
        return f"{self.url}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server_state: FileServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        state, name = self.server_state, self.path.lstrip("/")
        asked = self.headers.get("Range", "")
        state.log.append((name, asked))
        self.close_connection = True
        if name in state.moved:
            self._head(302, {"Location": state.moved[name], "Content-Length": "0"})
            return
        if state.statuses:
            self._head(state.statuses.pop(0), {"Content-Length": "0", "Retry-After": "0"})
            return
        if name not in state.files:
            self._head(404, {"Content-Length": "0"})
            return
        self._send(state, state.files[name], asked)

    def _send(self, state: FileServer, content: bytes, asked: str) -> None:
        etag = f'"{hash(content)}"'
        headers = {"Content-Type": state.kind} | ({"ETag": etag} if state.validators else {})
        start = 0
        same = self.headers.get("If-Range", etag) == etag or not state.heeds_if_range
        if asked and state.ranges and same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self._head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
                return
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        self._head(206 if start else 200, headers | {"Content-Length": str(state.claimed or len(body))})
        if state.cut_after and state.cuts > 0:
            state.cuts -= 1
            body = body[: state.cut_after]
        for offset in range(0, len(body), 1 << 16):
            self.wfile.write(body[offset : offset + (1 << 16)])
            state.sent += len(body[offset : offset + (1 << 16)])
            time.sleep(state.delay)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serve_files(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve files for as long as the block lasts."""
    state = FileServer(files)
    handler = type("Handler", (_Handler,), {"server_state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that goes away is no error
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
