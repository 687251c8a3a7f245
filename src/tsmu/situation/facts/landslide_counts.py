"""Counts of landslides by district and by probability, and the classes of size by which they are counted."""

from dataclasses import dataclass

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from tsmu.database import Status
from tsmu.situation.facts.ground import Ground, usable_polygons
from tsmu.situation.inputs import SHOWN, Districts, Situation

OUTSIDE_DISTRICTS = "outside all districts"
SIZE_CLASSES = (0.0, 1_000.0, 10_000.0, 100_000.0, np.inf)  # limits of the classes of size, m²
SIZE_LABELS = ("under 1,000 m²", "1,000 to 10,000 m²", "10,000 to 100,000 m²", "100,000 m² and more")
PROBABILITY_CLASSES = (0.9, 0.7, 0.5, 0.0)  # the lower limit of each class of probability, the highest class first
LARGEST = 10  # how many of the largest landslides get a number on the map and pictures


@dataclass(frozen=True)
class DistrictCount:
    """The landslides shown and the ground seen in one district.

    Attributes:
        name: the district's name.
        landslides: number of landslides; each is counted in the one district in which most of it lies.
        area_m2: total area of these landslides.
        confirmed: how many of these landslides people confirmed.
        seen_share: the share of `ground_m2` that was seen before and after the event, 0 to 1; None if `ground_m2` is
            0.
        ground_m2: area of the district's ground within the situation's area.
    """

    name: str
    landslides: int
    area_m2: float
    confirmed: int
    seen_share: float | None
    ground_m2: float


@dataclass(frozen=True)
class ProbabilityClass:
    """Landslides of one class of probability.

    Attributes:
        low: the lowest probability of the class, 0 to 1; None for the landslides of unknown probability.
        high: the probability below which the class ends (the highest class includes 1); None likewise.
        candidates: number of landslides that nobody has decided on.
        confirmed: number of landslides that people confirmed.
        rejected: number of landslides that people rejected.
        area_m2: total area of the candidates and the confirmed landslides.
    """

    low: float | None
    high: float | None
    candidates: int
    confirmed: int
    rejected: int
    area_m2: float


def largest(situation: Situation) -> geopandas.GeoDataFrame:
    """The ten largest landslides shown, the largest first."""
    return situation.shown().iloc[:LARGEST]


def count_by_district(situation: Situation, ground: Ground) -> list[DistrictCount]:
    """Count the landslides of each district that has ground in the area or a landslide.

    Returns:
        The counts, those with the largest area of landslides first. Landslides that lie in no district are counted as
        `OUTSIDE_DISTRICTS`, which comes last. The list is empty if the situation has no districts.
    """
    if situation.districts is None:
        return []
    shown = situation.shown()
    shown["district"] = _districts_of(shown.geometry.to_numpy(), situation.districts)
    groups = {str(name): rows for name, rows in shown.groupby("district")}
    counts = []
    for name in {*groups, *ground.district_m2}:
        rows = groups.get(name, shown.iloc[:0])
        all_m2 = ground.district_m2.get(name, 0.0)
        if not len(rows) and not all_m2:
            continue
        seen = ground.district_seen_m2[name] / all_m2 if all_m2 else None
        confirmed = int((rows["status"] == Status.CONFIRMED).sum())
        counts.append(DistrictCount(name, len(rows), float(rows["area_m2"].sum()), confirmed, seen, all_m2))
    return sorted(counts, key=lambda row: (row.name == OUTSIDE_DISTRICTS, -row.area_m2, -row.ground_m2, row.name))


def district_rows(counts: list[DistrictCount], most: int) -> tuple[list[DistrictCount], DistrictCount | None]:
    """Shorten a table of districts to a number of rows.

    Args:
        counts: the rows, as `count_by_district` gives them.
        most: how many rows the table may have, including the one that sums up.

    Returns:
        The rows that are shown, among them always the one of `OUTSIDE_DISTRICTS`; and a row with the sum of all
        others, None if no rows are left out.
    """
    if len(counts) <= most:
        return counts, None
    outside = [row for row in counts if row.name == OUTSIDE_DISTRICTS]
    inside = [row for row in counts if row.name != OUTSIDE_DISTRICTS]
    shown, others = inside[: most - 1 - len(outside)], inside[most - 1 - len(outside) :]
    ground = sum(row.ground_m2 for row in others)
    seen = sum(row.ground_m2 * (row.seen_share or 0) for row in others)
    total = DistrictCount(
        f"{len(others)} other districts",
        sum(row.landslides for row in others),
        sum(row.area_m2 for row in others),
        sum(row.confirmed for row in others),
        seen / ground if ground else None,
        ground,
    )
    return [*shown, *outside], total


def _districts_of(outlines: npt.NDArray[np.object_], districts: Districts) -> list[str]:
    """The name of the district in which most of each outline lies; `OUTSIDE_DISTRICTS` if it touches none."""
    names, polygons = usable_polygons(districts)
    tree = shapely.STRtree(polygons)
    shapely.prepare(polygons)
    landslide, district = tree.query(outlines, predicate="intersects")
    several = np.flatnonzero(np.bincount(landslide, minlength=len(outlines))[landslide] > 1)
    shared = np.ones(len(landslide))
    shared[several] = shapely.area(shapely.intersection(outlines[landslide[several]], polygons[district[several]]))
    # Several rows with the same name are one district.
    table = pd.DataFrame({"landslide": landslide, "name": [names[i] for i in district], "shared": shared})
    sums = pd.DataFrame(table.groupby(["landslide", "name"], as_index=False)["shared"].sum())
    best = sums.sort_values(["shared", "name"], ascending=[False, True]).drop_duplicates("landslide")
    chosen = dict(zip(best["landslide"], best["name"], strict=True))
    return [str(chosen.get(i, OUTSIDE_DISTRICTS)) for i in range(len(outlines))]


def count_by_probability(situation: Situation) -> list[ProbabilityClass]:
    """Count landslides by class of probability, the highest first; those without a probability come last."""
    table = situation.landslides
    probability = (
        pd.to_numeric(table["probability"], errors="coerce")
        if "probability" in table
        else pd.Series(np.nan, table.index)
    )
    highs = (None, *PROBABILITY_CLASSES[:-1])
    classes = [
        _probability_class(
            table[(probability >= low) & (probability < (np.inf if high is None else high))], low, high or 1.0
        )
        for low, high in zip(PROBABILITY_CLASSES, highs, strict=True)
    ]
    unknown = table[probability.isna() & (table["status"] != Status.MERGED)]
    return [*classes, *([_probability_class(unknown, None, None)] if len(unknown) else [])]


def _probability_class(rows: geopandas.GeoDataFrame, low: float | None, high: float | None) -> ProbabilityClass:
    candidates, confirmed, rejected = (
        int((rows["status"] == status).sum()) for status in (Status.CANDIDATE, Status.CONFIRMED, Status.REJECTED)
    )
    area = float(rows["area_m2"][rows["status"].isin(SHOWN)].sum())
    return ProbabilityClass(low, high, candidates, confirmed, rejected, area)
