"""The routes of the review server, one module per group of addresses; `ROUTERS` has the order of the API's pages."""

from tsmu.server.routes import (
    changes,
    dashboard,
    decisions,
    documentation,
    elevations,
    landslides,
    ogc,
    outlines,
    queue,
    scenes,
    tiles,
)

ROUTERS = tuple(
    module.router
    for module in (
        landslides,
        queue,
        decisions,
        outlines,
        changes,
        tiles,
        scenes,
        elevations,
        dashboard,
        ogc,
        documentation,
    )
)

__all__ = ["ROUTERS"]
