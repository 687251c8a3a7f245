"""The imagery of a report as a table: scene by scene while they are few, by day when they are many."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsmu.situation.inputs import SIDES
from tsmu.situation.numbers import counted_text, days_text, percent_text
from tsmu.situation.pictures.style import plain_text

MOST_ROWS = 8


@dataclass(frozen=True)
class ImageryRow:
    """One scene, or the scenes of one day or of several days.

    Attributes:
        side: before or after.
        day: as people write it.
        collection: the catalogue's.
        scenes: the id of one, or how many.
        cloud: cloud cover.
        share: of the area for which they were used.
    """

    side: str
    day: str
    collection: str
    scenes: str
    cloud: str
    share: str


def imagery_rows(sources: pd.DataFrame) -> list[ImageryRow]:
    """The rows of the table: by scene, else by day, else by side, whatever is few enough."""
    by_scene = [part for _, part in sources.groupby(np.arange(len(sources)))]
    by_day = [part for _, part in sources.groupby(["side", "day", "collection"], sort=False, dropna=False)]
    by_side = [part for _, part in sources.groupby(["side", "collection"], sort=False, dropna=False)]
    groups = next((rows for rows in (by_scene, by_day) if len(rows) <= MOST_ROWS), by_side[:MOST_ROWS])
    return [_row(part) for part in groups]


def _row(part: pd.DataFrame) -> ImageryRow:
    days = part["day"].dropna()
    clouds = part["cloud_cover"].dropna() / 100
    low, high = (percent_text(float(value)) for value in (clouds.min(), clouds.max())) if len(clouds) else ("-", "-")
    shares = part["share"].dropna()
    return ImageryRow(
        side=SIDES[part["side"].iloc[0]],
        day=days_text(days.min(), days.max()) if len(days) else "day not known",
        collection=plain_text(part["collection"].iloc[0], 30),
        scenes=plain_text(part["item_id"].iloc[0], 64) if len(part) == 1 else counted_text(len(part), "scene"),
        cloud=low if low == high else f"{low} to {high}",
        share=percent_text(float(shares.max())) if len(shares) == 1 else _shares(shares),
    )


def _shares(shares: pd.Series) -> str:
    """Give the largest share of several scenes, as text; their sum would mean nothing, because scenes overlap."""
    return f"up to {percent_text(float(shares.max()))} each" if len(shares) else "-"
