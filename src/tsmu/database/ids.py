"""Ids: UUIDs of version 7 for what is new, of version 5 for what is the same everywhere."""

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
_VERSION_5, _VERSION_7, _VARIANT = 0x50, 0x70, 0x80


def content_id(*parts: object) -> str:
    """A UUID that is the same for the same content, in every database."""
    digest = _sha1(_CONTENT.bytes + _AS_JSON(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def outline_ids(of: str, outlines: Iterable[bytes]) -> npt.NDArray[np.object_]:
    """Ids of observations: the same for the same outline of the same run or inventory, in every database.

    Args:
        of: what the outlines are from, such as a run's id.
        outlines: as WKB; of several equal ones the second and later ones get ids of their own.
    """
    begin = _CONTENT.bytes + f"observation {of} ".encode()
    wholes = [begin + outline for outline in outlines]
    digests = [_sha1(whole).digest() for whole in wholes]
    if len(set(digests)) < len(digests):
        times: dict[bytes, int] = {}
        for position, key in enumerate(digests):
            if again := times.setdefault(key, 0):
                digests[position] = _sha1(wholes[position] + str(again).encode()).digest()
            times[key] += 1
    return _uuid_texts(b"".join([digest[:16] for digest in digests]), _VERSION_5)


def landslide_ids(observation_ids: Iterable[str]) -> npt.NDArray[np.object_]:
    """Ids of landslides: `content_id("landslide", ID)` of each one's first observation."""
    before, after = _AS_JSON(("landslide", "@")).encode().split(b"@")
    begin = _CONTENT.bytes + before
    return _uuid_texts(
        b"".join([_sha1(begin + one.encode() + after).digest()[:16] for one in observation_ids]), _VERSION_5
    )


def new_ids(count: int) -> npt.NDArray[np.object_]:
    """New UUIDs in ascending order: by the time first (RFC 9562, 5.7), which an index takes in fastest."""
    octets = np.frombuffer(secrets.token_bytes(16 * count), np.uint8).reshape(count, 16).copy()
    octets[:, :6] = np.frombuffer((time.time_ns() // 1_000_000).to_bytes(6, "big"), np.uint8)
    return np.sort(_uuid_texts(octets.tobytes(), _VERSION_7))


def _uuid_texts(random: bytes, version: int) -> npt.NDArray[np.object_]:
    """UUIDs as text, from 16 octets each."""
    octets = np.frombuffer(random, np.uint8).reshape(-1, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | version
    octets[:, 8] = octets[:, 8] & 0x3F | _VARIANT
    digits = np.frombuffer(octets.tobytes().hex().encode(), np.uint8).reshape(-1, 32)
    text = np.insert(digits, [8, 12, 16, 20], ord("-"), axis=1)
    return np.ascontiguousarray(text).view("S36").ravel().astype("U36").astype(object)
