"""Downloading one file by HTTP; an interrupted download is continued, and the file is verified before it gets its name.

While it is downloaded, the file is named `NAME.part`. `NAME.part.json` records of which version of the remote file it
is a part: the address, the size, and the server's marks of the version (ETag, Last-Modified). The server is asked to
continue only if it still has this version (If-Range). If the server gives no marks, the checksum of the whole file
decides, and without a checksum the download begins anew. So parts of two versions are never put together.
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
MAX_ATTEMPTS = 6  # a download is given up after so many attempts in a row that brought no new bytes
MAX_PAUSE_S = 60.0
SPARE_BYTES = 256 << 20  # so many bytes must stay free on the disk
MB = 1_000_000
TRY_AGAIN = {429, 500, 502, 503, 504}
PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<?xml version")
FIRST_BYTES = {".zip": b"PK", ".gz": b"\x1f\x8b", ".npy": b"\x93NUMPY", ".7z": b"7z\xbc\xaf"}

Say = Callable[[str], None]  # is called with a sentence that informs the user
Show = Callable[[int, int, str], None]  # is called with the work done, all work, and a note


@dataclass(frozen=True)
class Downloaded:
    """A downloaded file.

    Attributes:
        path: path of the file.
        bytes: the file's size.
        sha256: the file's SHA-256 digest.
        verified: whether the file was compared with a published checksum, and has it.
    """

    path: Path
    bytes: int
    sha256: str
    verified: bool


@dataclass(frozen=True)
class _Version:
    """The version of a remote file to which a partly downloaded file belongs."""

    address: str
    etag: str = ""
    last_modified: str = ""
    total: int = 0  # bytes; 0 where the server does not say

    @property
    def validator(self) -> str:
        """The value for If-Range: a strong ETag, or the time of the last change; empty where the server gives none."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


class _TryAgainError(Exception):
    """The server's answer cannot be used, but another attempt may succeed.

    Args:
        why: the reason.
        after: seconds that the server asks to wait before the next attempt.
    """

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


class Download:
    """Downloads one file.

    Args:
        address: the URL of the remote file.
        target: the file to make; it has this name only when it is complete and verified.
        checksum: the algorithm (`sha256` or `md5`) and the digest that the file must have; None if none is published.
        say: called with a sentence where a download begins anew.
        show: called with the MB that are downloaded, all MB (0 where the server does not tell), and the file's name.
        pause: seconds before the second attempt; the pause doubles with each further one, up to a minute.
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
        self._pieces = 0  # the number of answers from which the part was put together

    def run(self) -> Downloaded:
        """Download the file, or the rest of it, and verify it.

        Raises:
            DataError: the server does not send the file, sends something else, or the disk has no room; the message
                says what to do. Bytes downloaded until then are kept for the next attempt, unless they are wrong.
        """
        self.target.parent.mkdir(parents=True, exist_ok=True)
        if self.target.exists():  # an earlier run was killed after the file had got its name
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
        """Send requests until the part is complete, or too many in a row brought nothing."""
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
        """Send one request for the missing bytes, and append the answer to the part.

        Raises:
            DataError: the server does not send the file.
            _TryAgainError: the part is not complete, and another attempt may succeed.
        """
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
        """Check an answer, and append its bytes to the part.

        Args:
            response: the answer.
            have: the number of bytes that the part had when the request was sent.
            known: the version to which these bytes belong; None without any.
        """
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
        """Append the bytes of an answer to the part.

        Args:
            response: the answer.
            start: the position of its first byte in the file.
            total: the size of the file in bytes; 0 where the server does not tell.
        """
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
        """Raise an error for an answer whose status means that it holds no file."""
        status = response.status
        if status in TRY_AGAIN:
            after = response.headers.get("Retry-After", "")
            raise _TryAgainError(f"status {status}", float(after) if after.isdigit() else 0.0)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise DataError(f"{self.address}: the server asks for a login (status {status}); {_BY_HAND}")
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise DataError(f"{self.address}: the server answers with status {status}; {_BY_HAND}")

    def _refuse_page(self, response: urllib3.BaseHTTPResponse, block: bytes) -> None:
        """Raise a DataError for an answer that is a web page, such as one to log in, or another kind of file.

        Args:
            response: the answer.
            block: its first bytes.
        """
        kind = response.headers.get("Content-Type", "").lower()
        expected = FIRST_BYTES.get(self.target.suffix.lower(), b"")
        is_page = kind.startswith("text/html") or block.lstrip().lower().startswith(PAGE_STARTS)
        if not is_page and block.startswith(expected):
            return
        self._drop()
        what = "a page for people, perhaps to log in or to agree" if is_page else f"no {self.target.suffix} file"
        raise DataError(f"{self.address}: the server gives {what}, and not {self.target.name}; {_BY_HAND}")

    def _check_room(self, missing: int) -> None:
        """Raise a DataError if the disk has no room for the missing bytes."""
        free = shutil.disk_usage(self.target.parent).free
        if missing + SPARE_BYTES > free:
            raise DataError(
                f"{self.target.parent}: {self.target.name} needs {missing / 1e9:.1f} GB more, and {free / 1e9:.1f} GB "
                "are free; make room, or name a folder on another disk"
            )

    def _known_version(self) -> _Version | None:
        """The version to which the part belongs; None if there is no part, or its download cannot be continued."""
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
        """Remove the partly downloaded file and its record."""
        self._pieces = 0
        remove(self._part)
        remove(self._record)


_BY_HAND = "download it by hand, and give the folder that it lies in with --files"


def verify(path: Path, checksum: tuple[str, str] | None) -> Downloaded:
    """Compute a file's digests, and compare them with a published checksum.

    Args:
        path: the file.
        checksum: the algorithm and the digest that the file must have; None if none is published.

    Raises:
        DataError: the file has another digest.

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
    """The position of an answer's first byte in the file, and the size of the file (0 where the server does not tell).

    The position is -1 if the answer is a part of the file and does not name its position.
    """
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        return (int(match[1]), int(match[2]) if match[2] != "*" else 0) if match else (-1, 0)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else 0


def _same_version(known: _Version | None, version: _Version) -> bool:
    """Whether an answer may belong to the version of the part; this is checked as some servers ignore If-Range."""
    if known is None:
        return False
    if known.etag and version.etag:  # times are not compared: machines of one server may give different ones
        return known.etag == version.etag
    pairs = ((known.last_modified, version.last_modified), (known.total, version.total))
    return all(before == now for before, now in pairs if before and now)


def _why_anew(known: _Version | None, version: _Version) -> str:
    """Why a server sends a file from its beginning although only its rest was requested, as a part of a sentence."""
    same = known and known.validator == version.validator and known.total == version.total
    return "the server cannot go on in the middle of a file" if same else "it has changed at its address"


def _reason(problem: DataError) -> str:
    """The message of an error of `verify` without the file's name."""
    return str(problem).split(": ", 1)[1]


def _brief(problem: Exception) -> str:
    """A short text for a network error."""
    text = str(problem.args[-1] if problem.args else problem)
    return re.sub(r"^<[^>]*>: ", "", text)[:200] or type(problem).__name__
