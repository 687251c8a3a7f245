"""Terrain bands of image pairs: rasters on the grids of their post images, in the pairs' folders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import geopandas as gpd

from tsmu.errors import ImageError
from tsmu.imagery.rasters import Grid, describe_raster
from tsmu.imagery.terrain import (
    DEFAULT_TERRAIN_BANDS,
    MIN_REPORTED_UNKNOWN,
    check_dem,
    coarse_cells,
    parse_terrain_bands,
    resolve_dem,
    write_terrain,
)
from tsmu.issues import IssueLog


@dataclass(frozen=True)
class TerrainOptions:
    """An elevation model, and the terrain bands to derive from it.

    Attributes:
        dem: elevations in metres: a file or an address.
        bands: as `parse_terrain_bands` gives them.

    Raises:
        ImageError: the elevation model cannot be read, or is none.

    Example:
        >>> TerrainOptions("dem.tif", ["slope", "height_500m"]).bands
        ['slope', 'height_500m']
    """

    dem: Path | str
    bands: Sequence[str] = DEFAULT_TERRAIN_BANDS

    def __post_init__(self) -> None:
        check_dem(self.dem)

    @classmethod
    def parse(cls, dem: str | None, bands: str | None) -> Self | None:
        """Parse the options `--dem` and `--terrain`; None without an elevation model.

        Raises:
            ImageError: there are bands without an elevation model, or one of the two is not what it should be.
        """
        if dem is None:
            if bands is not None:
                raise ImageError(f"--terrain {bands}: needs elevations; give an elevation model with --dem FILE")
            return None
        return cls(resolve_dem(dem), DEFAULT_TERRAIN_BANDS if bands is None else parse_terrain_bands(bands))


def add_terrain(
    pairs: gpd.GeoDataFrame,
    options: TerrainOptions,
    out: Path,
    log: IssueLog,
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Derive terrain for pairs, in place of what they had; a pair that is not covered is left out and logged.

    Args:
        pairs: as `import_pairs` gives them.
        options: the elevation model and the bands.
        out: a pair's terrain goes to `out/ID/terrain-*.tif`.
        log: takes the pairs that are left out, and those with parts without terrain.
        progress: called with (done, all).

    Returns:
        The pairs that are covered, with `terrain` and `dem`, absolute paths or addresses.

    Raises:
        ImageError: none of the pairs is covered; nothing is logged then.

    Example:
        >>> pairs = import_pairs(Path("images"), log, out=Path("pair_files"), root=Path("."))
        >>> pairs = add_terrain(pairs, TerrainOptions("dem.tif", ["slope"]), Path("pair_files"), log)
        >>> describe_raster(pairs["terrain"][0]).bands
        ('slope',)
    """
    if coarse := coarse_cells(options.dem):
        log.warning(options.dem, *coarse)
    written: dict[str, str] = {}
    failed: dict[str, str] = {}
    for done, (name, post) in enumerate(zip(pairs["id"], pairs["post"], strict=True), start=1):
        try:
            grid = Grid.from_raster(describe_raster(post))
            terrain = write_terrain(options.dem, grid, options.bands, out / name)
        except ImageError as error:
            failed[post] = str(error)
        else:
            written[name] = str(terrain.path.resolve())
            if terrain.unknown >= MIN_REPORTED_UNKNOWN:
                problem = f"{options.dem} says nothing of {terrain.unknown:.0%} of it"
                log.warning(post, problem, "used; these pixels count as unknown")
        if progress:
            progress(done, len(pairs))
    if failed and not written:
        first = next(iter(failed.values()))
        raise ImageError(
            first if len(pairs) == 1 else f"none of the {len(pairs)} pairs gets terrain; the first: {first}"
        )
    for post, problem in failed.items():
        log.error(post, problem)
    covered = pairs[pairs["id"].isin(written)]
    return covered.assign(terrain=list(map(written.get, covered["id"])), dem=str(options.dem))
