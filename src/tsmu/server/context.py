"""What every route needs: the database, the workspace, the server's settings, and the user who asks."""

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
    """What a review server serves, and to whom.

    Attributes:
        database: open for as long as the server runs.
        workspace: its maps and images are shown.
        write: whether decisions are accepted; otherwise the server is read-only.
        tokens: the users who have access; None where everybody who reaches the server has it, which is
            safe on the loopback interface only.
        hosts: host names that requests may use, against DNS rebinding; empty: any, which only tokens make safe.
        dem: elevations in m, as a raster, for the hillshade.
        reviewer: the name on decisions that name nobody.
        judges: how many people judge each landslide in a blind review; None: everybody sees what others decide.
        basemap: lies below the images; the page may load its tiles, and nothing else from elsewhere.
        stopping: set when the server ends, so that streams which go on for ever end, too.

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
        """The user who sends a request.

        Raises:
            RequestError: the request has no valid token, and the server asks for one.
        """
        if self.tokens is None:  # a blind review has to know who asks: a server without tokens is for one person
            name = None if self.judges is None else self.reviewer
            return User(name, Role.REVIEWER if self.write else Role.VIEWER)
        token = bearer_token(request.headers)
        user = None if token is None else self.tokens.user_of(token)
        if user is None:
            raise RequestError(401, "needs a valid token: Authorization: Bearer TOKEN")
        return user

    def what_may_be_seen(self, user: User) -> BlindView | None:
        """What a user may see of the decisions of others; None: everything, as the review is not blind.

        Everything that tells decisions is asked for with this view: `View` in routes, and `FiltersQuery`, which has it
        as its `view`.

        Example:
            >>> context = ServerContext(database, workspace, write=True, reviewer="eva", judges=2)
            >>> context.what_may_be_seen(User("jo", Role.ADJUDICATOR))
            BlindView(person='jo', adjudicates=True)
        """
        if self.judges is None:
            return None
        return BlindView(user.name or self.reviewer, user.role == Role.ADJUDICATOR)


def bearer_token(headers: Headers) -> str | None:
    """The token in a request's headers, None if it has none.

    Example:
        >>> bearer_token(Headers({"Authorization": "Bearer a1b2"}))
        'a1b2'
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def get_context(request: Request) -> ServerContext:
    """The server's context, for any user with access: the dependency of routes that read.

    Raises:
        RequestError: the token is missing or wrong.
    """
    context: ServerContext = request.app.state.context
    context.user_of(request)
    return context


def get_view(request: Request) -> BlindView | None:
    """What the user who asks may see of the decisions of others: the dependency of routes that tell decisions.

    Raises:
        RequestError: the token is missing or wrong.
    """
    context: ServerContext = request.app.state.context
    return context.what_may_be_seen(context.user_of(request))


def get_reviewer(request: Request) -> User:
    """The user who asks, who must be a reviewer: the dependency of routes that write.

    Raises:
        RequestError: the server is read-only, or the user is a viewer.
    """
    context: ServerContext = request.app.state.context
    if not context.write:
        raise RequestError(403, "this server is read-only; start it with: tsmu serve --write")
    user = context.user_of(request)
    if user.role == Role.VIEWER:
        raise RequestError(403, f"{user.name} may look but not decide")
    return user


def record_author(context: ServerContext, user: User, by: str | None) -> str:
    """The name that a record carries: the token's, or without tokens the one in the request.

    Args:
        context: of the server.
        user: who sends the request.
        by: the name in the request.

    Raises:
        RequestError: the request names somebody other than the token's user.
    """
    if user.name is None:
        return by or context.reviewer
    if by not in (None, user.name):
        raise RequestError(403, f"{user.name} may not decide in another's name")
    return user.name


Context = Annotated[ServerContext, Depends(get_context)]
View = Annotated[BlindView | None, Depends(get_view)]
Reviewer = Annotated[User, Depends(get_reviewer)]
