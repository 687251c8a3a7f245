"""What every route needs: the database, the workspace, the server's settings, and the user who sends the request."""

import getpass
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers

from tsmu.database import BlindView, Database
from tsmu.server.auth import Role, TokenFile, User
from tsmu.server.basemap import BaseMap
from tsmu.server.errors import RequestError
from tsmu.workspace_folder import WorkspaceFolder


@dataclass(frozen=True)
class ServerContext:
    """The data that a review server serves, its settings, and its users.

    Attributes:
        database: the landslide database, which stays open while the server runs.
        workspace: the workspace whose maps and images are shown.
        write: whether decisions are accepted; otherwise the server is read-only.
        tokens: the users who have access, with their tokens; None gives access to everybody who can reach the
            server, which is safe on the loopback interface only.
        hosts: host names by which requests may address the server, against DNS rebinding; if empty, any name may be
            used, which is safe only with tokens.
        dem: a raster of elevations in metres, for the hillshade and for heights along a line.
        reviewer: the name that is stored with decisions whose request names nobody.
        judges: number of people who judge each landslide in a blind review; None if the review is not blind, so that
            everybody sees what others decide.
        basemap: the map below the images; its tiles are all that the page may load from another site.
        stopping: is set when the server ends, so that endless streams of events end, too.

    Example:
        >>> context = ServerContext(database, workspace, reviewer="eva")
        >>> context.write
        False
    """

    database: Database
    workspace: WorkspaceFolder
    write: bool = False
    tokens: TokenFile | None = None
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    dem: Path | None = None
    reviewer: str = field(default_factory=getpass.getuser)
    basemap: BaseMap | None = None
    judges: int | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def user_of(self, request: Request) -> User:
        """Find the user who sends a request.

        Raises:
            RequestError: the request has no valid token, and the server asks for one.
        """
        if self.tokens is None:
            # A blind review has to know each user, so without tokens the server is for one person, the reviewer.
            name = None if self.judges is None else self.reviewer
            return User(name, Role.REVIEWER if self.write else Role.VIEWER)
        token = bearer_token(request.headers)
        user = None if token is None else self.tokens.user_of(token)
        if user is None:
            raise RequestError(401, "needs a valid token: Authorization: Bearer TOKEN")
        return user

    def what_may_be_seen(self, user: User) -> BlindView | None:
        """Describe what a user may see of the decisions of others; None if the review is not blind and all is visible.

        Every query whose result shows decisions must be given this view. Routes get it as the parameter `View`, or as
        the attribute `view` of the filters of `FiltersQuery`.

        Example:
            >>> context = ServerContext(database, workspace, write=True, reviewer="eva", judges=2)
            >>> context.what_may_be_seen(User("jo", Role.ADJUDICATOR))
            BlindView(person='jo', adjudicates=True)
        """
        if self.judges is None:
            return None
        return BlindView(user.name or self.reviewer, user.role == Role.ADJUDICATOR)


def bearer_token(headers: Headers) -> str | None:
    """The token in the `Authorization` header of a request; None if there is none.

    Example:
        >>> bearer_token(Headers({"Authorization": "Bearer a1b2"}))
        'a1b2'
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def get_context(request: Request) -> ServerContext:
    """Check the token of a request and return the server's context; the FastAPI dependency of routes that read.

    Raises:
        RequestError: the token is missing or wrong.
    """
    context: ServerContext = request.app.state.context
    context.user_of(request)
    return context


def get_view(request: Request) -> BlindView | None:
    """What the user of a request may see of the decisions of others; the dependency of routes that show decisions.

    Raises:
        RequestError: the token is missing or wrong.
    """
    context: ServerContext = request.app.state.context
    return context.what_may_be_seen(context.user_of(request))


def get_reviewer(request: Request) -> User:
    """The user who sends a request and may decide, a reviewer or adjudicator; the dependency of routes that write.

    Raises:
        RequestError: the server is read-only, the token is missing or wrong, or the user is a viewer.
    """
    context: ServerContext = request.app.state.context
    if not context.write:
        raise RequestError(403, "this server is read-only; start it with: tsmu serve --write")
    user = context.user_of(request)
    if user.role == Role.VIEWER:
        raise RequestError(403, f"{user.name} may look but not decide")
    return user


def record_author(context: ServerContext, user: User, by: str | None) -> str:
    """Choose the author of a record: the user to whom the token belongs, or without tokens the name in the request.

    Args:
        context: the server's context; its reviewer is the author if neither of the two is known.
        user: the user who sends the request.
        by: the name in the body of the request, if there is one.

    Raises:
        RequestError: the request names another person than the user to whom the token belongs.
    """
    if user.name is None:
        return by or context.reviewer
    if by not in (None, user.name):
        raise RequestError(403, f"{user.name} may not decide in another's name")
    return user.name


Context = Annotated[ServerContext, Depends(get_context)]
View = Annotated[BlindView | None, Depends(get_view)]
Reviewer = Annotated[User, Depends(get_reviewer)]
