"""Ids of inventories: kept as text, checked for damage by spreadsheets, and made unique."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

ROUNDED_NUMBER = r"[+-]?\d(?:[.,]\d+)?[eE]\+\d+"


def rounded_by_spreadsheet(ids: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which ids (N,) a spreadsheet has turned into a rounded number such as 2.01001E+11."""
    return ids.str.fullmatch(ROUNDED_NUMBER).to_numpy(bool)


def repeated_ids(ids: pd.Series) -> dict[int, int]:
    """Find the positions of ids that occurred before, each with the position of its first occurrence; not empty ids.

    Example:
        >>> repeated_ids(pd.Series(["a", "", "a", ""]))
        {2: 0}
    """
    first: dict[str, int] = {}
    repeated: dict[int, int] = {}
    for position, text in enumerate(ids):
        if text and first.setdefault(text, position) != position:
            repeated[position] = first[text]
    return repeated


def unique_ids(ids: Sequence[str]) -> list[str]:
    """Make ids unique: of equal ones the second gets ~2, the third ~3, in the order of the file.

    Example:
        >>> unique_ids(["a", "b", "a"])
        ['a', 'b', 'a~2']
    """
    used, count, unique = set(ids), dict[str, int](), []
    for text in ids:
        count[text] = count.get(text, 0) + 1
        candidate = text
        while count[text] > 1 and (candidate := f"{text}~{count[text]}") in used:
            count[text] += 1
        used.add(candidate)
        unique.append(candidate)
    return unique


def content_id(*parts: object) -> str:
    """Make an id (16 hex digits) from an event's content, for files whose own ids mean nothing outside the file."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:16]
