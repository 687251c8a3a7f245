"""Put the review server together: routes, error answers and the page, wrapped in compression and security."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from tsmu.server.change_feed import ChangeFeed
from tsmu.server.context import ServerContext
from tsmu.server.errors import ERROR_RESPONSES, add_error_handlers
from tsmu.server.latest_shifts import LatestShifts
from tsmu.server.middleware import HeadAsGet, SecurityMiddleware
from tsmu.server.page_files import PageFiles
from tsmu.server.query_parameters import DEFAULT_PAGE, MAX_PAGE
from tsmu.server.routes import ROUTERS
from tsmu.server.tiles import LandslideBoxCache, TileCache

PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_NOT_BUILT = "The review page is not built: run `make page` in the source checkout. The API is at /docs."
COMPRESS_FROM_BYTES = 1000  # a smaller answer fits into one network packet without compression, too
DESCRIPTION = (
    "Look at landslides before and after, and decide. All geometry is in degrees, longitude first (EPSG:4326). "
    "A write is JSON with the header X-Tsmu; with tokens every request carries Authorization: Bearer TOKEN. "
    'What is refused answers {"error": "what, where, what to do"}.'
)


def make_app(context: ServerContext, page_folder: Path = PAGE_FOLDER) -> ASGIApp:
    """Make the review server, an ASGI application that any ASGI server such as uvicorn runs.

    Args:
        context: the database and workspace that the server serves, and the users who have access.
        page_folder: the folder of the built review page; if it has no index.html, `/` answers how to build it.

    Example:
        >>> from starlette.testclient import TestClient
        >>> app = make_app(ServerContext(database, workspace))
        >>> client = TestClient(app, base_url="http://localhost")
        >>> client.get("/api/queue").json()["progress"]["total"]
        12
    """
    app = FastAPI(
        title="tsmu review", version=version("tsmu"), description=DESCRIPTION, docs_url=None, redoc_url=None,
        responses=ERROR_RESPONSES,
    )  # fmt: skip
    app.state.context = context
    app.state.latest_shifts = LatestShifts()
    app.state.tile_cache = TileCache()
    app.state.change_feed = ChangeFeed(context)
    app.state.landslide_boxes = LandslideBoxCache(context.database)
    for router in ROUTERS:
        app.include_router(router)
    _describe_page_size(app)
    add_error_handlers(app)
    if (page_folder / "index.html").is_file():
        app.mount("/", PageFiles(page_folder), name="page")
    else:
        app.add_api_route("/", lambda: PlainTextResponse(f"{PAGE_NOT_BUILT}\n"), include_in_schema=False)
    # GZipMiddleware itself leaves pictures and server-sent events uncompressed.
    compressing = GZipMiddleware(HeadAsGet(app, "/ogc"), minimum_size=COMPRESS_FROM_BYTES, compresslevel=6)
    return SecurityMiddleware(compressing, context)


def _describe_page_size(app: FastAPI) -> None:
    """Add the parameter `limit` of `/ogc` to the shared parameters of the OpenAPI document.

    QGIS reads from there how many landslides it may request at once; without it, QGIS requests 100.
    """
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        schema = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}
        document["components"]["parameters"] = {"limit": {"name": "limit", "in": "query", "schema": schema}}
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documentation extends the document in this way
