"""The figures of a situation report: ground, landslides, districts, and what is new since the earlier report."""

from tsmu.situation.facts.gathering import Facts, gather_facts
from tsmu.situation.facts.ground import Ground
from tsmu.situation.facts.landslide_counts import (
    LARGEST,
    SIZE_CLASSES,
    SIZE_LABELS,
    DistrictCount,
    ProbabilityClass,
    district_rows,
    largest,
)
from tsmu.situation.facts.news import News

__all__ = [
    "LARGEST",
    "SIZE_CLASSES",
    "SIZE_LABELS",
    "DistrictCount",
    "Facts",
    "Ground",
    "News",
    "ProbabilityClass",
    "district_rows",
    "gather_facts",
    "largest",
]
