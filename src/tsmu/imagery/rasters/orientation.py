"""Refuse images that are stored turned: an orientation in EXIF or TIFF tells viewers how to turn the pixels.

GDAL reads the pixels as they are stored and ignores the orientation. Viewers and labelme follow it, so a label drawn
on the image as displayed does not lie on the pixels as read. Every reader refuses such files.
"""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tsmu.errors import ImageError

UPRIGHT_ORIENTATIONS = (0, 1)  # cameras that do not know write 0
ORIENTATION_TAG = 274
JPEG, PNG, TIFF, RIFF = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", (b"II", b"MM"), b"RIFF"
MAX_DIRECTORY_ENTRIES = 4096  # more is a damaged file, which GDAL reports


def check_upright(path: Path) -> None:
    """Refuse an image file that viewers display turned or mirrored.

    Raises:
        ImageError: the file has an orientation other than 1.
    """
    orientation = file_orientation(path)
    if orientation not in UPRIGHT_ORIENTATIONS:
        raise ImageError(
            f"{path}: is stored turned (its EXIF orientation is {orientation}), so labels would not lie on its "
            f"pixels; turn the pixels themselves: magick mogrify -auto-orient {path.name}"
        )


def file_orientation(path: Path) -> int:
    """Read the orientation of a JPEG, PNG, WebP or TIFF file, 1 to 8; 1 for a file without or with damage."""
    try:
        with path.open("rb") as file:
            return read_orientation(file)
    except (OSError, struct.error, ValueError):
        return 1  # GDAL reports what is wrong with the file


def read_orientation(file: BinaryIO) -> int:
    """Read the orientation of an open image file, 1 to 8; 1 for a file without.

    Args:
        file: a JPEG, PNG, WebP or TIFF file, open at its beginning.

    Raises:
        OSError, ValueError, struct.error: the file is damaged.

    Example:
        >>> with open("post.tif", "rb") as file:
        ...     read_orientation(file) in UPRIGHT_ORIENTATIONS
        True
    """
    start = file.read(12)
    if start[:2] in TIFF:
        return _tiff_orientation(file)
    for signature, read_exif in ((JPEG, _read_jpeg_exif), (PNG, _read_png_exif), (RIFF, _read_webp_exif)):
        if start.startswith(signature):
            return _exif_orientation(read_exif(file))
    return 1


def _exif_orientation(exif: bytes) -> int:
    """Read the orientation out of the content of an EXIF block, 1 to 8; 1 where it has none."""
    exif = exif.removeprefix(b"Exif\0\0")
    try:
        return _tiff_orientation(io.BytesIO(exif)) if exif[:2] in TIFF else 1
    except (struct.error, ValueError):
        return 1


def _tiff_orientation(file: BinaryIO) -> int:
    """Find the orientation in the first directory of a TIFF file or of a block of that form."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    (version,) = struct.unpack_from(f"{order}H", head, 2)
    if version not in (42, 43):
        return 1
    big = version == 43
    (directory,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", head, 8 if big else 4)
    count_form, entry_form, value_at = (f"{order}Q", f"{order}HHQ", 12) if big else (f"{order}H", f"{order}HHI", 8)
    size = value_at + (8 if big else 4)
    file.seek(directory)
    (count,) = struct.unpack(count_form, file.read(struct.calcsize(count_form)))
    entries = file.read(min(count, MAX_DIRECTORY_ENTRIES) * size)
    for at in range(0, len(entries), size):
        tag, kind, _ = struct.unpack_from(entry_form, entries, at)
        if tag == ORIENTATION_TAG:
            form = {1: "B", 3: "H", 4: "I"}.get(kind)
            return int(struct.unpack_from(order + form, entries, at + value_at)[0]) if form else 1
    return 1


def _read_jpeg_exif(file: BinaryIO) -> bytes:
    file.seek(2)
    while len(marker := file.read(2)) == 2 and marker[0] == 0xFF and marker[1] not in (0xDA, 0xD9):
        if marker[1] == 0xFF:  # padding before a marker
            file.seek(-1, 1)
            continue
        (length,) = struct.unpack(">H", file.read(2))
        if marker[1] == 0xE1:
            content = file.read(length - 2)
            if content.startswith(b"Exif\0\0"):
                return content
        else:
            file.seek(length - 2, 1)
    return b""


def _read_png_exif(file: BinaryIO) -> bytes:
    file.seek(8)
    return _read_chunk(file, b"eXIf", lambda head: (struct.unpack(">I", head[:4])[0], head[4:], 4))


def _read_webp_exif(file: BinaryIO) -> bytes:
    file.seek(12)

    def parse_head(head: bytes) -> tuple[int, bytes, int]:
        (length,) = struct.unpack("<I", head[4:])
        return length, head[:4], length % 2

    return _read_chunk(file, b"EXIF", parse_head)


def _read_chunk(file: BinaryIO, name: bytes, parse_head: Callable[[bytes], tuple[int, bytes, int]]) -> bytes:
    """Read the content of the first chunk of a name; b"" where there is none.

    Args:
        file: open at its first chunk. A chunk is a head of 8 bytes, its content, and some bytes of padding or checksum.
        name: of the chunk.
        parse_head: gives the length of the content, the chunk's name, and the number of bytes after the content.
    """
    while len(head := file.read(8)) == 8:
        length, chunk_name, trailing = parse_head(head)
        if chunk_name == name:
            return file.read(length)
        file.seek(length + trailing, 1)
    return b""
