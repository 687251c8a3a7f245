"""What the records show: maps of landslide density, comparisons of two inventories, distributions of areas."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tsmu.database.analysis.comparison import Comparison, compare
from tsmu.database.analysis.density_files import write_density
from tsmu.database.analysis.density_map import DensityMap, density
from tsmu.database.analysis.equal_area_cells import CellGrid, HexagonGrid, SquareGrid, equal_area_crs
from tsmu.database.analysis.size_distribution import power_law_tail, rollover

if TYPE_CHECKING:
    from tsmu.database.analysis.comparison_plot import draw_comparison
    from tsmu.database.analysis.density_plot import class_breaks, draw_density

__all__ = [
    "CellGrid",
    "Comparison",
    "DensityMap",
    "HexagonGrid",
    "SquareGrid",
    "class_breaks",
    "compare",
    "density",
    "draw_comparison",
    "draw_density",
    "equal_area_crs",
    "power_law_tail",
    "rollover",
    "write_density",
]

_LAZY = {  # these load matplotlib
    "class_breaks": "tsmu.database.analysis.density_plot",
    "draw_comparison": "tsmu.database.analysis.comparison_plot",
    "draw_density": "tsmu.database.analysis.density_plot",
}


def __getattr__(name: str) -> Any:
    """Load what draws figures when it is asked for first."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
