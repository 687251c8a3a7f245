"""What every request needs: the database, the workspace, and what the server may do."""

import getpass
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from tsmu.database import Database
from tsmu.server.auth import People, Person, Role
from tsmu.workspace_folder import WorkspaceFolder

log = logging.getLogger("tsmu.server")


class Refused(Exception):  # noqa: N818 - a name that reads as what it is
    """A request that is not done; told to whoever asked, and logged."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Desk:
    """One server's settings.

    Attributes:
        records: the open database.
        space: the workspace, whose maps and images are shown.
        write: whether decisions are taken at all.
        people: who has a token; None on this machine alone, where nobody needs one.
        hosts: names under which the server may be called; empty: any, which only tokens make safe.
        dem: elevations for the hillshade.
        reviewer: who decides where nobody says so.
    """

    records: Database
    space: WorkspaceFolder
    write: bool = False
    people: People | None = None
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    dem: Path | None = None
    reviewer: str = field(default_factory=getpass.getuser)

    def person(self, request: Request) -> Person:
        """Who asks.

        Raises:
            Refused: nobody known.
        """
        if self.people is None:
            return Person(None, Role.REVIEWER if self.write else Role.VIEWER)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        found = self.people.of(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise Refused(401, "needs a valid token: Authorization: Bearer TOKEN")
        return found


def desk_of(request: Request) -> Desk:
    """The server's settings, for somebody who may look.

    Raises:
        Refused: the token is missing or wrong.
    """
    desk: Desk = request.app.state.desk
    desk.person(request)
    return desk


def reviewer_of(request: Request) -> Person:
    """Whoever asks, if they may decide.

    Raises:
        Refused: the server is read-only, or they may only look.
    """
    desk: Desk = request.app.state.desk
    if not desk.write:
        raise Refused(403, "this server is read-only; start it with: tsmu serve --write")
    person = desk.person(request)
    if person.role != Role.REVIEWER:
        raise Refused(403, f"{person.name} may look but not decide")
    return person


def named(desk: Desk, person: Person, said: str | None) -> str:
    """Whose name a write carries: the token's; without tokens what is said.

    Raises:
        Refused: somebody writes in another's name.
    """
    if person.name is None:
        return said or desk.reviewer
    if said not in (None, person.name):
        raise Refused(403, f"{person.name} may not decide in another's name")
    return person.name


TheDesk = Annotated[Desk, Depends(desk_of)]
Reviewer = Annotated[Person, Depends(reviewer_of)]
