"""What people have decided in a scene: what is a landslide there, what is none, and where they drew all there are.

Reviewed scenes become labels by it (`tsmu labels`).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.queries import review_state, withdrawn_drawings
from tsmu.database.schema import landslide, mapped_area, observation, record_columns, run, scene
from tsmu.database.storage import Database, read_frame
from tsmu.database.vocabulary import ReviewState, Status


@dataclass(frozen=True)
class SceneEvidence:
    """One scene, as people have reviewed it; all outlines in EPSG:4326.

    Attributes:
        scene: its row without the footprint.
        region: in which it lies, by its newest run; None where there is none.
        landslides: what people confirmed, edited or drew.
        rejected: what a run mapped and people rejected.
        undecided: on what nobody has decided, or not for sure.
        mapped_areas: areas in which a person has drawn every landslide.
        drawn_by_runs: the index of the outlines that a run drew on these images, also where people accepted, cut or
            united them: they lie where its pixels are, while all others lie on the images as these are shifted.
    """

    scene: dict[str, Any]
    region: str | None
    landslides: geopandas.GeoSeries
    rejected: geopandas.GeoSeries
    undecided: geopandas.GeoSeries
    mapped_areas: geopandas.GeoSeries
    drawn_by_runs: pd.Index


def scene_evidence(database: Database) -> Iterator[SceneEvidence]:
    """The scenes in which people have decided on a landslide or drawn all in an area, by name.

    Also other scenes of the same image after the event: what waits there for a decision is unknown in that image.

    Example:
        >>> review(database, slide_id, status="confirmed", by="eva", why="seen in the field")
        2
        >>> [evidence] = scene_evidence(database)
        >>> len(evidence.landslides), len(evidence.undecided)
        (1, 11)
    """
    with database.read() as connection:
        columns = record_columns(scene, geometry=False)
        query = sa.select(*columns).order_by(scene.c.name, scene.c.fid)
        rows = [dict(row) for row in connection.execute(query).mappings()]
        withdrawn = set(connection.execute(withdrawn_drawings()).scalars())
        found = ((row["id"], _evidence_of_scene(connection, row, withdrawn)) for row in rows)
        reviewed = {scene_id: evidence for scene_id, evidence in found if _is_reviewed(evidence)}
        posts = {evidence.scene["post"] for evidence in reviewed.values()} - {None}
        for row in rows:
            if row["id"] in reviewed:
                yield reviewed[row["id"]]
            elif row["post"] in posts:
                yield _evidence_of_scene(connection, row, withdrawn)


def _is_reviewed(evidence: SceneEvidence) -> bool:
    """Whether people have decided on a landslide in a scene, or drawn all in an area."""
    return any(map(len, (evidence.landslides, evidence.rejected, evidence.mapped_areas)))


def _evidence_of_scene(connection: sa.Connection, row: dict[str, Any], withdrawn: Collection[str]) -> SceneEvidence:
    """What people have decided in a scene, if anything, apart from drawings that were withdrawn."""
    landslides = _landslides_of_scene(connection, row["id"])
    landslides = landslides[~landslides["id"].isin(withdrawn)]
    accepted = landslides["review_state"] == ReviewState.ACCEPTED.value
    rejected = landslides["review_state"] == ReviewState.REJECTED.value
    return SceneEvidence(
        row,
        _region_of_newest_run(connection, row["id"]),
        landslides.geometry[accepted],
        landslides.geometry[rejected],
        landslides.geometry[~(accepted | rejected)],
        _areas_of_persons(connection, row["id"]),
        landslides.index[_are_drawn_by_runs(connection, row["id"], landslides.geometry)],
    )


def _landslides_of_scene(connection: sa.Connection, scene_id: str) -> geopandas.GeoDataFrame:
    """Landslides with an observation in a scene and their review states, but for those that went into others."""
    ids = sa.select(observation.c.landslide_id).where(observation.c.scene_id == scene_id)
    query = sa.select(landslide.c.id, review_state(), landslide.c.geom)
    query = query.where(landslide.c.id.in_(ids), landslide.c.status != Status.MERGED.value)
    return read_frame(connection, query.order_by(landslide.c.fid))


def _are_drawn_by_runs(
    connection: sa.Connection, scene_id: str, outlines: geopandas.GeoSeries
) -> npt.NDArray[np.bool_]:
    """Which outlines have at least half of their corners where runs drew corners in a scene.

    Accepted as it is an outline has all of them there; cut or united with others, all but a few; drawn anew, none.
    """
    if outlines.empty:
        return np.zeros(0, dtype=bool)
    query = sa.select(observation.c.geom).where(observation.c.scene_id == scene_id, observation.c.run_id.is_not(None))
    by_runs = _corners(read_frame(connection, query).geometry)[0]
    corners, of_outline = _corners(outlines)
    all_corners = np.bincount(of_outline)  # number of corners of each outline, (n,)
    common_corners = np.bincount(of_outline[np.isin(corners, by_runs)], minlength=len(all_corners))
    return np.asarray(2 * common_corners >= all_corners)


def _corners(outlines: geopandas.GeoSeries) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.intp]]:
    """Return all corners as complex numbers, so that they can be sorted, and the position of each one's outline."""
    polygons, of_outline = shapely.get_parts(outlines.to_numpy(), return_index=True)
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    is_corner = np.diff(of_ring, append=-1) == 0  # the last point of a ring is its first one again
    return (points[:, 0] + 1j * points[:, 1])[is_corner], of_outline[of_polygon[of_ring]][is_corner]


def _areas_of_persons(connection: sa.Connection, scene_id: str) -> geopandas.GeoSeries:
    query = sa.select(mapped_area.c.geom).where(mapped_area.c.scene_id == scene_id, mapped_area.c.mapper.is_not(None))
    return read_frame(connection, query).geometry


def _region_of_newest_run(connection: sa.Connection, scene_id: str) -> str | None:
    query = sa.select(run.c.region).where(run.c.scene_id == scene_id).order_by(run.c.fid.desc()).limit(1)
    region: str | None = connection.execute(query).scalar()
    return region
