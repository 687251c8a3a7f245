"""Writing files so that nothing half-written ever carries a final name."""

import hashlib
import json
import math
import os
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

CHUNK = 1 << 20
WHOLE = 64 << 20  # bytes up to which the digest of a file's content is one of all its bytes
PIECES = 64  # of a larger file, of `CHUNK` bytes each, spread over it


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a hidden path beside `path`; rename it onto `path` when the block succeeds.

    The temporary path keeps the suffix of `path`, because GDAL and pandas choose a format by it.
    The block may create a file or a folder there. When it fails, what it wrote is removed.
    A folder is only renamed into a place that is still free.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(3)}{path.suffix}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        remove(temporary)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole; numbers that JSON does not know become null."""
    write_text(path, json.dumps(without_nan(value), indent=1))


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that notes something; one that is missing, damaged or no object notes nothing."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def without_nan(value: Any) -> Any:
    """Replace NaN and infinities by None, in nested dicts and lists too."""
    if isinstance(value, dict):
        return {key: without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def remove(path: Path) -> None:
    """Remove a file or a folder tree, whether it exists or not."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or every file below a folder, to the disk."""
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; its rename is journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def name_key(name: str) -> str:
    """What spellings of one name have in common: neither case nor Unicode form (macOS decomposes accents) counts."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def composed(name: str) -> str:
    """A name in the composed Unicode form (NFC), by which names of files are matched."""
    return unicodedata.normalize("NFC", name)


def listed_file(folder: Path, cell: str) -> Path:
    """Where a file lies that a table names, from the table's folder on.

    Backslashes may separate folders, as on Windows, and names may be in another Unicode form than on the
    disk. Where there is no such file, it is the path as it would be.
    """
    text = cell.strip().strip("\"'")
    as_written, with_slashes = folder / Path(text).expanduser(), folder / Path(text.replace("\\", "/")).expanduser()
    for path in dict.fromkeys((as_written, with_slashes)):
        try:
            if path.exists():
                return path
        except (OSError, ValueError):  # a name too long, or with characters that no name has
            return path
    place = Path(with_slashes.anchor)
    for part in with_slashes.parts[bool(with_slashes.anchor) :]:
        if part == ".." or (place / part).exists() or not place.is_dir():
            place = place / part
        else:
            place /= next((entry.name for entry in place.iterdir() if composed(entry.name) == composed(part)), part)
    return place if place.exists() else with_slashes


def content_digest(path: Path) -> str:
    """Tell a file's content from any other, as cheaply as that can be done.

    A file of up to 64 MB is read whole, so it may be copied or touched and stays the same. Of a larger one count
    its size, its time of change, and 64 pieces of 1 MB that are spread over it.

    Returns:
        A hexadecimal digest; the empty text where there is no such file.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return _content_digest(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=1 << 16)
def _content_digest(path: Path, size: int, changed: int, number: int) -> str:
    del number  # tells a file from one that was renamed over it
    if size <= WHOLE:
        return sha256(path)
    digest = hashlib.sha256(f"{size} {changed}".encode())
    with path.open("rb") as handle:
        for piece in range(PIECES):
            handle.seek(piece * (size - CHUNK) // (PIECES - 1))
            digest.update(handle.read(CHUNK))
    return digest.hexdigest()
