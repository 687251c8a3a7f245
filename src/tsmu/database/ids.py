"""Ids: UUIDs of version 7 for what is new, of version 5 for what is the same everywhere."""

import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_CONTENT = uuid.UUID("6b0f0f0e-6f0c-5f0a-9d55-7a3d2c1f6f52")  # the name space of ids that are made of content
_AS_JSON = json.JSONEncoder(default=str).encode
_VERSION_5, _VERSION_7, _VARIANT = 0x50, 0x70, 0x80


def content_id(*parts: object) -> str:
    """A UUID that is the same for the same content, in every database."""
    return str(uuid.UUID(bytes=_digest(*parts), version=5))


def _digest(*parts: object) -> bytes:
    """The octets of a UUID of version 5 (RFC 9562, 5.5), before version and variant are set."""
    return hashlib.sha1(_CONTENT.bytes + _AS_JSON(parts).encode(), usedforsecurity=False).digest()[:16]


def outline_ids(of: str, outlines: Iterable[bytes]) -> npt.NDArray[np.object_]:
    """Ids of observations: the same for the same outline of the same run or inventory, in every database.

    Args:
        of: what the outlines are from, such as a run's id.
        outlines: as WKB; of several that are the same the second and later ones are told apart.
    """
    begin = hashlib.sha1(_CONTENT.bytes + f"observation {of} ".encode(), usedforsecurity=False)
    times: dict[bytes, int] = {}
    found = []
    for outline in outlines:
        digest = begin.copy()
        digest.update(outline)
        key = digest.digest()
        if times.setdefault(key, 0):
            digest.update(str(times[key]).encode())
        times[key] += 1
        found.append(digest.digest()[:16])
    return _written(b"".join(found), _VERSION_5)


def landslide_ids(observation_ids: Iterable[str]) -> npt.NDArray[np.object_]:
    """Ids of landslides, each made from the id of its first observation."""
    return _written(b"".join(_digest("landslide", name) for name in observation_ids), _VERSION_5)


def new_ids(count: int) -> npt.NDArray[np.object_]:
    """New UUIDs in ascending order: by the time first (RFC 9562, 5.7), which an index takes in fastest."""
    octets = np.frombuffer(secrets.token_bytes(16 * count), np.uint8).reshape(count, 16).copy()
    octets[:, :6] = np.frombuffer((time.time_ns() // 1_000_000).to_bytes(6, "big"), np.uint8)
    return np.sort(_written(octets.tobytes(), _VERSION_7))


def _written(random: bytes, version: int) -> npt.NDArray[np.object_]:
    """UUIDs as text, of 16 octets each."""
    octets = np.frombuffer(random, np.uint8).reshape(-1, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | version
    octets[:, 8] = octets[:, 8] & 0x3F | _VARIANT
    digits = octets.tobytes().hex()
    found = (digits[start : start + 32] for start in range(0, len(digits), 32))
    return np.array([f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:]}" for d in found], dtype=object)
