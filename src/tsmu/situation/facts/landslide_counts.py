"""Landslides by district, by size and by probability."""

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
SIZE_CLASSES = (0.0, 1_000.0, 10_000.0, 100_000.0, np.inf)  # m2
SIZE_LABELS = ("under 1,000 m²", "1,000 to 10,000 m²", "10,000 to 100,000 m²", "100,000 m² and more")
PROBABILITY_CLASSES = (0.9, 0.7, 0.5, 0.0)  # from which on, the highest first
LARGEST = 10


@dataclass(frozen=True)
class DistrictCount:
    """Landslides of one district.

    Attributes:
        name: of the district.
        landslides: each counted once, where most of it lies.
        area_m2: of these landslides.
        confirmed: how many of them people confirmed.
        seen_share: share of the district's ground within the area that was seen, 0 to 1; None without any ground there.
        ground_m2: the district's ground within the area.
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
        low: probability from which the class begins, 0 to 1; None for landslides of unknown probability.
        high: below which it ends; 1 is included in the highest.
        candidates: how many nobody decided on.
        confirmed: how many people confirmed.
        rejected: how many people rejected.
        area_m2: of candidates and confirmed ones.
    """

    low: float | None
    high: float | None
    candidates: int
    confirmed: int
    rejected: int
    area_m2: float


def largest(situation: Situation) -> geopandas.GeoDataFrame:
    """The ten largest landslides shown."""
    return situation.shown().iloc[:LARGEST]


def count_by_district(situation: Situation, ground: Ground) -> list[DistrictCount]:
    """Landslides of each district with ground in the area or a landslide, those with the largest area first."""
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
    """Shorten a table of districts: the first rows, and one row with the sum of all others, if there are any.

    The row of what lies outside all districts is always shown.
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
    """The district in which most of each outline lies."""
    names, polygons = usable_polygons(districts)
    tree = shapely.STRtree(polygons)
    shapely.prepare(polygons)
    landslide, district = tree.query(outlines, predicate="intersects")
    several = np.flatnonzero(np.bincount(landslide, minlength=len(outlines))[landslide] > 1)
    shared = np.ones(len(landslide))
    shared[several] = shapely.area(shapely.intersection(outlines[landslide[several]], polygons[district[several]]))
    # Several rows of one name are one district.
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
