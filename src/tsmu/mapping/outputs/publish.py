"""Finished maps to where others look for them: object storage, or a server that fsspec can write to."""

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

NOTE = ".published.json"  # in the map's folder: what lies where, as it was then


def publish(result: MapResult, to: str) -> str:
    """Copy a map's files to a folder elsewhere, each under its final name only when it is whole.

    The rasters come first and the polygons last, as in the map's own folder. A file that was copied
    there before, and neither side has changed since, is not copied again.

    Args:
        result: the map.
        to: the folder's address, such as `s3://bucket/maps/scene`; what fsspec wants to know beside it
            comes from the places where its file systems look, such as `AWS_PROFILE` or `FSSPEC_...`.

    Returns:
        The address, without user and password.

    Raises:
        MapError: the protocol is not known or not installed, or the copy fails.
    """
    note, place = result.polygons.parent / NOTE, re.sub(r"//[^/@]*@", "//", to)
    try:
        noted: dict[str, Any] = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
        there: dict[str, list[int]] = noted.get(place, {})
        files, folder = fsspec.core.url_to_fs(to)
        files.makedirs(folder, exist_ok=True)
        for file in (result.probability, *result.layers.values(), result.polygons):
            target, status = posixpath.join(folder, file.name), file.stat()
            state = [status.st_size, status.st_mtime_ns]
            if there.get(file.name) == state and files.exists(target) and files.size(target) == status.st_size:
                continue
            _copy(files, file, target)
            there[file.name] = state
            write_json(note, noted | {place: there})
    except Exception as error:  # noqa: BLE001 - of many kinds: whatever a file system's own client raises
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MapError(
            f"{place}: cannot be written ({reason}); the map lies in {note.parent}, and the same command copies it"
        ) from None
    return place


def _copy(files: Any, file: Path, target: str) -> None:
    """Copy beside the place and rename, as everywhere: not all that fsspec writes to does so itself."""
    head, name = posixpath.split(target)
    temporary = posixpath.join(head, f".{name}.{secrets.token_hex(3)}")
    files.put_file(str(file), temporary)
    if files.exists(target):
        files.rm_file(target)
    files.mv(temporary, target)
