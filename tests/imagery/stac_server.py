"""A small STAC API and file server on 127.0.0.1 that logs every request and can fail on purpose."""

import json
import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
]
PAGE = 2  # items, so that every search goes over pages


@dataclass
class Logged:
    """One answered request."""

    method: str
    path: str
    status: int
    sent: int


@dataclass
class StacServer:
    """What the server serves, how it fails, and what it was asked.

    `fail_every=3` answers every third request with 503; `broken` paths get 503 so many times;
    `vanishing` paths are served so many times and then are gone;
    from the first request of a path with `closes_at` in it, all get 503;
    after `hold_after(n)` the n-th request and later ones are not answered until `let_go`;
    `delay` is a wait in seconds before each answer.
    """

    folder: Path
    items: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    fail_every: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    vanishing: dict[str, int] = field(default_factory=dict)
    closes_at: str = ""
    closed: bool = False
    delay: float = 0.0
    log: list[Logged] = field(default_factory=list)
    count: int = 0
    active: int = 0
    most_active: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    held_from: float = math.inf
    held: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def hold_after(self, requests: int) -> None:
        self.held.clear()
        self.gate.clear()
        self.held_from = self.count + requests

    def let_go(self) -> None:
        self.held_from = math.inf
        self.gate.set()

    def wait_at_gate(self) -> None:
        if self.count >= self.held_from:
            self.held.set()
            self.gate.wait(60)

    def fails(self, path: str) -> bool:
        with self.lock:
            self.count += 1
            self.closed = bool(self.closes_at) and (self.closed or self.closes_at in path)
            if self.closed:
                return True
            if self.broken.get(path, 0) > 0:
                self.broken[path] -= 1
                return True
            return bool(self.fail_every) and self.count % self.fail_every == 0

    def is_gone(self, path: str) -> bool:
        with self.lock:
            if path not in self.vanishing:
                return False
            self.vanishing[path] -= 1
            return self.vanishing[path] < 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count how many requests are answered at once."""
        with self.lock:
            self.active += 1
            self.most_active = max(self.most_active, self.active)
        try:
            yield
        finally:
            with self.lock:
                self.active -= 1

    @property
    def pixel_requests(self) -> list[Logged]:
        return [entry for entry in self.log if entry.path.endswith(".tif")]

    def collection(self) -> dict[str, Any]:
        extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
        links = [{"rel": "self", "href": f"{self.url}/collections/scenes"}, {"rel": "root", "href": self.url}]
        about = {"type": "Collection", "stac_version": "1.0.0", "id": "scenes", "description": "made up"}
        return about | {"license": "other", "extent": extent, "links": links}

    def landing(self) -> dict[str, Any]:
        links = [
            {"rel": "self", "href": self.url},
            {"rel": "root", "href": self.url},
            {"rel": "data", "href": f"{self.url}/collections"},
            {"rel": "search", "href": f"{self.url}/search", "type": "application/geo+json", "method": "GET"},
            {"rel": "search", "href": f"{self.url}/search", "type": "application/geo+json", "method": "POST"},
        ]
        about = {"type": "Catalog", "stac_version": "1.0.0", "id": "made-up", "description": "made up"}
        return about | {"conformsTo": CONFORMS, "links": links}

    def search(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Items by bbox and datetime, PAGE at a time."""
        west, south, east, north = asked["bbox"]
        first, last = (datetime.fromisoformat(text) for text in asked["datetime"].split("/"))
        found = [
            item
            for item in self.items
            if item["collection"] in asked["collections"]
            and item["bbox"][0] <= east and item["bbox"][2] >= west
            and item["bbox"][1] <= north and item["bbox"][3] >= south
            and first <= datetime.fromisoformat(item["properties"]["datetime"]) <= last
        ]  # fmt: skip
        start = int(asked.get("token", 0))
        links = []
        if start + PAGE < len(found):
            body = asked | {"token": start + PAGE}
            links = [{"rel": "next", "href": f"{self.url}/search", "method": "POST", "body": body}]
        return {"type": "FeatureCollection", "features": found[start : start + PAGE], "links": links}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: StacServer

    def do_GET(self) -> None:
        self.answer(None)

    def do_HEAD(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body: dict[str, Any] | None) -> None:
        with self.site.at_work():
            time.sleep(self.site.delay)
            self.site.wait_at_gate()
            self.choose_answer(urlsplit(self.path), body)

    def choose_answer(self, parts: SplitResult, body: dict[str, Any] | None) -> None:
        if self.site.fails(parts.path):
            self.send(503, b"busy", "text/plain")
        elif parts.path in ("", "/"):
            self.send_json(self.site.landing())
        elif parts.path == "/collections":
            self.send_json({"collections": [self.site.collection()], "links": []})
        elif parts.path == "/collections/scenes":
            self.send_json(self.site.collection())
        elif parts.path == "/search":
            query = body or {key: values[0] for key, values in parse_qs(parts.query).items()}
            self.send_json(self.site.search(query))
        elif (self.site.folder / parts.path[1:]).is_file() and not self.site.is_gone(parts.path):
            self.send_file(self.site.folder / parts.path[1:])
        else:
            self.send(404, b"{}", "application/json")

    def send_json(self, value: dict[str, Any]) -> None:
        self.send(200, json.dumps(value).encode(), "application/json")

    def send_file(self, path: Path) -> None:
        size = path.stat().st_size
        kind = "application/json" if path.suffix == ".json" else "image/tiff"
        asked = self.headers.get("Range")
        if asked is None:
            self.send(200, path.read_bytes(), kind)
            return
        first, last = asked.removeprefix("bytes=").split("-")
        start, end = int(first), min(int(last or size - 1), size - 1)
        with path.open("rb") as handle:
            handle.seek(start)
            data = handle.read(end - start + 1)
        self.send(206, data, kind, {"Content-Range": f"bytes {start}-{end}/{size}"})

    def send(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        sent = 0 if self.command == "HEAD" else len(data)
        with self.site.lock:
            self.site.log.append(Logged(self.command, urlsplit(self.path).path, status, sent))
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Accept-Ranges": "bytes", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if sent:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing: the log is kept in `site`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no fault of the server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(folder: Path) -> Iterator[StacServer]:
    """Serve a folder and an API until the block ends."""
    site = StacServer(folder)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
