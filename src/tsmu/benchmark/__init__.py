"""Benchmarks that users run on data and machines of their own: `tsmu benchmark`.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
What measures tsmu's own claims on fixed data is not part of the package: it lies in `benchmarks/` of a checkout, and
uses the names of this face.

    continual          regions learned one after the other by several strategies: settings, sequence (the steps of
                       one strategy and seed, stored on disk), comparison (all of them), tables, figures
    mapping            a scene mapped beside the bare network, the usual loop and GeoAI: contestants (each in a
                       process of its own), geoai, agreement (of masks), comparison
    database           inserts and queries beside bare pyogrio
    chip_folders       the regions that a benchmark learns
    synthetic_bundle   a bundle trained on the synthetic world

Example:
    >>> from tsmu import benchmark
    >>> chips = benchmark.read_regions(Path("data"), ["hills", "coast"])
    >>> {region: len(rows) for region, rows in chips.items()}
    {'hills': 10, 'coast': 10}
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.benchmark.chip_folders import check_order, read_regions
    from tsmu.benchmark.continual.comparison import run_continual, split_chips
    from tsmu.benchmark.continual.sequence import RegionSequence
    from tsmu.benchmark.continual.settings import SHARED_SETTINGS, ContinualSettings, stored_cells
    from tsmu.benchmark.continual.tables import continual_tables, mean_and_error, nan_if_null
    from tsmu.benchmark.database import benchmark_database, make_polygons
    from tsmu.benchmark.mapping.comparison import benchmark_mapping, mapping_report
    from tsmu.benchmark.synthetic_bundle import train_synthetic_bundle

__all__ = [
    "SHARED_SETTINGS",
    "ContinualSettings",
    "RegionSequence",
    "benchmark_database",
    "benchmark_mapping",
    "check_order",
    "continual_tables",
    "make_polygons",
    "mapping_report",
    "mean_and_error",
    "nan_if_null",
    "read_regions",
    "run_continual",
    "split_chips",
    "stored_cells",
    "train_synthetic_bundle",
]

_NAMES = {  # by the module that has them
    "chip_folders": "check_order read_regions",
    "continual.settings": "SHARED_SETTINGS ContinualSettings stored_cells",
    "continual.sequence": "RegionSequence",
    "continual.comparison": "run_continual split_chips",
    "continual.tables": "continual_tables mean_and_error nan_if_null",
    "mapping.comparison": "benchmark_mapping mapping_report",
    "database": "benchmark_database make_polygons",
    "synthetic_bundle": "train_synthetic_bundle",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
