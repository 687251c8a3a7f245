"""The table of a report's imagery: one row per scene if there are few, else one per day, else one per side."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsmu.situation.inputs import SIDES
from tsmu.situation.numbers import counted_text, days_text, percent_text
from tsmu.situation.pictures.style import plain_text

MOST_ROWS = 8  # the most rows that the table of imagery may have


@dataclass(frozen=True)
class ImageryRow:
    """One row of the table: one scene, or all scenes of one day, or all scenes of one side. All fields are text.

    Attributes:
        side: `before` or `after`.
        day: the day, or the first and last day, as people write them.
        collection: the name that the STAC catalogue gives to the collection.
        scenes: the id of the scene, or the number of scenes.
        cloud: the cloud cover in percent, or its lowest and highest value.
        share: the share of the area for which the scene was used, or the largest such share.
    """

    side: str
    day: str
    collection: str
    scenes: str
    cloud: str
    share: str


def imagery_rows(sources: pd.DataFrame) -> list[ImageryRow]:
    """The rows of the table: by scene, else by day, else by side; the first that has no more than `MOST_ROWS` rows.

    Args:
        sources: the scenes that were used, as `used_sources` gives them.
    """
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
