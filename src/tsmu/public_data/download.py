"""One file by HTTP: goes on where it stopped, and is verified before it gets its name.

While it is downloaded, the file is `NAME.part`, and `NAME.part.json` says of which version of the remote file it is a
part: its address and size, and what the server calls the version (ETag, Last-Modified). A server is asked to go on
only with that very version (If-Range); where it cannot say, the checksum decides, and without one the download begins
anew. So parts of two versions are never put together.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from importlib import metadata
from pathlib import Path

import urllib3

from tsmu.errors import DataError
from tsmu.files import CHUNK, read_json_object, remove, write_json

CONNECT_S, READ_S = 20.0, 60.0
MAX_ATTEMPTS = 6  # in a row that brought nothing new
MAX_PAUSE_S = 60.0
SPARE_BYTES = 256 << 20  # that stay free on the disk
MB = 1_000_000
TRY_AGAIN = {429, 500, 502, 503, 504}
PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<?xml version")
FIRST_BYTES = {".zip": b"PK", ".gz": b"\x1f\x8b", ".npy": b"\x93NUMPY", ".7z": b"7z\xbc\xaf"}

Say = Callable[[str], None]
Show = Callable[[int, int, str], None]  # done, total and a note


@dataclass(frozen=True)
class Downloaded:
    """What a downloaded file is.

    Attributes:
        path: the file.
        bytes: its size.
        sha256: its digest.
        verified: whether it has the checksum that is publicly known.
    """

    path: Path
    bytes: int
    sha256: str
    verified: bool


@dataclass(frozen=True)
class _Version:
    """Which version of a remote file a part belongs to."""

    address: str
    etag: str = ""
    last_modified: str = ""
    total: int = 0  # bytes; 0 where the server does not say

    @property
    def validator(self) -> str:
        """What If-Range takes: a strong ETag, or the moment of change; empty where the server gives neither."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


