"""The route of heights from the elevation model, such as those along a line that a reviewer measures.

The functions that read heights are imported at the first request, so that the server starts faster.
"""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel

from tsmu import imagery
from tsmu.server.context import Context
from tsmu.server.errors import RequestError
from tsmu.server.query_parameters import read_line

router = APIRouter(prefix="/api", tags=["scenes"])


class ElevationsAnswer(BaseModel):
    """The heights at the corners of a line.

    Attributes:
        elevations: heights in metres, one for each corner; null where the elevation model has no data.
    """

    elevations: list[float | None]


@router.get("/elevations")
def elevations(
    context: Context,
    line: Annotated[str, Query(description="longitude,latitude,... of one corner or more, degrees", max_length=8000)],
) -> ElevationsAnswer:
    """Read the heights at the corners of a line from the elevation model with which the server was started."""
    if context.dem is None:
        raise RequestError(404, "elevations: this server has none; start it with: tsmu serve --dem FILE")
    heights = imagery.elevations_at(context.dem, np.array(read_line(line, "line", 1)))
    return ElevationsAnswer(elevations=[None if np.isnan(height) else round(float(height), 2) for height in heights])
