"""The review server: it gives the browser's page imagery and landslides, and stores the decisions made on the page.

Other subpackages import only the names listed here; each is loaded when it is first used. A request passes
through middleware, app and routes; these use the other modules:

    middleware        checks whether the request is safe (host, origin, size, rate); adds security headers to the answer
    app               the application: routes, error answers, the built page (page_files), compression
    routes            one module per group of addresses; each takes parameters and answers JSON, GeoJSON, tiles or files
    tiles             renders map tiles: landslides as vector tiles, rasters of scenes as pictures
    ogc               coordinate reference systems and HTML pages of OGC API - Features
    query_parameters, schemas   read the parameters and the JSON bodies of requests
    geojson           writes rows of the database as JSON and GeoJSON
    change_feed       sends changes of the database to all pages that listen
    latest_shifts     keeps a late request from replacing a newer shift of a scene's images
    context, auth     the database, workspace and settings that every route gets; users, roles and tokens
    errors            logs refused requests and answers them as JSON

This server serves everything that the page needs. The page loads nothing from other sites but the tiles of a base map
(`basemap`), if there is one.

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

_NAMES = {  # the public names, by the module that defines them
    "app": "PAGE_FOLDER PAGE_NOT_BUILT make_app",
    "basemap": "BaseMap",
    "context": "ServerContext",
    "auth": "TokenFile",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
