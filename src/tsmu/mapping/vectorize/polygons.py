"""Landslide polygons of a probability raster, as GeoParquet, written as they are found."""

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

from tsmu.imagery.grids import Grid
from tsmu.mapping.scene.region_weights import AnyShares, WholeShares
from tsmu.mapping.vectorize.measures import measure, placed
from tsmu.mapping.vectorize.outlines import Bands, Outlines, outlines
from tsmu.mapping.vectorize.tracing import Polygons

AT_ONCE = 4_000  # polygons that are measured and written together
WHOLE = WholeShares()


@dataclass(frozen=True)
class Outlining:
    """How a raster becomes polygons.

    Attributes:
        threshold_percent: pixels of at least this percentage are landslide; of a scene in several
            regions one for each, blended as their answers are.
        min_area_m2: smaller landslides are left out.
        min_mean_percent: landslides of a smaller mean percentage are left out.
        simplify_px: 0 for outlines along the pixels' edges. Otherwise outlines are simplified by
            about so many pixels, together, so that none comes to cross itself or another; all
            polygons are then held in memory.
    """

    threshold_percent: int | Sequence[int]
    min_area_m2: float = 0.0
    min_mean_percent: float = 0.0
    simplify_px: float = 0.0

    @property
    def percents(self) -> Sequence[int]:
        """The thresholds, one per region."""
        return [self.threshold_percent] if isinstance(self.threshold_percent, int) else self.threshold_percent


def write_polygons(
    bands: Bands,
    grid: Grid,
    how: Outlining,
    path: Path,
    notes: Mapping[str, str | Sequence[str]] | None = None,
    shares: AnyShares = WHOLE,
    *,
    deviation: bool = False,
) -> None:
    """Outline the landslides of a probability raster and write them as GeoParquet.

    Columns: `geometry` (Polygon, in the raster's CRS), `area_m2` and `perimeter_m` (geodesic, on the
    WGS 84 ellipsoid), `length_m` and `width_m` (of the smallest rotated rectangle), `pixels`, and
    `mean_probability`, `max_probability` and `std_probability` (0 to 1, of the raster's whole
    percents), with a layer of deviations `mean_deviation` (likewise), `region_shares` (JSON: region to the
    share of the polygon that lies in it, none where regions are not known), and one for each of the
    notes. Unless simplified, the polygons are exactly the pixels that reach the threshold.

    Args:
        bands: (first row, layers (1 or 2, H, width)) from top to bottom: uint8, whole percent, 255 =
            no data, and their standard deviation in whole percent.
        grid: where the raster lies.
        how: the threshold and more.
        path: the file to write.
        notes: what all polygons have in common, such as region and bundle; where there is one text
            per region, that of the region with the largest share.
        shares: of the scene's regions.
        deviation: whether there is that second layer.
    """
    writer: pq.ParquetWriter | None = None
    try:
        for found in _batches(outlines(bands, how.percents, shares), how, len(shares.names)):
            more = _by_region(found, notes or {}, shares.names)
            if deviation:
                more = {"mean_deviation": pd.Series(found.deviation / found.pixels / 100)} | more
            arrow = _arrow(_table(found, how, grid, more))
            writer = writer or pq.ParquetWriter(path, arrow.schema)
            writer.write_table(arrow)
    finally:
        if writer:
            writer.close()


def _by_region(found: Outlines, notes: Mapping[str, str | Sequence[str]], names: Sequence[str]) -> dict[str, pd.Series]:
    """The columns that depend on the regions in which landslides lie."""
    main = found.shares.argmax(axis=1)
    shares = found.shares / (100 * found.pixels[:, None])
    said = [json.dumps({n: round(float(v), 4) for n, v in zip(names, row, strict=True) if n and v}) for row in shares]
    columns = {"region_shares": said}
    for column, note in notes.items():
        columns[column] = [note if isinstance(note, str) else note[region] for region in main]
    # A type of its own: of an empty list of objects Arrow does not know that they would be texts.
    return {name: pd.Series(texts, dtype="str") for name, texts in columns.items()}


def _batches(parts: Iterator[Outlines], how: Outlining, regions: int) -> Iterator[Outlines]:
    """Gather the landslides into batches; one batch at least, be it empty."""
    nothing = np.zeros(0, np.int64)
    shares = np.zeros((0, regions), np.int64)
    empty = Outlines(np.empty(0, dtype=object), nothing, nothing, nothing, nothing, nothing, shares)
    waiting, yielded = [empty], False
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= AT_ONCE and not how.simplify_px:
            yield Outlines.together(waiting)
            waiting, yielded = waiting[:1], True
    if len(waiting) > 1 or not yielded:
        yield Outlines.together(waiting)


def _table(found: Outlines, how: Outlining, grid: Grid, more: Mapping[str, pd.Series]) -> geopandas.GeoDataFrame:
    polygons = found.polygons
    if how.simplify_px:
        polygons = _simplified(polygons, how.simplify_px)
    size = measure(polygons, grid.transform, grid.crs)
    mean = found.total / found.pixels
    columns = {
        "area_m2": size.area,
        "perimeter_m": size.perimeter,
        "length_m": size.length,
        "width_m": size.width,
        "pixels": found.pixels,
        "mean_probability": mean / 100,
        "max_probability": found.highest / 100,
        "std_probability": np.sqrt(np.maximum(found.squares / found.pixels - mean**2, 0)) / 100,
        **more,
    }
    table = geopandas.GeoDataFrame(pd.DataFrame(columns), geometry=placed(polygons, grid.transform), crs=grid.crs)
    return table[(table["area_m2"] >= how.min_area_m2) & (mean >= how.min_mean_percent)]


def _simplified(polygons: Polygons, tolerance: float) -> Polygons:
    """Simplify outlines; those that touch at corners are the reason to do it as one coverage."""
    return np.asarray(shapely.coverage_simplify(polygons, tolerance), dtype=object)


def _arrow(table: geopandas.GeoDataFrame) -> pa.Table:
    """Make a table of GeoParquet 1.0; geopandas itself writes only whole files."""
    columns = pa.Table.from_pandas(pd.DataFrame(table.drop(columns="geometry")), preserve_index=False)
    arrow = columns.append_column("geometry", pa.array(table.geometry.to_wkb(), pa.binary()))
    crs = None if table.crs is None else pyproj.CRS(table.crs).to_json_dict()
    geometry = {"encoding": "WKB", "geometry_types": ["Polygon"], "crs": crs}
    described = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": geometry}}
    return arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), b"geo": json.dumps(described).encode()})
