"""Benchmarks that users run on data and machines of their own: `tsmu benchmark`.

The names that other rooms (packages) use are listed here and loaded when they are first used; other rooms import from
this module only, not from its submodules. The benchmarks of tsmu's own claims on fixed data are not part of the
package: they are in `benchmarks/` of a checkout, and import from this module, too. The modules are:

    continual          compares strategies that learn regions one after the other: settings, sequence (the steps of one
                       strategy and seed, stored on disk), comparison (all strategies and seeds), tables, figures
    mapping            compares `tsmu map` with the network alone, the usual loop over windows, and GeoAI: contestants
                       (each runs in a process of its own), geoai, agreement (of masks), comparison
    database           compares inserts and queries of the landslide database with those of pyogrio alone
    chip_folders       reads the chips of the regions that a benchmark learns
    synthetic_bundle   trains a bundle on the synthetic world

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

_NAMES = {  # the public names, listed under the submodule that defines them
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