class _TryAgainError(Exception):
    """An answer after which another attempt may succeed."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


class Download:
    """Downloads one file.

    Args:
        address: of the remote file.
        target: the file to make; nothing incomplete or unverified ever has this name.
        checksum: the algorithm (`sha256` or `md5`) and the digest that it must have; None where that is not known.
        say: called with a sentence where something is done again.
        show: called with the MB that are there, all MB (0 where the server does not say), and the file's name.
        pause: seconds before the second attempt; each further one waits twice as long, up to a minute.
    """

    def __init__(
        self,
        address: str,
        target: Path,
        *,
        checksum: tuple[str, str] | None = None,
        say: Say = lambda _: None,
        show: Show = lambda *_: None,
        pause: float = 1.0,
    ) -> None:
        self.address, self.target, self.checksum = address, target, checksum
        self._say, self._show, self._pause = say, show, pause
        self._part = target.with_name(f"{target.name}.part")
        self._record = target.with_name(f"{target.name}.part.json")
        self._pieces = 0  # answers that the part was put together from

    def run(self) -> Downloaded:
        """Download the file, or what is missing of it, and verify it.

        Raises:
            DataError: the server does not give it, gives something else, or there is no room; the message says what
                to do. What was downloaded until then is kept for the next attempt, unless it is wrong.
        """
        self.target.parent.mkdir(parents=True, exist_ok=True)
        if self.target.exists():  # a run that was killed between its name and its use
            try:
                return verify(self.target, self.checksum)
            except DataError:
                remove(self.target)
        self._pieces = 1 if self._part.exists() else 0
        self._receive_all()
        try:
            downloaded = verify(self._part, self.checksum)
        except DataError as problem:
            pieces = self._pieces
            self._drop()
            if pieces < 2:
                raise DataError(f"{self.address}: {_reason(problem)}; nothing of it was kept") from None
            self._say(f"{self.target.name}: its pieces do not fit together; it is downloaded anew")
            return self.run()
        self._part.replace(self.target)
        remove(self._record)
        return Downloaded(self.target, downloaded.bytes, downloaded.sha256, downloaded.verified)

    def _receive_all(self) -> None:
        """Ask until the part is complete."""
        failures, most = 0, self._size()
        with urllib3.PoolManager(timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S)) as pool:
            while True:
                try:
                    self._receive(pool)
                    return
                except (urllib3.exceptions.HTTPError, _TryAgainError) as problem:
                    failures = 0 if self._size() > most else failures + 1
                    most = max(most, self._size())
                    if failures >= MAX_ATTEMPTS:
                        raise DataError(
                            f"{self.address}: the server does not give it ({_brief(problem)}), {self._size()} bytes "
                            f"are kept; run the same command later, or {_BY_HAND}"
                        ) from None
                    after = problem.after if isinstance(problem, _TryAgainError) else 0.0
                    time.sleep(min(max(after, self._pause * 2 ** max(0, failures - 1)), MAX_PAUSE_S))

    def _receive(self, pool: urllib3.PoolManager) -> None:
        """Ask once for what is missing, and add what comes to the part; returns when it is complete."""
        known = self._known_version()
        have = self._size() if known else 0
        headers = {"User-Agent": f"tsmu/{metadata.version('tsmu')}", "Accept-Encoding": "identity"}
        if have and known:
            headers["Range"] = f"bytes={have}-"
            headers |= {"If-Range": known.validator} if known.validator else {}
        response = pool.request(
            "GET",
            self.address,
            headers=headers,
            preload_content=False,
            decode_content=False,
            retries=urllib3.Retry(connect=0, read=0, other=0, redirect=5, respect_retry_after_header=False),
        )
        try:
            self._append_answer(response, have, known)
        finally:
            response.close()

    def _append_answer(self, response: urllib3.BaseHTTPResponse, have: int, known: _Version | None) -> None:
        """Add an answer's bytes to the part."""
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if known and known.total == have:
                return
            self._drop()
            raise _TryAgainError("the file has changed at its address")
        self._check_status(response)
        start, total = _range_of(response)
        version = _Version(
            self.address, response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""), total
        )
        if response.status == HTTPStatus.PARTIAL_CONTENT and (start != have or not _same_version(known, version)):
            self._drop()
            raise _TryAgainError("the server answered with a part of another file, or with another part")
        if response.status == HTTPStatus.OK and have:
            self._say(f"{self.target.name}: {_why_anew(known, version)}; it is downloaded from its beginning")
        self._check_room(total - start)
        if response.status == HTTPStatus.OK:
            start, self._pieces = 0, 0
            remove(self._part)
            write_json(self._record, vars(version))
        self._write(response, start, total)

    def _write(self, response: urllib3.BaseHTTPResponse, start: int, total: int) -> None:
        """Write an answer's bytes behind those that are there."""
        done = start
        self._pieces += 1
        with self._part.open("ab") as out:
            for block in response.stream(CHUNK):
                if done == 0:
                    self._refuse_page(response, block)
                out.write(block)
                done += len(block)
                self._show(done // MB, total // MB, f"MB of {self.target.name}")
        if total and done != total:
            raise _TryAgainError(f"{done} of {total} bytes came")

    def _check_status(self, response: urllib3.BaseHTTPResponse) -> None:
        """Refuse an answer that brings no file."""
        status = response.status
        if status in TRY_AGAIN:
            after = response.headers.get("Retry-After", "")
            raise _TryAgainError(f"status {status}", float(after) if after.isdigit() else 0.0)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise DataError(f"{self.address}: the server asks for a login (status {status}); {_BY_HAND}")
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise DataError(f"{self.address}: the server answers with status {status}; {_BY_HAND}")

    def _refuse_page(self, response: urllib3.BaseHTTPResponse, block: bytes) -> None:
        """Refuse a page for people, such as one to log in, where a file was to come."""
        kind = response.headers.get("Content-Type", "").lower()
        expected = FIRST_BYTES.get(self.target.suffix.lower(), b"")
        is_page = kind.startswith("text/html") or block.lstrip().lower().startswith(PAGE_STARTS)
        if not is_page and block.startswith(expected):
            return
        self._drop()
        what = "a page for people, perhaps to log in or to agree" if is_page else f"no {self.target.suffix} file"
        raise DataError(f"{self.address}: the server gives {what}, and not {self.target.name}; {_BY_HAND}")

    def _check_room(self, missing: int) -> None:
        """Refuse what the disk has no room for."""
        free = shutil.disk_usage(self.target.parent).free
        if missing + SPARE_BYTES > free:
            raise DataError(
                f"{self.target.parent}: {self.target.name} needs {missing / 1e9:.1f} GB more, and {free / 1e9:.1f} GB "
                "are free; make room, or name a folder on another disk"
            )

    def _known_version(self) -> _Version | None:
        """The version that the part belongs to; None where there is no part, or it cannot be gone on with."""
        record = read_json_object(self._record)
        try:
            version = _Version(**record) if self._part.exists() else None
        except TypeError:
            version = None
        if version is None or version.address != self.address:
            return None
        if not version.validator and not self.checksum:
            if self._size():
                self._say(f"{self.target.name}: the server cannot tell whether it has changed, so it begins anew")
            return None
        return version

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _drop(self) -> None:
        """Remove the part."""
        self._pieces = 0
        remove(self._part)
        remove(self._record)


_BY_HAND = "download it by hand, and give the folder that it lies in with --files"


def verify(path: Path, checksum: tuple[str, str] | None) -> Downloaded:
    """Compute a file's digests, and compare them with the checksum that is publicly known.

    Raises:
        DataError: they differ.

    Example:
        >>> Path("empty.zip").write_bytes(b"")
        0
        >>> verify(Path("empty.zip"), ("md5", "d41d8cd98f00b204e9800998ecf8427e")).verified
        True
    """
    digests = {
        name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", checksum[0] if checksum else ""} - {""}
    }
    with path.open("rb") as handle:
        while block := handle.read(CHUNK):
            for digest in digests.values():
                digest.update(block)
    if checksum and digests[checksum[0]].hexdigest() != checksum[1]:
        found = digests[checksum[0]].hexdigest()
        raise DataError(
            f"{path}: its {checksum[0]} is {found}, and {checksum[1]} was expected: the file was changed, or damaged "
            "on its way"
        )
    return Downloaded(path, path.stat().st_size, digests["sha256"].hexdigest(), checksum is not None)


def _range_of(response: urllib3.BaseHTTPResponse) -> tuple[int, int]:
    """The first byte of an answer, and the size of the whole file (0 where the server does not say)."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        return (int(match[1]), int(match[2]) if match[2] != "*" else 0) if match else (-1, 0)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else 0


def _same_version(known: _Version | None, version: _Version) -> bool:
    """Whether an answer may belong to the version that the part is of; some servers ignore If-Range."""
    if known is None:
        return False
    if known.etag and version.etag:  # machines of one server may tell different times for one file
        return known.etag == version.etag
    pairs = ((known.last_modified, version.last_modified), (known.total, version.total))
    return all(before == now for before, now in pairs if before and now)


def _why_anew(known: _Version | None, version: _Version) -> str:
    """Why a server sends a file from its beginning, though its end was asked for."""
    same = known and known.validator == version.validator and known.total == version.total
    return "the server cannot go on in the middle of a file" if same else "it has changed at its address"


def _reason(problem: DataError) -> str:
    """What an error of `verify` says, without the file's name."""
    return str(problem).split(": ", 1)[1]


def _brief(problem: Exception) -> str:
    """A network error in few words."""
    text = str(problem.args[-1] if problem.args else problem)
    return re.sub(r"^<[^>]*>: ", "", text)[:200] or type(problem).__name__
