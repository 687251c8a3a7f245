"""All figures of a report, counted once: `gather_facts` gives them as `Facts`, `Facts.as_dict` turns them into JSON."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tsmu.database import Status, rollover
from tsmu.imagery import describe_raster
from tsmu.situation.facts.ground import Ground, measure_ground
from tsmu.situation.facts.landslide_counts import (
    SIZE_CLASSES,
    DistrictCount,
    ProbabilityClass,
    count_by_district,
    count_by_probability,
)
from tsmu.situation.facts.news import News, compare_with_former
from tsmu.situation.inputs import Observed, Situation


@dataclass(frozen=True)
class Facts:
    """The figures of a report. "Shown" landslides are those whose status is candidate or confirmed.

    Attributes:
        ground: how much ground was seen.
        numbers: number of landslides by status (`Status`).
        area_m2: total area of the landslides shown.
        confirmed_m2: total area of the confirmed landslides.
        smallest_m2: area of the smallest landslide shown; None if no landslide is shown.
        median_m2: median area of the landslides shown; None if no landslide is shown.
        largest_m2: area of the largest landslide shown; None if no landslide is shown.
        half_of_area: how many of the largest landslides together have half of `area_m2`.
        rollover_m2: the most frequent area of a landslide, below which many are missed; None if there are too few
            landslides, or if the smallest area is the most frequent one.
        by_size: number of landslides shown in each class of `SIZE_CLASSES`, the smallest class first.
        on_unseen_ground: number of landslides shown that lie on ground not seen both before and after the event.
        districts: counts by district.
        probability: counts by class of probability.
        news: comparison with the earlier report; None if there is none.
        pixel_m: side of the pixels of the imagery after the event in metres, the smallest and the largest of all
            zones.
    """

    ground: Ground
    numbers: dict[str, int]
    area_m2: float
    confirmed_m2: float
    smallest_m2: float | None
    median_m2: float | None
    largest_m2: float | None
    half_of_area: int
    rollover_m2: float | None
    by_size: list[int]
    on_unseen_ground: int
    districts: list[DistrictCount]
    probability: list[ProbabilityClass]
    news: News | None
    pixel_m: tuple[float, float]

    @property
    def shown(self) -> int:
        """How many landslides are candidates or confirmed."""
        return self.numbers[Status.CANDIDATE] + self.numbers[Status.CONFIRMED]

    def as_dict(self) -> dict[str, Any]:
        """The figures as they are stored in `report.json`."""
        ground = self.ground
        record = asdict(self)
        record["ground"] = {
            "area_m2": ground.area_m2,
            "covered_m2": ground.covered_m2,
            **{f"{observed.name.lower()}_m2": ground.m2[observed] for observed in ground.m2},
            "newly_seen_m2": ground.newly_seen_m2 if self.news else None,
        }
        return record


def gather_facts(situation: Situation) -> Facts:
    """Count all figures of a report.

    Raises:
        ImageError: a raster cannot be read.
    """
    shown, ground = situation.shown(), measure_ground(situation)
    areas = shown["area_m2"].to_numpy(np.float64)  # the largest first
    confirmed = shown["status"] == Status.CONFIRMED
    pixels = [describe_raster(zone.post).pixel_size or float("nan") for zone in situation.zones]
    return Facts(
        ground=ground,
        numbers={str(status): int((situation.landslides["status"] == status).sum()) for status in Status},
        area_m2=float(areas.sum()),
        confirmed_m2=float(areas[confirmed].sum()),
        smallest_m2=float(areas[-1]) if len(areas) else None,
        median_m2=float(np.median(areas)) if len(areas) else None,
        largest_m2=float(areas[0]) if len(areas) else None,
        half_of_area=int(np.searchsorted(np.cumsum(areas), areas.sum() / 2) + 1) if len(areas) else 0,
        rollover_m2=rollover(areas),
        by_size=np.histogram(areas, SIZE_CLASSES)[0].tolist(),
        on_unseen_ground=int((ground.landslide_classes != Observed.SEEN).sum()),
        districts=count_by_district(situation, ground),
        probability=count_by_probability(situation),
        news=compare_with_former(situation, ground),
        pixel_m=(min(pixels), max(pixels)),
    )
