"""Images that are stored turned: an orientation in EXIF or TIFF tells viewers how to turn the pixels.

GDAL reads the pixels as they are stored and ignores that. Viewers and labelme turn them, so a label drawn on the
image as shown does not lie on the pixels as read. Such files are refused, whoever reads them.
"""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tsmu.errors import ImageError

UPRIGHT = (0, 1)  # 0 is written by cameras that do not know
TAG = 274
JPEG, PNG, TIFF, RIFF = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", (b"II", b"MM"), b"RIFF"
MOST_ENTRIES = 4096  # of a directory; more is a damaged file, which GDAL reports


def check_upright(path: Path) -> None:
    """Refuse an image file that viewers show turned or mirrored.

    Raises:
        ImageError: its orientation is another than 1.
    """
    number = orientation(path)
    if number not in UPRIGHT:
        raise ImageError(
            f"{path}: is stored turned (its EXIF orientation is {number}), so labels would not lie on its pixels; turn "
            f"the pixels themselves: magick mogrify -auto-orient {path.name}"
        )


def orientation(path: Path) -> int:
    """Read the orientation of a JPEG, PNG, WebP or TIFF file, 1 to 8; 1 for a file that does not tell."""
    try:
        with path.open("rb") as file:
            return read_orientation(file)
    except (OSError, struct.error, ValueError):
        return 1  # whatever is wrong with the file, GDAL says it better


def _exif_orientation(exif: bytes) -> int:
    """Read the orientation out of the content of an EXIF block, 1 to 8; 1 where it does not tell."""
    exif = exif.removeprefix(b"Exif\0\0")
    try:
        return _of_directory(io.BytesIO(exif)) if exif[:2] in TIFF else 1
    except (struct.error, ValueError):
        return 1


def read_orientation(file: BinaryIO) -> int:
    """Read the orientation as `orientation` does, from a file that is open at its beginning.

    Raises:
        OSError, ValueError, struct.error: the file is damaged.
    """
    start = file.read(12)
    if start[:2] in TIFF:
        return _of_directory(file)
    for signature, blocks in ((JPEG, _jpeg_exif), (PNG, _png_exif), (RIFF, _webp_exif)):
        if start.startswith(signature):
            return _exif_orientation(blocks(file))
    return 1


def _of_directory(file: BinaryIO) -> int:
    """Find the orientation in the first directory of a TIFF file or of a file of that form."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    (version,) = struct.unpack_from(f"{order}H", head, 2)
    if version not in (42, 43):
        return 1
    big = version == 43
    (place,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", head, 8 if big else 4)
    count_form, entry_form, value_at = (f"{order}Q", f"{order}HHQ", 12) if big else (f"{order}H", f"{order}HHI", 8)
    size = value_at + (8 if big else 4)
    file.seek(place)
    (count,) = struct.unpack(count_form, file.read(struct.calcsize(count_form)))
    entries = file.read(min(count, MOST_ENTRIES) * size)
    for at in range(0, len(entries), size):
        tag, kind, _ = struct.unpack_from(entry_form, entries, at)
        if tag == TAG:
            form = {1: "B", 3: "H", 4: "I"}.get(kind)
            return int(struct.unpack_from(order + form, entries, at + value_at)[0]) if form else 1
    return 1


def _jpeg_exif(file: BinaryIO) -> bytes:
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


def _png_exif(file: BinaryIO) -> bytes:
    file.seek(8)
    return _chunk(file, b"eXIf", lambda head: (struct.unpack(">I", head[:4])[0], head[4:], 4))


def _webp_exif(file: BinaryIO) -> bytes:
    file.seek(12)

    def chunk(head: bytes) -> tuple[int, bytes, int]:
        (length,) = struct.unpack("<I", head[4:])
        return length, head[:4], length % 2

    return _chunk(file, b"EXIF", chunk)


def _chunk(file: BinaryIO, wanted: bytes, parse: Callable[[bytes], tuple[int, bytes, int]]) -> bytes:
    """Go through chunks of 8 bytes of head and some content; `parse` gives length, name and bytes behind it."""
    while len(head := file.read(8)) == 8:
        length, name, behind = parse(head)
        if name == wanted:
            return file.read(length)
        file.seek(length + behind, 1)
    return b""
