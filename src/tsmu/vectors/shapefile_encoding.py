"""Find the encoding of a shapefile's texts where its files do not declare it.

A shapefile can declare the encoding in a `.cpg` file, or in the language driver byte of its `.dbf`; GDAL uses both. If
neither declares it, GDAL decodes the texts as Latin-1, which silently garbles texts in any other encoding.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsmu.issues import IssueLog

UTF_8, WINDOWS_1252 = "UTF-8", "CP1252"
# Values of the language driver byte that declare no encoding: none, and "ANSI", which means the encoding of the
# computer that wrote the file.
UNSAID_DRIVERS = (0x00, 0x57)
HEADER_BYTES, FIELD_BYTES, END_OF_FIELDS = 32, 32, 0x0D  # of the format of a `.dbf` file
BYTES_AT_ONCE = 1 << 24  # bytes of the `.dbf` file that are read at once


def unsaid_encoding(shapefile: Path, file: str, log: IssueLog) -> str | None:
    """Find the encoding of a shapefile's texts by their bytes where its files do not declare it.

    If all texts are valid UTF-8, it is UTF-8; otherwise Windows-1252 is assumed, which is logged.

    Args:
        shapefile: path of the `.shp` file.
        file: the shapefile's name in messages.
        log: receives the assumption.

    Returns:
        The encoding; None if the files declare it, or if all texts are ASCII.

    Example:
        >>> import geopandas
        >>> towns = geopandas.GeoDataFrame({"name": ["Zürich"]}, geometry=[shapely.Point(8.5, 47.4)], crs=4326)
        >>> towns.to_file("towns.shp")
        >>> Path("towns.cpg").unlink()
        >>> unsaid_encoding(Path("towns.shp"), "towns.shp", log)
        'UTF-8'
    """
    sidecars = {  # the files that belong to the shapefile, by ending
        path.suffix.lower(): path
        for path in shapefile.parent.iterdir()
        if path.stem == shapefile.stem and path.suffix.lower() in (".cpg", ".dbf")
    }
    if ".cpg" in sidecars or ".dbf" not in sidecars:
        return None
    texts = list(_texts_beyond_ascii(sidecars[".dbf"]))
    if not texts:
        return None
    if all(map(_is_utf8, texts)):
        return UTF_8
    log.warning(
        file,
        "does not say the encoding of its texts, and they are not UTF-8",
        f"read as Windows-1252; where that is wrong, write the right one, such as GB18030, into {shapefile.stem}.cpg "
        "beside it",
    )
    return WINDOWS_1252


def decode_again(attributes: pd.DataFrame, encoding: str) -> pd.DataFrame:
    """Decode texts and names of columns again that GDAL has decoded as Latin-1, which keeps every byte."""

    def decode(value: Any) -> Any:
        # A text that fills its column may end within a character of UTF-8; some bytes mean nothing in Windows-1252.
        errors = "ignore" if encoding == UTF_8 else "replace"
        return value.encode("latin-1").decode(encoding, errors) if isinstance(value, str) else value

    decoded = attributes.copy()
    for name, column in attributes.items():
        if not pd.api.types.is_numeric_dtype(column):
            decoded[name] = column.map(decode)
    return decoded.rename(columns=decode)


def _texts_beyond_ascii(table: Path) -> Iterator[bytes]:
    """Find the texts in a `.dbf` file, names of columns included, that have bytes other than ASCII.

    Yields none if the file declares its encoding. A text may be repeated.
    """
    with table.open("rb") as handle:
        head = handle.read(HEADER_BYTES)
        if len(head) < HEADER_BYTES or head[29] not in UNSAID_DRIVERS:
            return
        begin, width = (int.from_bytes(head[at : at + 2], "little") for at in (8, 10))
        fields = _fields(handle.read(max(begin - HEADER_BYTES, 0)))
        yield from (name for name, _, _ in fields if not name.isascii())
        columns, start = [], 1  # the first byte of a row is the mark of deleted rows
        for _, kind, length in fields:
            if kind == b"C":
                columns.append(slice(start, start + length))
            start += length
        while width and (block := handle.read(max(BYTES_AT_ONCE // width, 1) * width)):
            rows = np.frombuffer(block[: len(block) // width * width], np.uint8).reshape(-1, width)
            for column in columns:
                texts = rows[:, column]
                yield from {row.tobytes() for row in texts[(texts >= 0x80).any(axis=1)]}


def _fields(header: bytes) -> list[tuple[bytes, bytes, int]]:
    """Name, kind and length in bytes of each column of a `.dbf` file.

    Args:
        header: the descriptions of the columns, `FIELD_BYTES` each. The length is one byte, but two for texts.
    """
    found = []
    for start in range(0, len(header) - FIELD_BYTES + 1, FIELD_BYTES):
        field = header[start : start + FIELD_BYTES]
        if field[0] == END_OF_FIELDS:
            break
        kind = field[11:12]
        length = field[16] + (field[17] << 8 if kind == b"C" else 0)
        found.append((field[:11].partition(b"\0")[0], kind, length))
    return found


def _is_utf8(text: bytes) -> bool:
    """Whether a text is UTF-8; it may end within a character, because long texts are cut by the column's width."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text.rstrip(b"\0"))
    except UnicodeDecodeError:
        return False
    return True
