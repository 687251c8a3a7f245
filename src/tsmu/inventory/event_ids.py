"""Ids of inventories: kept as text, and what spreadsheets did to them."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

DESTROYED = r"[+-]?\d(?:[.,]\d+)?[eE]\+\d+"


def rounded_by_spreadsheet(ids: pd.Series) -> npt.NDArray[np.bool_]:
    """Whether a spreadsheet turned an id into a rounded number such as 2.01001E+11."""
    return ids.str.fullmatch(DESTROYED).to_numpy(bool)


def repeated_ids(ids: pd.Series) -> dict[int, int]:
    """Positions of ids that stood before, with the position where they stood first; blanks aside."""
    first: dict[str, int] = {}
    found: dict[int, int] = {}
    for position, text in enumerate(ids):
        if text and first.setdefault(text, position) != position:
            found[position] = first[text]
    return found


def unique_ids(ids: Sequence[str]) -> list[str]:
    """Make ids unique: the second of a kind gets ~2, the third ~3, in the order of the file."""
    taken, count, unique = set(ids), dict[str, int](), []
    for text in ids:
        count[text] = count.get(text, 0) + 1
        candidate = text
        while count[text] > 1 and (candidate := f"{text}~{count[text]}") in taken:
            count[text] += 1
        taken.add(candidate)
        unique.append(candidate)
    return unique


def content_id(*parts: object) -> str:
    """Name an event by what it says, where its file has no ids that mean something elsewhere."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:16]
