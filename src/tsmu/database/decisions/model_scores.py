"""How right the model is, as people have reviewed it.

Precision needs decisions on what a model mapped only. Recall needs to know what it did not map, too, so it is told
for areas alone of which a person has said that every landslide in them is drawn.
"""

from typing import Any, NamedTuple

import geopandas
import numpy as np
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.queries import EVERYTHING, Filters, in_states, review_state
from tsmu.database.schema import landslide, mapped_area, observation, review, run
from tsmu.database.storage import Database, read_frame
from tsmu.database.vocabulary import Action, ReviewState, Status


class _Model(NamedTuple):
    """The runs of a bundle in a region."""

    region: str
    bundle: str


def model_precision_recall(database: Database, filters: Filters = EVERYTHING) -> list[dict[str, Any]]:
    """How often people confirm what a bundle mapped, by the region and bundle of its runs.

    Args:
        database: open.
        filters: among which landslides.

    Returns:
        For each region and bundle: `confirmed` and `rejected` of the landslides that it mapped and people decided on
            (of one that they split, each part), and `precision`, confirmed among both. For recall only landslides
            count whose middle lies where the bundle mapped and a person has drawn every landslide
            (`record_mapped_area`): `true_there` is how many people confirm there, `found_there` how many of them the
            bundle mapped, `undecided_there` how many wait for a decision, and `recall` is found among true. All four
            are None where no person mapped any of the bundle's area completely.

    Example:
        >>> review(database, slide_id, status="confirmed", by="eva", why="seen in the field")
        2
        >>> [row] = model_precision_recall(database)
        >>> row["bundle"], row["precision"], row["recall"]
        ('v001', 1.0, None)
    """
    with database.read() as connection:
        conditions = filters.conditions(database.backend)
        decided = in_states([ReviewState.ACCEPTED, ReviewState.REJECTED])
        rows = connection.execute(_counts_by_model([*conditions, decided])).mappings()
        counts = [dict(row) for row in rows]
        areas = _areas_of_both(connection, [_Model(row["region"], row["bundle"]) for row in counts])
        slides = _landslides(connection, conditions) if areas else None
        return [
            _with_precision(row) | _counts_there(connection, model, areas.get(model), slides)
            for row in counts
            for model in [_Model(row["region"], row["bundle"])]
        ]


def _mapped_by_runs() -> sa.CTE:
    """The landslides that runs mapped, with the run's region and bundle; and the parts into which people cut them."""
    mapped = (
        sa.select(observation.c.landslide_id, run.c.region, run.c.bundle)
        .join_from(observation, run, run.c.id == observation.c.run_id)
        .where(observation.c.landslide_id.is_not(None))
        .cte("mapped", recursive=True)
    )
    whole, part = review.alias("whole"), review.alias("part")
    cut_from = sa.and_(whole.c.landslide_id == mapped.c.landslide_id, whole.c.action == Action.SPLIT.value)
    same_cut = sa.and_(part.c.decision_id == whole.c.decision_id, part.c.version_before.is_(None))
    parts = sa.select(part.c.landslide_id, mapped.c.region, mapped.c.bundle)
    parts = parts.join_from(mapped, whole, cut_from).join(part, same_cut).where(whole.c.version_before.is_not(None))
    return mapped.union(parts)


def _counts_by_model(decided: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Confirmed and rejected landslides by region and bundle of the runs that mapped them."""
    number = sa.func.count(sa.distinct(landslide.c.id))
    by_status = [
        number.filter(landslide.c.status == status.value).label(status.value)
        for status in (Status.CONFIRMED, Status.REJECTED)
    ]
    mapped = _mapped_by_runs()
    return (
        sa.select(mapped.c.region, mapped.c.bundle, *by_status)
        .join_from(mapped, landslide, landslide.c.id == mapped.c.landslide_id)
        .where(*decided)
        .group_by(mapped.c.region, mapped.c.bundle)
        .order_by(mapped.c.region, mapped.c.bundle)
    )


def _with_precision(row: dict[str, Any]) -> dict[str, Any]:
    decided = row["confirmed"] + row["rejected"]
    return row | {"precision": row["confirmed"] / decided if decided else None}


def _areas_of_both(connection: sa.Connection, models: list[_Model]) -> dict[_Model, BaseGeometry]:
    """Where each model mapped and a person has drawn every landslide; models without such an area are left out."""
    by_persons = sa.select(mapped_area.c.geom).where(mapped_area.c.mapper.is_not(None))
    persons = shapely.union_all(read_frame(connection, by_persons).geometry.array)
    if persons.is_empty:
        return {}
    areas = {}
    for model in models:
        of_runs = sa.select(mapped_area.c.geom).join_from(mapped_area, run, run.c.id == mapped_area.c.run_id)
        of_runs = of_runs.where(run.c.region == model.region, run.c.bundle == model.bundle)
        mapped = read_frame(connection, of_runs).geometry.array
        area = shapely.union_all(mapped[shapely.intersects(mapped, persons)]).intersection(persons)
        if area.area > 0:
            areas[model] = area
    return areas


def _landslides(connection: sa.Connection, conditions: list[sa.ColumnElement[bool]]) -> geopandas.GeoDataFrame:
    """Candidates and confirmed landslides."""
    columns = (landslide.c.id, review_state(), landslide.c.geom)
    shown = landslide.c.status.in_([Status.CANDIDATE.value, Status.CONFIRMED.value])
    return read_frame(connection, sa.select(*columns).where(*conditions, shown))


def _counts_there(
    connection: sa.Connection, model: _Model, area: BaseGeometry | None, slides: geopandas.GeoDataFrame | None
) -> dict[str, Any]:
    """The counts of the landslides in an area, and the recall.

    Args:
        connection: within a `Database.read` block.
        model: whose runs are counted.
        area: where both the model mapped and a person has drawn every landslide, EPSG:4326; None where there is none.
        slides: candidates and confirmed landslides, as `_landslides` reads them.
    """
    if area is None or slides is None:
        return dict.fromkeys(("true_there", "found_there", "undecided_there", "recall"))
    shapely.prepare(area)
    inside = shapely.contains(area, shapely.point_on_surface(slides.geometry.to_numpy()))
    is_true = inside & (slides["review_state"] == ReviewState.ACCEPTED.value)
    mapped = _mapped_by_runs()
    by_model = sa.select(mapped.c.landslide_id).where(mapped.c.region == model.region, mapped.c.bundle == model.bundle)
    is_found = is_true & slides["id"].isin(set(connection.execute(by_model).scalars()))
    true_count, found_count = int(np.count_nonzero(is_true)), int(np.count_nonzero(is_found))
    return {
        "true_there": true_count,
        "found_there": found_count,
        "undecided_there": int(np.count_nonzero(inside)) - true_count,
        "recall": found_count / true_count if true_count else None,
    }
