"""The landslide polygons of a probability raster as GeoParquet, written while they are outlined."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

from tsmu.imagery import Grid
from tsmu.mapping.scene.region_weights import RegionWeights, SingleRegionWeights
from tsmu.mapping.vectorize.measures import measure, to_crs_coordinates
from tsmu.mapping.vectorize.outlines import LandslideOutlines, Strips, outline_landslides
from tsmu.mapping.vectorize.tracing import Polygons

BATCH = 4_000  # polygons that are measured and written together
ONE_REGION = SingleRegionWeights()


@dataclass(frozen=True)
class PolygonOptions:
    """How a probability raster becomes polygons.

    The names of the attributes are part of the identity of a map: renamed, maps would be outlined again.

    Attributes:
        threshold_percent: pixels of at least this whole percentage are landslide; for a scene in several
            regions one threshold for each, which are blended as the predictions are.
        min_area_m2: smaller landslides are left out.
        min_mean_percent: landslides with a smaller mean percentage are left out.
        simplify_px: 0 for outlines along the edges of the pixels. Otherwise outlines are simplified by
            about so many pixels, all together, so that none crosses itself or another; all polygons are
            then in memory.

    Example:
        >>> PolygonOptions(50, min_area_m2=400).thresholds
        [50]
    """

    threshold_percent: int | Sequence[int]
    min_area_m2: float = 0.0
    min_mean_percent: float = 0.0
    simplify_px: float = 0.0

    @property
    def thresholds(self) -> Sequence[int]:
        """The thresholds, one per region, whole percents."""
        return [self.threshold_percent] if isinstance(self.threshold_percent, int) else self.threshold_percent


def write_polygons(
    strips: Strips,
    grid: Grid,
    options: PolygonOptions,
    path: Path,
    notes: Mapping[str, str | Sequence[str]] | None = None,
    weights: RegionWeights = ONE_REGION,
    *,
    deviation: bool = False,
) -> None:
    """Outline the landslides of a probability raster and write them as GeoParquet.

    Columns: `geometry` (Polygon, in the raster's CRS), `area_m2` and `perimeter_m` (geodesic, on the
    WGS 84 ellipsoid), `length_m` and `width_m` (of the smallest rotated rectangle), `pixels`, and
    `mean_probability`, `max_probability` and `std_probability` (0 to 1, of the raster's whole
    percents); with a layer of standard deviations `mean_deviation` (likewise); `region_shares` (JSON: region
    to the share of the polygon that lies in it, empty where regions are not known); and one column for
    each of the notes. Unless simplified, the polygons are exactly the pixels that reach the threshold.

    Args:
        strips: (first row, layers (1 or 2, H, W)) from top to bottom: uint8, whole percent, 255 = no
            data, and their standard deviation in whole percent.
        grid: of the raster.
        options: the threshold and more.
        path: the file to write.
        notes: further columns, such as region and bundle: one text for all polygons, or one per region,
            of which a polygon gets that of the region with the largest share of it.
        weights: of the scene's regions.
        deviation: whether there is the second layer.
    """
    writer: pq.ParquetWriter | None = None
    try:
        landslides = outline_landslides(strips, options.thresholds, weights)
        for batch in _batches(landslides, options, len(weights.names)):
            further = _region_columns(batch, notes or {}, weights.names)
            if deviation:
                further = {"mean_deviation": pd.Series(batch.deviation / batch.pixels / 100)} | further
            table = _as_arrow(_as_table(batch, options, grid, further))
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer:
            writer.close()


def _region_columns(
    landslides: LandslideOutlines, notes: Mapping[str, str | Sequence[str]], regions: Sequence[str]
) -> dict[str, pd.Series]:
    """Make the columns that depend on the regions in which landslides lie."""
    main_region = landslides.weights.argmax(axis=1)
    shares = landslides.weights / (100 * landslides.pixels[:, None])
    as_json = [
        json.dumps({name: round(float(share), 4) for name, share in zip(regions, row, strict=True) if name and share})
        for row in shares
    ]
    columns = {"region_shares": as_json}
    for column, note in notes.items():
        columns[column] = [note if isinstance(note, str) else note[region] for region in main_region]
    # The type is named, because Arrow cannot tell from a column without rows that it would hold texts.
    return {name: pd.Series(texts, dtype="str") for name, texts in columns.items()}


def _batches(
    landslides: Iterator[LandslideOutlines], options: PolygonOptions, regions: int
) -> Iterator[LandslideOutlines]:
    """Gather landslides into batches; at least one batch, which may be empty."""
    no_numbers = np.zeros(0, np.int64)
    no_weights = np.zeros((0, regions), np.int64)
    empty = LandslideOutlines(
        np.empty(0, dtype=object), no_numbers, no_numbers, no_numbers, no_numbers, no_numbers, no_weights
    )
    waiting, yielded = [empty], False
    for part in landslides:
        waiting.append(part)
        if sum(map(len, waiting)) >= BATCH and not options.simplify_px:
            yield LandslideOutlines.concatenate(waiting)
            waiting, yielded = waiting[:1], True
    if len(waiting) > 1 or not yielded:
        yield LandslideOutlines.concatenate(waiting)


def _as_table(
    landslides: LandslideOutlines, options: PolygonOptions, grid: Grid, further: Mapping[str, pd.Series]
) -> geopandas.GeoDataFrame:
    """Measure landslides, and make the table of those that are large and certain enough."""
    polygons = landslides.polygons
    if options.simplify_px:
        polygons = _simplify(polygons, options.simplify_px)
    measures = measure(polygons, grid.transform, grid.crs)
    mean = landslides.total / landslides.pixels
    columns = {
        "area_m2": measures.area,
        "perimeter_m": measures.perimeter,
        "length_m": measures.length,
        "width_m": measures.width,
        "pixels": landslides.pixels,
        "mean_probability": mean / 100,
        "max_probability": landslides.highest / 100,
        "std_probability": np.sqrt(np.maximum(landslides.squares / landslides.pixels - mean**2, 0)) / 100,
        **further,
    }
    geometry = to_crs_coordinates(polygons, grid.transform)
    table = geopandas.GeoDataFrame(pd.DataFrame(columns), geometry=geometry, crs=grid.crs)
    return table[(table["area_m2"] >= options.min_area_m2) & (mean >= options.min_mean_percent)]


def _simplify(polygons: Polygons, tolerance: float) -> Polygons:
    """Simplify outlines as one coverage, because some of them touch at corners."""
    return np.asarray(shapely.coverage_simplify(polygons, tolerance), dtype=object)


def _as_arrow(table: geopandas.GeoDataFrame) -> pa.Table:
    """Make a table of GeoParquet 1.0; geopandas itself writes only whole files."""
    columns = pa.Table.from_pandas(pd.DataFrame(table.drop(columns="geometry")), preserve_index=False)
    arrow = columns.append_column("geometry", pa.array(table.geometry.to_wkb(), pa.binary()))
    crs = None if table.crs is None else pyproj.CRS(table.crs).to_json_dict()
    geometry = {"encoding": "WKB", "geometry_types": ["Polygon"], "crs": crs}
    metadata = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": geometry}}
    return arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), b"geo": json.dumps(metadata).encode()})
