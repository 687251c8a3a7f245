"""Unpack zip archives of the user's files into a temporary folder while their content is read."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsmu.errors import TsmuError

ZIP_SUFFIX = ".zip"
MAX_EXPANSION = 100  # an archive may expand to so many times its size; map layers and tables need some 3 to 20 times
ALWAYS_ALLOWED_BYTES = 64_000_000  # an archive of any size may expand to so many bytes in addition


@contextmanager
def unpack_archive(archive: Path, error: type[TsmuError]) -> Iterator[Path]:
    """Unpack a zip archive into a temporary folder, which is removed after the block.

    An archive within the archive becomes a folder with the name of the inner archive. Files that macOS adds
    (`__MACOSX/`, `._name`) are left out.

    Args:
        archive: the zip file.
        error: the class of the errors.

    Yields:
        The folder.

    Raises:
        TsmuError: of the class `error`, if the archive is damaged, encrypted or would fill the disk.

    Example:
        >>> import zipfile
        >>> with zipfile.ZipFile("slides.zip", "w") as archive:
        ...     archive.writestr("slides/readme.txt", "none yet")
        >>> with unpack_archive(Path("slides.zip"), TsmuError) as folder:
        ...     [path.name for path in folder.rglob("*.txt")]
        ['readme.txt']
    """
    with tempfile.TemporaryDirectory(prefix="tsmu-") as temporary:
        folder = Path(temporary)
        allowed = ALWAYS_ALLOWED_BYTES + MAX_EXPANSION * archive.stat().st_size
        try:
            expanded = _extract(archive, folder, allowed)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError) as problem:
            raise error(f"{archive}: cannot be read ({problem}); replace it, or unpack it yourself") from None
        if expanded > allowed:
            raise error(f"{archive}: would expand to {expanded / 1e9:.1f} GB; unpack it yourself if you trust it")
        yield folder


def _extract(archive: Path, folder: Path, allowed: int) -> int:
    """Extract an archive and the archives in it.

    Args:
        archive: the archive.
        folder: the folder to extract into.
        allowed: bytes; extraction stops before an archive that would exceed them.

    Returns:
        The bytes to which the archives expand; more than `allowed` if it stopped.
    """
    with zipfile.ZipFile(archive) as opened:
        expanded = sum(info.file_size for info in opened.infolist())  # zipfile never extracts more than declared here
        if expanded > allowed:
            return expanded
        opened.extractall(folder, [name for name in opened.namelist() if not _is_macos_file(name)])
    for inner in [path for path in sorted(folder.rglob(f"*{ZIP_SUFFIX}")) if path.is_file()]:
        packed = inner.rename(inner.with_name(f"{inner.name}.packed"))
        inner.mkdir()
        expanded += _extract(packed, inner, allowed - expanded)
        packed.unlink()
        if expanded > allowed:
            break
    return expanded


def _is_macos_file(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("._")
