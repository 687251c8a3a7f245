"""The encoding of a shapefile's texts, where its files do not say it.

A shapefile says it in a `.cpg` file, or in the language driver byte of its `.dbf`; GDAL heeds both. Where neither is
there GDAL takes Latin-1, which makes silent garbage of all other texts.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsmu.issues import IssueLog

UTF_8, WINDOWS_1252 = "UTF-8", "CP1252"
UNSAID_DRIVERS = (0x00, 0x57)  # none, and "ANSI", which is whatever the computer used that wrote the file
HEADER_BYTES, FIELD_BYTES, END_OF_FIELDS = 32, 32, 0x0D
BYTES_AT_ONCE = 1 << 24


def unsaid_encoding(shapefile: Path, file: str, log: IssueLog) -> str | None:
    """Find the encoding of a shapefile's texts by their bytes, where its files do not say it.

    Texts that are all valid UTF-8 are UTF-8; any others are taken for Windows-1252, which is logged.

    Args:
        shapefile: path of the `.shp`.
        file: how messages call it.
        log: takes what is guessed.

    Returns:
        The encoding; None where the files say it, or where it makes no difference.

    Example:
        >>> import geopandas
        >>> towns = geopandas.GeoDataFrame({"name": ["Zürich"]}, geometry=[shapely.Point(8.5, 47.4)], crs=4326)
        >>> towns.to_file("towns.shp")
        >>> Path("towns.cpg").unlink()
        >>> unsaid_encoding(Path("towns.shp"), "towns.shp", log)
        'UTF-8'
    """
    beside = {
        path.suffix.lower(): path
        for path in shapefile.parent.iterdir()
        if path.stem == shapefile.stem and path.suffix.lower() in (".cpg", ".dbf")
    }
    if ".cpg" in beside or ".dbf" not in beside:
        return None
    texts = list(_texts_beyond_ascii(beside[".dbf"]))
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
    """Decode texts, and names of columns, that GDAL took for Latin-1, which keeps every byte."""

    def decode(value: Any) -> Any:
        # What fills its column may end within a character of UTF-8; Windows-1252 has bytes without a meaning.
        errors = "ignore" if encoding == UTF_8 else "replace"
        return value.encode("latin-1").decode(encoding, errors) if isinstance(value, str) else value

    decoded = attributes.copy()
    for name, column in attributes.items():
        if not pd.api.types.is_numeric_dtype(column):
            decoded[name] = column.map(decode)
    return decoded.rename(columns=decode)


def _texts_beyond_ascii(table: Path) -> Iterator[bytes]:
    """The names of columns, and the texts in them, that have other bytes than ASCII, each once; none if it is said."""
    with table.open("rb") as handle:
        head = handle.read(HEADER_BYTES)
        if len(head) < HEADER_BYTES or head[29] not in UNSAID_DRIVERS:
            return
        begin, width = (int.from_bytes(head[at : at + 2], "little") for at in (8, 10))
        fields = _fields(handle.read(max(begin - HEADER_BYTES, 0)))
        yield from (name for name, _, _ in fields if not name.isascii())
        columns, at = [], 1  # the first byte of a row says whether it is deleted
        for _, kind, length in fields:
            if kind == b"C":
                columns.append(slice(at, at + length))
            at += length
        while width and (block := handle.read(max(BYTES_AT_ONCE // width, 1) * width)):
            rows = np.frombuffer(block[: len(block) // width * width], np.uint8).reshape(-1, width)
            for column in columns:
                texts = rows[:, column]
                yield from {row.tobytes() for row in texts[(texts >= 0x80).any(axis=1)]}


def _fields(header: bytes) -> list[tuple[bytes, bytes, int]]:
    """Name, kind and length in bytes of each column; the length of a text has two bytes."""
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
    """Whether a text is UTF-8; one that fills its column may end within a character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text.rstrip(b"\0"))
    except UnicodeDecodeError:
        return False
    return True
