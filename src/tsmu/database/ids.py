"""Ids: UUIDs of version 7 for what is new, of versions 5 and 8 for what is the same everywhere."""

import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Iterable
from functools import partial

import numpy as np
import numpy.typing as npt

_CONTENT = uuid.UUID("6b0f0f0e-6f0c-5f0a-9d55-7a3d2c1f6f52")  # the name space of ids that are made of content
_sha1 = partial(hashlib.sha1, usedforsecurity=False)
_AS_JSON = json.JSONEncoder(default=str).encode
_VERSION_7, _VERSION_8, _VARIANT = 0x70, 0x80, 0x80
_COMMON_OCTETS, _COMMON_DIGITS = 4, 8  # beginning of an id that all observations of a run and their landslides share


def content_id(*parts: object) -> str:
    """A UUID that is the same for the same content, in every database."""
    digest = _sha1(_CONTENT.bytes + _AS_JSON(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def outline_ids(of: str, outlines: Iterable[bytes]) -> npt.NDArray[np.object_]:
    """Ids of observations: the same for the same outline of the same run or inventory, in every database.

    They begin with eight digits that the run or inventory decides, so all of them lie together in an index: beside
    a million others, 100,000 go in as fast as into an empty one.

    Args:
        of: what the outlines are from, such as a run's id.
        outlines: as WKB; of several equal ones the second and later ones get ids of their own.

    Example:
        >>> first, second = outline_ids("a run's id", [shapely.box(7, 46, 8, 47).wkb, shapely.box(8, 46, 9, 47).wkb])
        >>> first[:9] == second[:9], first == second
        (True, False)
    """
    begin = _CONTENT.bytes + f"observation {of} ".encode()
    contents = [begin + outline for outline in outlines]
    digests = [_sha1(content).digest() for content in contents]
    if len(set(digests)) < len(digests):
        earlier_counts: dict[bytes, int] = {}  # how often each digest has occurred so far
        for position, digest in enumerate(digests):
            if count := earlier_counts.setdefault(digest, 0):
                digests[position] = _sha1(contents[position] + str(count).encode()).digest()
            earlier_counts[digest] += 1
    common = _sha1(begin).digest()[:_COMMON_OCTETS]
    return _uuid_texts(b"".join([common + digest[_COMMON_OCTETS:16] for digest in digests]), _VERSION_8)


def landslide_ids(observation_ids: Iterable[str]) -> npt.NDArray[np.object_]:
    """Ids of landslides: made of each one's first observation, and with the same eight digits at the beginning.

    Example:
        >>> landslide_ids(["3f29c1d0-8a44-8d3e-9b0c-52d1f6a7e018"])[0][:9]
        '3f29c1d0-'
    """
    observed = list(observation_ids)
    begin = _CONTENT.bytes + b"landslide "
    texts = _uuid_texts(b"".join([_sha1(begin + one.encode()).digest()[:16] for one in observed]), _VERSION_8)
    made = [one[:_COMMON_DIGITS] + text[_COMMON_DIGITS:] for one, text in zip(observed, texts, strict=True)]
    return np.array(made, dtype=object)


def new_ids(count: int) -> npt.NDArray[np.object_]:
    """New UUIDs in ascending order: by the time first (RFC 9562, 5.7), which an index takes in fastest."""
    octets = np.frombuffer(secrets.token_bytes(16 * count), np.uint8).reshape(count, 16).copy()
    octets[:, :6] = np.frombuffer((time.time_ns() // 1_000_000).to_bytes(6, "big"), np.uint8)
    return np.sort(_uuid_texts(octets.tobytes(), _VERSION_7))


def _uuid_texts(content: bytes, version: int) -> npt.NDArray[np.object_]:
    """UUIDs as text, from 16 octets each, in which the bits of version and variant are set (RFC 9562, 4).

    Args:
        content: the octets of all UUIDs, one after the other.
        version: as the upper half of octet 6.
    """
    octets = np.frombuffer(content, np.uint8).reshape(-1, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | version
    octets[:, 8] = octets[:, 8] & 0x3F | _VARIANT
    digits = np.frombuffer(octets.tobytes().hex().encode(), np.uint8).reshape(-1, 32)
    text = np.insert(digits, [8, 12, 16, 20], ord("-"), axis=1)
    return np.ascontiguousarray(text).view("S36").ravel().astype("U36").astype(object)
