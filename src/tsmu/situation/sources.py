"""The imagery of a situation: which scenes were used, and on which days they were taken."""

from datetime import date

import pandas as pd

from tsmu.situation.inputs import Situation


def used_sources(situation: Situation) -> pd.DataFrame:
    """The rows of `situation.sources` that were used, with a column `day`.

    Scenes before the event (`pre`) come first; within a side the earliest scene comes first. Days, cloud covers and
    shares that cannot be read are missing values.
    """
    table = situation.sources.copy()
    if "left_out" in table:
        reasons = table["left_out"]
        table = table[reasons.isna() | (reasons.astype(str).str.strip() == "")]
    moments = pd.to_datetime(table["datetime"], utc=True, format="ISO8601", errors="coerce")
    table = table.assign(
        day=moments.dt.date,
        cloud_cover=pd.to_numeric(table["cloud_cover"], errors="coerce"),
        share=pd.to_numeric(table["share"], errors="coerce"),
    )
    return table.sort_values(["side", "day", "item_id"], ascending=[False, True, True], ignore_index=True)


def days_of_side(sources: pd.DataFrame, side: str) -> tuple[date, date] | None:
    """First and last day of the imagery of a side (`pre` or `post`); None if no scene of that side has a day."""
    days = sources["day"][(sources["side"] == side) & sources["day"].notna()]
    return (days.min(), days.max()) if len(days) else None
