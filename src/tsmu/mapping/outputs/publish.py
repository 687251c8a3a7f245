"""Copies of finished maps where others look for them: in object storage, or on a server that fsspec can write to."""

import json
import posixpath
import re
import secrets
from pathlib import Path
from typing import Any

import fsspec

from tsmu.errors import MapError
from tsmu.files import write_json
from tsmu.mapping.outputs.map_files import MapResult

COPIES_FILE = ".published.json"  # in the map's folder: size and time of change of each file when it was copied


def publish_map(result: MapResult, url: str) -> str:
    """Copy the files of a map to a folder elsewhere, each under its final name only when it is whole.

    The rasters come first and the polygons last, as in the map's own folder. A file that was copied to
    that folder before is not copied again unless one of the two has changed since.

    Args:
        result: the map.
        url: the folder's address, such as `s3://bucket/maps/scene`; what fsspec needs beside it comes
            from the places where its file systems look, such as `AWS_PROFILE` or `FSSPEC_...`.

    Returns:
        The address, without user and password.

    Raises:
        MapError: the protocol is not known or not installed, or the copy fails.
    """
    copies_file, public_url = result.polygons.parent / COPIES_FILE, _public(url)
    try:
        by_folder: dict[str, Any] = json.loads(copies_file.read_text(encoding="utf-8")) if copies_file.exists() else {}
        copies: dict[str, list[int]] = by_folder.get(public_url, {})
        files, folder = fsspec.core.url_to_fs(url)
        files.makedirs(folder, exist_ok=True)
        for file in (result.probability, *result.layers.values(), result.polygons):
            target, status = posixpath.join(folder, file.name), file.stat()
            state = [status.st_size, status.st_mtime_ns]
            if copies.get(file.name) == state and files.exists(target) and files.size(target) == status.st_size:
                continue
            _copy(files, file, target)
            copies[file.name] = state
            write_json(copies_file, by_folder | {public_url: copies})
    except Exception as error:  # noqa: BLE001 - of many kinds: whatever a file system's own client raises
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MapError(
            f"{public_url}: cannot be written ({reason}); the map lies in {copies_file.parent}, and the same command "
            "copies it"
        ) from None
    return public_url


def check_publish_address(url: str) -> None:
    """Refuse an address that no map can be copied to, without asking its server, which may be back when a map is done.

    Args:
        url: address or path of a folder.

    Raises:
        MapError: the protocol is not known or not installed, or the folder is a file.

    Example:
        >>> check_publish_address("gopher://example.org/maps")
        Traceback (most recent call last):
        tsmu.errors.MapError: --publish gopher://example.org/maps: ...
    """
    protocol, path = fsspec.core.split_protocol(url)
    try:
        fsspec.get_filesystem_class(protocol)
    except (ValueError, ImportError) as error:
        raise MapError(f"--publish {_public(url)}: cannot be written to ({error}); give another address") from None
    if protocol in (None, "file") and Path(path).exists() and not Path(path).is_dir():
        raise MapError(f"--publish {url}: is a file, and a folder is needed there; name another place")


def _public(url: str) -> str:
    """An address without user and password."""
    return re.sub(r"//[^/@]*@", "//", url)


def _copy(files: Any, file: Path, target: str) -> None:
    """Copy under a temporary name and rename: not every file system of fsspec does so itself."""
    folder, name = posixpath.split(target)
    temporary = posixpath.join(folder, f".{name}.{secrets.token_hex(3)}")
    files.put_file(str(file), temporary)
    if files.exists(target):
        files.rm_file(target)
    files.mv(temporary, target)
