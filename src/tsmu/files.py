"""Write files so that a half-written one never has its final name; compare names of files, and hash contents."""

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

# Errors of a write, such as a full disk. Python's exception for them has no file name.
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
CHUNK = 1 << 20  # bytes read at once
MAX_HASHED_WHOLE = 64 << 20  # bytes; of a larger file, `content_digest` reads only some pieces
SAMPLED_CHUNKS = 64  # number of pieces of `CHUNK` bytes that are read of a larger file, spread evenly over it


@contextmanager
def atomic_write(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Write a file or folder under a hidden name beside it, and rename it when the block succeeds.

    The temporary path keeps the suffix of `path`, because GDAL and pandas choose a format by it.
    The `with` block creates a file or a folder at the temporary path. When the block fails, that is removed.
    A folder never replaces an existing folder that has files in it, nor a file: the renaming fails then.

    Args:
        path: the final path of the file or folder; missing parent folders are created.
        replace: whether the new file replaces an existing one. If not, and several processes write the same file at
            once, the first one succeeds and the others fail. Of folders it is ignored.

    Yields:
        The temporary path.

    Raises:
        FileExistsError: the file exists, and `replace` is False.
        OSError: the file or folder cannot be written or renamed.

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
    """Let an error of the operating system name the final path where it names the temporary path or no file."""
    is_unnamed = error.filename is None and error.errno in _DISK_ERRORS
    if is_unnamed or (error.filename == str(temporary) and error.filename2 is None):
        error.filename = str(path)


def _rename_to_new(temporary: Path, path: Path) -> None:
    """Rename a file, and raise FileExistsError if the new name exists, even if another process has just created it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links, as on FAT: reserve the name with an empty file, and replace that
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        temporary.replace(path)
    else:
        temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file by `atomic_write`, in UTF-8.

    Example:
        >>> write_text(Path("note.txt"), "seen")
        >>> Path("note.txt").read_text()
        'seen'
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file by `atomic_write`; NaN and infinities, which JSON does not have, become null.

    Example:
        >>> write_json(Path("iou.json"), {"iou": float("nan")})
        >>> read_json_object(Path("iou.json"))
        {'iou': None}
    """
    write_text(path, json_text(value, indent=1))


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object; return {} if it is missing, damaged or holds something else.

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
    """Write a value as JSON, with null for NaN and infinities, which JSON does not have.

    Example:
        >>> json_text({"iou": float("nan"), "area": [1.0, float("inf")]})
        '{"iou": null, "area": [1.0, null]}'
    """
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:  # the value has a NaN or infinity, which is rare: it is searched for only now, as that is slow
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
    """Flush a folder's list of names to the disk, so that a renamed file keeps its new name after a power cut."""
    if os.name == "nt":  # Windows cannot open a folder, and writes a rename into its journal anyway
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
    """Write a name so that spellings that differ in case or Unicode form only are equal (macOS decomposes accents).

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
        folder: the table's folder; a relative path in the cell starts from it.
        cell: the path as the table has it; blanks and quotes around it are ignored.

    Returns:
        The path of the file; if no such file exists, the path at which it would be.

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
        except (OSError, ValueError):  # the name is too long, or has characters that no file name can have
            return path
    match = Path(with_slashes.anchor)
    for part in with_slashes.parts[bool(with_slashes.anchor) :]:
        if part == ".." or (match / part).exists() or not match.is_dir():
            match = match / part
        else:
            match /= next((entry.name for entry in match.iterdir() if to_nfc(entry.name) == to_nfc(part)), part)
    return match if match.exists() else with_slashes


def content_digest(path: Path) -> str:
    """Compute a digest that changes when the content of a file changes, without reading all of a large file.

    Of a file of up to 64 MiB all bytes are hashed, so that a copy has the same digest, whenever it was made. Of a
    larger one its size, its time of change, and 64 pieces of 1 MiB that are spread over it are hashed.

    Returns:
        A hexadecimal digest; the empty text if there is no such file.

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
    del inode  # it is only a key of the cache: it changes when another file is renamed to this path
    if size <= MAX_HASHED_WHOLE:
        return sha256(path)
    digest = hashlib.sha256(f"{size} {changed}".encode())
    with path.open("rb") as handle:
        for piece in range(SAMPLED_CHUNKS):
            handle.seek(piece * (size - CHUNK) // (SAMPLED_CHUNKS - 1))
            digest.update(handle.read(CHUNK))
    return digest.hexdigest()
