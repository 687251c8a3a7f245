"""What the records show: maps of landslide density, comparisons of two inventories, distributions of areas."""

from typing import TYPE_CHECKING

from tsmu.database.analysis.comparison import Comparison, compare
from tsmu.database.analysis.density_files import check_density_file, write_density
from tsmu.database.analysis.density_map import DensityMap, density
from tsmu.database.analysis.density_styles import density_cells_style, density_raster_style
from tsmu.database.analysis.equal_area_cells import CellGrid, HexagonGrid, SquareGrid, equal_area_crs
from tsmu.database.analysis.size_distribution import power_law_tail, rollover
from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.database.analysis.comparison_plot import check_picture_file, draw_comparison
    from tsmu.database.analysis.density_plot import class_breaks, draw_density
    from tsmu.database.analysis.map_frame import draw_frame, polygon_path

__all__ = [
    "CellGrid",
    "Comparison",
    "DensityMap",
    "HexagonGrid",
    "SquareGrid",
    "check_density_file",
    "check_picture_file",
    "class_breaks",
    "compare",
    "density",
    "density_cells_style",
    "density_raster_style",
    "draw_comparison",
    "draw_density",
    "draw_frame",
    "equal_area_crs",
    "polygon_path",
    "power_law_tail",
    "rollover",
    "write_density",
]

_NAMES = {  # these load matplotlib
    "comparison_plot": "check_picture_file draw_comparison",
    "density_plot": "class_breaks draw_density",
    "map_frame": "draw_frame polygon_path",
}

__getattr__, _ = lazy_names(__name__, _NAMES)
