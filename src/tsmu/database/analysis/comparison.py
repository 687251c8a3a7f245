"""Two inventories of one place: what both have, what only one has, and how large their landslides are.

Two outlines show the same landslide when they share at least half of the smaller one, the rule by which
runs are matched with stored landslides (`tsmu.evaluate`). One may match several, where one author drew
apart what the other drew as one. Neither inventory is the truth: human mappers agree in part only.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from tsmu.database.analysis.compared_outlines import is_database, read_compared_outlines
from tsmu.database.analysis.equal_area_cells import equal_area_crs
from tsmu.database.analysis.size_distribution import PowerLawTail, power_law_tail, rollover
from tsmu.database.queries import EVERYTHING, Filters
from tsmu.database.storage import Shapes, geodesic_areas
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError
from tsmu.evaluate import overlapping_pairs
from tsmu.issues import IssueLog
from tsmu.vectors import divide_layers, reproject

WITHIN_M = 1.0  # metres by which a long edge may lie off


@dataclass(frozen=True)
class ComparedInventory:
    """One of the two inventories that are compared.

    Attributes:
        name: what it is called.
        outlines: in the equal-area projection of the comparison.
        areas: geodesic, m2.
        matched: whether each shows a landslide of the other inventory.
        tail: power law of the large areas; None for too few.
        rollover_m2: the most frequent area; None where small ones only get more.
    """

    name: str
    outlines: geopandas.GeoSeries
    areas: npt.NDArray[np.float64]
    matched: npt.NDArray[np.bool_]
    tail: PowerLawTail | None
    rollover_m2: float | None

    def summary(self) -> dict[str, Any]:
        """Numbers and areas, as JSON."""
        return {
            "name": self.name,
            "landslides": len(self.areas),
            "matched": int(self.matched.sum()),
            "alone": int((~self.matched).sum()),
            "area_m2": float(self.areas.sum()),
            "median_area_m2": float(np.median(self.areas)),
            "largest_m2": float(self.areas.max()),
            "rollover_m2": self.rollover_m2,
            "tail": asdict(self.tail) if self.tail else None,
        }


@dataclass(frozen=True)
class Comparison:
    """What two inventories have in common.

    Attributes:
        a: the first.
        b: the second.
        pairs: one row per two outlines that match: `a`, `b` (positions), `iou`.
        shared_m2: ground that is landslide in both.
        either_m2: ground that is landslide in one or both.
    """

    a: ComparedInventory
    b: ComparedInventory
    pairs: pd.DataFrame
    shared_m2: float
    either_m2: float

    def summary(self) -> dict[str, Any]:
        """As JSON: matched and missed landslides of A, extra ones of B, IoU of the ground and of matching outlines."""
        one = self.pairs.drop_duplicates("a", keep=False).drop_duplicates("b", keep=False)
        return {
            "a": self.a.summary(),
            "b": self.b.summary(),
            "matched": int(self.a.matched.sum()),
            "missed": int((~self.a.matched).sum()),
            "extra": int((~self.b.matched).sum()),
            "one_to_one": len(one),
            "median_iou_of_pairs": float(self.pairs["iou"].median()) if len(self.pairs) else None,
            "iou_of_areas": self.shared_m2 / self.either_m2,
            "shared_m2": self.shared_m2,
        }


def compare(
    a: Path | str, b: Path | str, log: IssueLog, filters: Filters = EVERYTHING, layers: Sequence[str] = ()
) -> Comparison:
    """Compare two inventories.

    Args:
        a: a database, or a file of polygons; what B is measured against.
        b: likewise.
        log: takes polygons that were left out or repaired.
        filters: which landslides of both; unless a status is asked for, candidates and confirmed ones. In a file that
            `export` did not write only place and size can be asked for; it has no status, and is compared whole.
        layers: the names of the layers that are read of files of polygons; by default all.

    Raises:
        TsmuError: one cannot be read, has no such landslides, or is a file that does not say what is asked for.

    Example:
        >>> export(database, Path("other.geojson"), log, Filters(bbox=(7.0, 46.0, 7.045, 46.1)))
        5
        >>> summary = compare(database.path, Path("other.geojson"), log).summary()
        >>> summary["matched"], summary["missed"], summary["extra"]
        (5, 7, 0)
    """
    files = [Path(target) for target in (a, b) if not is_database(target)]
    layers_of = divide_layers(layers, files, DatabaseError)
    outlines = [read_compared_outlines(target, log, filters, layers_of.get(Path(target), ())) for target in (a, b)]
    bounds = shapely.total_bounds(np.concatenate(outlines)).tolist()
    crs = equal_area_crs(*bounds)
    left, right = (_valid(reproject(shapes, SRS_ID, crs, WITHIN_M)) for shapes in outlines)
    overlaps = overlapping_pairs(left, right)
    pairs = pd.DataFrame({"a": overlaps.first, "b": overlaps.second, "iou": overlaps.iou})
    ground = shapely.union_all(left), shapely.union_all(right)
    both = float(shapely.area(shapely.intersection(*ground)))
    sides = [
        _compared(str(target), geopandas.GeoSeries(shapes, crs=crs), geodesic_areas(degrees), positions)
        for target, shapes, degrees, positions in zip(
            (a, b), (left, right), outlines, (overlaps.first, overlaps.second), strict=True
        )
    ]
    return Comparison(sides[0], sides[1], pairs, both, float(ground[0].area + ground[1].area - both))


def _compared(
    name: str, outlines: geopandas.GeoSeries, areas: npt.NDArray[np.float64], positions: Any
) -> ComparedInventory:
    """One inventory, whose outlines at some positions show a landslide of the other one."""
    matched = np.zeros(len(areas), dtype=bool)
    matched[positions] = True
    above = areas[areas > 0]
    return ComparedInventory(Path(name).name, outlines, areas, matched, power_law_tail(above), rollover(above))


def _valid(shapes: Shapes) -> Shapes:
    shapes = shapes.copy()
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return shapes
