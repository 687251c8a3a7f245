"""The review server: imagery and landslides for the page in the browser, and the decisions made there.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
A request goes one way through the room:

    middleware        is the request safe: host, origin, size, rate; security headers on the answer
    app               the application: routes, error answers, the built page
    routes            one module per group of addresses: parameters in, JSON, GeoJSON, tiles or files out
    tiles             what map tiles show: landslides as vector tiles, rasters of scenes as pictures
    query_parameters, schemas, geojson   conditions and bodies of requests in, rows of the database out
    context, auth     the database, workspace and settings that every route gets; users, roles and tokens
    errors            refused requests: logged, and answered as JSON

Everything that the page needs is served from here; it loads nothing from other sites.

Example:
    >>> from tsmu import server
    >>> app = server.make_app(server.ServerContext(database, workspace, write=True))  # for uvicorn.run(app)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsmu.server.app import PAGE_FOLDER, PAGE_NOT_BUILT, make_app
    from tsmu.server.auth import TokenFile
    from tsmu.server.context import ServerContext

__all__ = ["PAGE_FOLDER", "PAGE_NOT_BUILT", "ServerContext", "TokenFile", "make_app"]

_PLACES = {
    "PAGE_FOLDER": "app",
    "PAGE_NOT_BUILT": "app",
    "ServerContext": "context",
    "TokenFile": "auth",
    "make_app": "app",
}


def __getattr__(name: str) -> Any:
    """Load a name of the face when it is first asked for, so that importing the room costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
