"""Unpack archives from the internet, and refuse those that could do harm.

An archive is refused if one of its entries would lie outside the folder, or is a link or a device. It is also refused
if it expands to many more bytes than archives of data usually do, because it is then damaged or made to do harm.
Entries that were read before the refused one may be unpacked already.
"""

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from tsmu.errors import DataError

MAX_EXPANSION = 100  # an archive may expand to so many times its size; images and maps need some 1 to 10 times
ALWAYS_ALLOWED_BYTES = 64_000_000  # an archive of any size may expand to so many bytes in addition
MAX_ENTRIES = 1_000_000
NOT_UNPACKED = (".7z", ".rar")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", *NOT_UNPACKED)
BLOCK = 1 << 20


class _Entry(NamedTuple):
    """A regular file in an archive."""

    name: str
    size: int
    content: IO[bytes]


def is_archive(path: Path) -> bool:
    """Whether a file is an archive, by its name.

    Example:
        >>> is_archive(Path("TrainData.zip")), is_archive(Path("trainX.npy"))
        (True, False)
    """
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a zip or tar archive into a folder.

    Files that macOS adds (`__MACOSX/`, `._name`) are left out.

    Args:
        archive: the archive.
        folder: the folder to unpack into; it is made if need be.

    Returns:
        The number of files that were unpacked.

    Raises:
        DataError: the archive is damaged or encrypted, is no zip or tar archive, could do harm, or needs more room than
            the disk has.

    Example:
        >>> import zipfile
        >>> with zipfile.ZipFile("chips.zip", "w") as archive:
        ...     archive.writestr("images/1.png", "")
        >>> unpack(Path("chips.zip"), Path("chips"))
        1
    """
    if archive.name.lower().endswith(NOT_UNPACKED):
        raise DataError(f"{archive}: is not unpacked here; unpack it by hand and give its folder with --files")
    allowed = ALWAYS_ALLOWED_BYTES + MAX_EXPANSION * archive.stat().st_size
    entries = _zip_entries(archive) if archive.name.lower().endswith(".zip") else _tar_entries(archive)
    count = given = 0
    try:
        for entry in entries:
            count, given = count + 1, given + entry.size
            if given > allowed or count > MAX_ENTRIES:
                raise DataError(
                    f"{archive}: gives more than {given / 1e9:.1f} GB or {count:,} files; it is not unpacked"
                )
            _check_room(folder, entry.size)
            _write(entry, _place(archive, folder, entry.name))
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, RuntimeError, NotImplementedError) as problem:
        if isinstance(problem, OSError) and problem.errno and not isinstance(problem, tarfile.TarError):
            raise
        why = next(iter(str(problem).splitlines()), type(problem).__name__)
        raise DataError(f"{archive}: cannot be unpacked ({why}); fetch it again") from None
    return count


def _zip_entries(archive: Path) -> Iterator[_Entry]:
    """The regular files in a zip archive.

    Raises:
        DataError: an entry is a link, or would lie outside the folder; this is checked before any file is given.
    """
    with zipfile.ZipFile(archive) as opened:
        infos = [info for info in opened.infolist() if not info.is_dir() and not _of_macos(info.filename)]
        for info in infos:  # all entries are checked before the first one is written
            if (info.external_attr >> 16) & 0o170000 == 0o120000:
                raise DataError(f"{archive}: {info.filename} is a link, which could lead anywhere; it is not unpacked")
            _place(archive, Path(), info.filename)
        for info in infos:
            with opened.open(info) as content:
                yield _Entry(info.filename, info.file_size, content)


def _tar_entries(archive: Path) -> Iterator[_Entry]:
    """The regular files in a tar archive.

    Raises:
        DataError: an entry is a link or a device; files before it were given already.
    """
    with tarfile.open(archive, "r:*") as opened:
        for member in opened:
            if member.isdir() or _of_macos(member.name):
                continue
            content = opened.extractfile(member) if member.isreg() else None
            if content is None:
                raise DataError(f"{archive}: {member.name} is a link or a device, and no file; it is not unpacked")
            yield _Entry(member.name, member.size, content)


def _place(archive: Path, folder: Path, name: str) -> Path:
    """The path that an entry of an archive gets below a folder.

    Raises:
        DataError: the path would lie outside the folder.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise DataError(f"{archive}: {name!r} would lie outside the folder; it is not unpacked")
    return folder.joinpath(*parts)


def _write(entry: _Entry, path: Path) -> None:
    """Write the content of an entry into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        shutil.copyfileobj(entry.content, out, BLOCK)


def _check_room(folder: Path, needed: int) -> None:
    """Raise a DataError if a file of so many bytes has no room on the disk."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise DataError(f"{folder}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free; make room")


def _of_macos(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith("._")
