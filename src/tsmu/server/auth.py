"""Users of the review server: their names, roles and access tokens."""

import hashlib
import hmac
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from tsmu.errors import ReviewError

MIN_TOKEN_LENGTH = 32  # characters: 128 bits in hexadecimal


class Role(StrEnum):
    """What a user may do: viewers look, reviewers also decide, adjudicators also settle disputes of blind reviews."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADJUDICATOR = "adjudicator"


@dataclass(frozen=True)
class User:
    """The user who sends a request.

    Attributes:
        name: the user's name in every record that he or she writes; None on a server without tokens, where each
            request can name a reviewer.
        role: the role, which decides what the user may do.
    """

    name: str | None
    role: Role


@dataclass(frozen=True)
class TokenFile:
    """The users of a token file.

    Attributes:
        users: the users by the SHA-256 digest of their tokens; the tokens themselves are not kept.

    Example:
        >>> path = Path("tokens")
        >>> _ = path.write_text(f"eva reviewer {'a1' * 16}  # a comment")
        >>> path.chmod(0o600)
        >>> tokens = TokenFile.read(path)
        >>> tokens.user_of("a1" * 16)
        User(name='eva', role=<Role.REVIEWER: 'reviewer'>)
    """

    users: dict[bytes, User]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a token file: one line `NAME viewer|reviewer|adjudicator TOKEN` for each user; # begins a comment.

        Raises:
            ReviewError: the file cannot be read, other users of the machine can read it, or a line is wrong.
        """
        users: dict[bytes, User] = {}
        for number, line in enumerate(_read_private_lines(path), start=1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            where = f"{path}, line {number}"
            if len(words) != 3 or words[1] not in list(Role):
                raise ReviewError(f"{where}: not NAME viewer|reviewer|adjudicator TOKEN; correct it")
            name, role, token = words
            if len(token) < MIN_TOKEN_LENGTH:
                raise ReviewError(
                    f"{where}: the token has fewer than {MIN_TOKEN_LENGTH} characters; make one with: "
                    "python -c 'import secrets; print(secrets.token_hex())'"
                )
            if _digest(token) in users or name in {user.name for user in users.values()}:
                raise ReviewError(f"{where}: name or token is on an earlier line too; give each user one of each")
            users[_digest(token)] = User(name, Role(role))
        if not users:
            raise ReviewError(f"{path}: names no users; write one line NAME viewer|reviewer|adjudicator TOKEN for each")
        return cls(users)

    def user_of(self, token: str) -> User | None:
        """Find the user who has a token; None if nobody has it.

        The token is compared with those of all users, in constant time, so that a guesser learns nothing from the time
        that an answer takes.
        """
        digest, user = _digest(token), None
        for known_digest, known_user in self.users.items():
            if hmac.compare_digest(known_digest, digest):
                user = known_user
        return user


def _read_private_lines(path: Path) -> list[str]:
    """Read the lines of a file, and refuse it if anybody but its owner may read or write it."""
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise ReviewError(f"{path}: others can read these tokens; run: chmod 600 {path}")
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(f"{path}: cannot be read ({error}); give a file of tokens") from None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
