"""Terrain bands of image pairs: rasters on the grids of their post images, in the pairs' folders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import geopandas as gpd

from tsmu.errors import ImageError
from tsmu.imagery.rasters.grids import Grid
from tsmu.imagery.rasters.reader import describe
from tsmu.imagery.terrain.derivation import DEFAULT, check_dem, parse_bands, place_of_dem, write_terrain
from tsmu.issues import IssueLog

TOLD_FROM = 0.01  # share of a pair's pixels without terrain that is worth a line in the log


@dataclass(frozen=True)
class Elevations:
    """An elevation model, and what is wanted of it.

    Attributes:
        dem: elevations in metres: a file or an address.
        bands: as `terrain.parse_bands` gives them.

    Raises:
        ImageError: it is not to be read, or no elevation model.
    """

    dem: Path | str
    bands: Sequence[str] = DEFAULT

    def __post_init__(self) -> None:
        check_dem(self.dem)

    @classmethod
    def of(cls, dem: str | None, bands: str | None) -> Self | None:
        """Take them as they are typed; None without an elevation model.

        Raises:
            ImageError: there are bands without an elevation model, or either is not what it should be.
        """
        if dem is None:
            if bands is not None:
                raise ImageError(f"--terrain {bands}: needs elevations; give an elevation model with --dem FILE")
            return None
        return cls(place_of_dem(dem), DEFAULT if bands is None else parse_bands(bands))


def with_terrain(
    pairs: gpd.GeoDataFrame,
    elevations: Elevations,
    out: Path,
    log: IssueLog,
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Give pairs their terrain, in place of what they had; a pair that is not covered is left out and logged.

    Args:
        pairs: as `pairs.import_pairs` gives them.
        elevations: what from.
        out: a pair's terrain goes to `out/ID/terrain-*.tif`.
        log: takes the pairs that are left out, and tells of parts without terrain.
        progress: called with (done, all).

    Returns:
        The pairs that are covered, with `terrain` and `dem`, absolute paths or addresses.

    Raises:
        ImageError: none of the pairs is covered; that says it once, and the log nothing.
    """
    made: dict[str, str] = {}
    failed: dict[str, str] = {}
    for done, (name, post) in enumerate(zip(pairs["id"], pairs["post"], strict=True), start=1):
        try:
            terrain = write_terrain(elevations.dem, Grid.of(describe(post)), elevations.bands, out / name)
        except ImageError as error:
            failed[post] = str(error)
            continue
        made[name] = str(terrain.path.resolve())
        if terrain.unknown >= TOLD_FROM:
            problem = f"{elevations.dem} says nothing of {terrain.unknown:.0%} of it"
            log.warning(post, problem, "taken; these pixels count as unknown")
        if progress:
            progress(done, len(pairs))
    if failed and not made:
        first = next(iter(failed.values()))
        raise ImageError(
            first if len(pairs) == 1 else f"none of the {len(pairs)} pairs gets terrain; the first: {first}"
        )
    for post, problem in failed.items():
        log.error(post, problem)
    covered = pairs[pairs["id"].isin(made)]
    return covered.assign(terrain=list(map(made.get, covered["id"])), dem=str(elevations.dem))
