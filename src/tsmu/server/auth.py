"""Who may look and who may decide: names, roles and tokens."""

import hashlib
import hmac
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from tsmu.errors import ReviewError

LEAST_TOKEN = 32  # characters: 128 bits in hexadecimal


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"


@dataclass(frozen=True)
class Person:
    """Somebody who asks.

    Attributes:
        name: goes into every record that is written; None on this machine, where everybody may say.
        role: what they may do.
    """

    name: str | None
    role: Role


@dataclass(frozen=True)
class People:
    """Everybody who has a token, by the token's SHA-256."""

    known: dict[bytes, Person]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a token file: one line per person, `NAME viewer|reviewer TOKEN`; # begins a comment.

        Raises:
            ReviewError: it cannot be read, others can read it, or a line is wrong.
        """
        try:
            if os.name == "posix" and path.stat().st_mode & 0o077:
                raise ReviewError(f"{path}: others can read these tokens; run: chmod 600 {path}")
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ReviewError(f"{path}: cannot be read ({error}); give a file of tokens") from None
        known: dict[bytes, Person] = {}
        for number, line in enumerate(lines, start=1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            if len(words) != 3 or words[1] not in list(Role):
                raise ReviewError(f"{path}, line {number}: not NAME viewer|reviewer TOKEN; correct it")
            name, role, token = words
            if len(token) < LEAST_TOKEN:
                raise ReviewError(
                    f"{path}, line {number}: the token has fewer than {LEAST_TOKEN} characters; make one with: "
                    "python -c 'import secrets; print(secrets.token_hex())'"
                )
            if _digest(token) in known or name in {person.name for person in known.values()}:
                raise ReviewError(f"{path}, line {number}: name or token stands there twice; give each its own")
            known[_digest(token)] = Person(name, Role(role))
        if not known:
            raise ReviewError(f"{path}: names nobody; write one line NAME viewer|reviewer TOKEN each")
        return cls(known)

    def of(self, token: str) -> Person | None:
        """Whose token it is; takes as long whoever's it is."""
        asked, found = _digest(token), None
        for digest, person in self.known.items():
            if hmac.compare_digest(digest, asked):
                found = person
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
