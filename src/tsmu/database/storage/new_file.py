"""Files that a database writes where nothing is yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsmu.errors import DatabaseError
from tsmu.files import atomic_write


@contextmanager
def write_new_file(path: Path) -> Iterator[Path]:
    """Write a file under a hidden name beside it, and rename it when the block succeeds; nothing is ever replaced.

    Args:
        path: a place where nothing is yet.

    Yields:
        The temporary path.

    Raises:
        DatabaseError: the place is not free, or another process wrote a file there meanwhile.

    Example:
        >>> with write_new_file(Path("areas.csv")) as temporary:
        ...     _ = temporary.write_text("area_m2")
        >>> with write_new_file(Path("areas.csv")) as temporary:
        ...     pass
        Traceback (most recent call last):
        tsmu.errors.DatabaseError: areas.csv: exists already; name a new file
    """
    require_free(path)
    try:
        with atomic_write(path, replace=False) as temporary:
            yield temporary
    except FileExistsError:
        require_free(path)
        raise


def require_free(path: Path) -> None:
    """Refuse a place where something is already.

    Raises:
        DatabaseError: the place is not free.

    Example:
        >>> require_free(Path("not-there.gpkg"))
    """
    if path.exists():
        raise DatabaseError(f"{path}: exists already; name a new file")
