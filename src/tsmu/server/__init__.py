"""The review server: imagery and landslides for the page in the browser, and the decisions made there.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
A request goes one way through the room:

    middleware        is the request safe: host, origin, size, rate; security headers on the answer
    app               the application: routes, error answers, the built page (page_files), compression
    routes            one module per group of addresses: parameters in, JSON, GeoJSON, tiles or files out
    tiles             what map tiles show: landslides as vector tiles, rasters of scenes as pictures
    query_parameters, schemas, geojson   conditions and bodies of requests in, rows of the database out
    change_feed       what changes in the database, told to all who listen
    context, auth     the database, workspace and settings that every route gets; users, roles and tokens
    errors            refused requests: logged, and answered as JSON

Everything that the page needs is served from here; it loads nothing from other sites but the tiles of a
base map (basemap), if there is one.

Example:
    >>> from tsmu import server
    >>> app = server.make_app(server.ServerContext(database, workspace, write=True))  # for uvicorn.run(app)
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.server.app import PAGE_FOLDER, PAGE_NOT_BUILT, make_app
    from tsmu.server.auth import TokenFile
    from tsmu.server.basemap import BaseMap
    from tsmu.server.context import ServerContext

__all__ = ["PAGE_FOLDER", "PAGE_NOT_BUILT", "BaseMap", "ServerContext", "TokenFile", "make_app"]

_NAMES = {  # by the module that has them
    "app": "PAGE_FOLDER PAGE_NOT_BUILT make_app",
    "basemap": "BaseMap",
    "context": "ServerContext",
    "auth": "TokenFile",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
