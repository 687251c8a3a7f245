"""Write files so that nothing half-written ever has its final name; and the names and contents of files."""

import errno
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

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}  # a write gets them, which names no file
CHUNK = 1 << 20  # bytes
MAX_HASHED_WHOLE = 64 << 20  # bytes up to which the digest of a file's content is one of all its bytes
SAMPLED_CHUNKS = 64  # of a larger file, spread over it


@contextmanager
def atomic_write(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Write a file or folder under a hidden name beside it, and rename it when the block succeeds.

    The temporary path keeps the suffix of `path`, because GDAL and pandas choose a format by it.
    The block may create a file or a folder there. When it fails, what it wrote is removed.
    A folder is only renamed if there is none of its name yet.

    Args:
        path: the file or folder; folders above it are made if need be.
        replace: whether it takes the place of a file of its name. If not, the first of several processes that
            write the same file at once makes it, and the others fail.

    Yields:
        The temporary path.

    Raises:
        FileExistsError: there is a file of its name already, and it is not to be replaced.

    Example:
        >>> with atomic_write(Path("notes.txt")) as temporary:
        ...     _ = temporary.write_text("done")
        >>> Path("notes.txt").read_text()
        'done'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(3)}{path.suffix}")
    try:
        yield temporary
        sync(temporary)
        if replace or temporary.is_dir():
            temporary.replace(path)
        else:
            _rename_to_new(temporary, path)
        _sync_folder(path.parent)
    except BaseException as error:
        remove(temporary)
        if isinstance(error, OSError):
            _name_file(error, temporary, path)
        raise


def _name_file(error: OSError, temporary: Path, path: Path) -> None:
    """Name the file, and not its temporary form, in what the operating system says of writing it."""
    is_unnamed = error.filename is None and error.errno in _DISK_ERRORS
    if is_unnamed or (error.filename == str(temporary) and error.filename2 is None):
        error.filename = str(path)


def _rename_to_new(temporary: Path, path: Path) -> None:
    """Rename a file; FileExistsError where there is one of the new name, however short a time ago it was made."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as FAT: the name is taken first, then the file put there
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        temporary.replace(path)
    else:
        temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file whole.

    Example:
        >>> write_text(Path("note.txt"), "seen")
        >>> Path("note.txt").read_text()
        'seen'
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole; numbers that JSON does not have become null.

    Example:
        >>> write_json(Path("iou.json"), {"iou": float("nan")})
        >>> read_json_object(Path("iou.json"))
        {'iou': None}
    """
    write_text(path, json_text(value, indent=1))


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object; {} where it is missing, damaged or holds something else.

    Example:
        >>> read_json_object(Path("not-there.json"))
        {}
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON of a value, in which NaN and infinities, for which JSON has no word, are null.

    Example:
        >>> json_text({"iou": float("nan"), "area": [1.0, float("inf")]})
        '{"iou": null, "area": [1.0, null]}'
    """
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:  # few values have any; looking through a large one takes longer than writing it
        return json.dumps(without_nan(value), indent=indent)


def without_nan(value: Any) -> Any:
    """Replace NaN and infinities by None, in nested dicts and lists too.

    Example:
        >>> without_nan({"iou": float("nan"), "area": [1.0, float("inf")]})
        {'iou': None, 'area': [1.0, None]}
    """
    if isinstance(value, dict):
        return {key: without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def remove(path: Path) -> None:
    """Remove a file or a folder tree, whether it exists or not.

    Example:
        >>> remove(Path("not-there.json"))
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or every file below a folder, to the disk.

    Example:
        >>> sync(Path("pairs.csv"))
    """
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
    """Compute the SHA-256 of a file's bytes in hexadecimal, in little memory.

    Example:
        >>> sha256(Path("pairs.csv"))[:8]
        '...'
    """
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def name_key(name: str) -> str:
    """Write a name so that its spellings are equal: neither case nor Unicode form (macOS decomposes accents) counts.

    Example:
        >>> name_key("Valle") == name_key("VALLE")
        True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def to_nfc(name: str) -> str:
    r"""Write a name in the composed Unicode form (NFC), by which names of files are matched.

    Example:
        >>> len(to_nfc("Cafe\u0301")), len("Cafe\u0301")
        (4, 5)
    """
    return unicodedata.normalize("NFC", name)


def listed_file(folder: Path, cell: str) -> Path:
    """Find the file that a cell of a table names.

    Backslashes may separate folders, as on Windows, and names may be in another Unicode form than on the
    disk.

    Args:
        folder: the table's folder, from which the path counts.
        cell: the path as it is written.

    Returns:
        The path; where there is no such file, the path where it would be.

    Example:
        >>> listed_file(Path("images"), "../images/valley_pre.tif").name
        'valley_pre.tif'
    """
    text = cell.strip().strip("\"'")
    as_written, with_slashes = folder / Path(text).expanduser(), folder / Path(text.replace("\\", "/")).expanduser()
    for path in dict.fromkeys((as_written, with_slashes)):
        try:
            if path.exists():
                return path
        except (OSError, ValueError):  # a name too long, or with characters that no name has
            return path
    match = Path(with_slashes.anchor)
    for part in with_slashes.parts[bool(with_slashes.anchor) :]:
        if part == ".." or (match / part).exists() or not match.is_dir():
            match = match / part
        else:
            match /= next((entry.name for entry in match.iterdir() if to_nfc(entry.name) == to_nfc(part)), part)
    return match if match.exists() else with_slashes


def content_digest(path: Path) -> str:
    """Compute a digest that is different for different contents of a file, as cheaply as possible.

    A file of up to 64 MB is read whole, so that its digest stays the same where it is copied or touched. For a larger
    one its size, its time of change, and 64 pieces of 1 MB that are spread over it count.

    Returns:
        A hexadecimal digest; the empty text where there is no such file.

    Example:
        >>> content_digest(Path("not-there.tif"))
        ''
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return _content_digest(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=1 << 16)
def _content_digest(path: Path, size: int, changed: int, inode: int) -> str:
    del inode  # as a key of the cache it differs where another file was renamed over this one
    if size <= MAX_HASHED_WHOLE:
        return sha256(path)
    digest = hashlib.sha256(f"{size} {changed}".encode())
    with path.open("rb") as handle:
        for piece in range(SAMPLED_CHUNKS):
            handle.seek(piece * (size - CHUNK) // (SAMPLED_CHUNKS - 1))
            digest.update(handle.read(CHUNK))
    return digest.hexdigest()
