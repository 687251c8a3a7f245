"""The landslides that some runs show in their scenes, and what people decided in these scenes."""

from collections.abc import Collection

import geopandas
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.schema import landslide, observation, record_columns, scene
from tsmu.database.storage import Database, read_frame
from tsmu.database.vocabulary import Author


def landslides_in_scenes(
    database: Database, names: Collection[str], runs: Collection[str], area: BaseGeometry
) -> geopandas.GeoDataFrame:
    """The present versions of the landslides that runs show in scenes, and of those that people decided on there.

    Candidates that only other runs show, with another threshold or by another model, are left out.

    Args:
        database: open.
        names: of the scenes.
        runs: ids of the runs.
        area: in which the landslides lie, EPSG:4326; those at its border count.

    Returns:
        The columns of `query`, and `probability`: the highest mean probability of these runs' outlines, 0 to 1, else
        that of any run in these scenes, missing where only people drew it; and `dates`: on how many days of imagery it
        was observed in these scenes, 0 where no day is known. EPSG:4326, in the order of the ids.

    Raises:
        DatabaseError: the database cannot be read.

    Example:
        >>> with database.read() as connection:
        ...     runs = connection.execute(sa.select(run_table.c.id)).scalars().all()
        >>> list(landslides_in_scenes(database, ["ridge"], runs, shapely.box(7, 46, 7.1, 46.1)).columns[-2:])
        ['probability', 'dates']
    """
    by_runs, by_person = observation.c.run_id.in_(list(runs)), observation.c.mapper.is_not(None)
    mean = observation.c.mean_probability
    seen = (
        sa.select(
            observation.c.landslide_id,
            sa.func.coalesce(sa.func.max(sa.case((by_runs, mean))), sa.func.max(mean)).label("probability"),
            sa.func.count(sa.distinct(scene.c.date_post)).label("dates"),
            sa.func.max(sa.case((sa.or_(by_runs, by_person), 1), else_=0)).label("is_shown"),
        )
        .join(scene, observation.c.scene_id == scene.c.id)
        .where(scene.c.name.in_(list(names)), observation.c.landslide_id.is_not(None))
        .group_by(observation.c.landslide_id)
        .subquery()
    )
    shown = sa.or_(seen.c.is_shown == 1, landslide.c.author == Author.PERSON.value)
    present = sa.select(*record_columns(landslide)).join(seen, landslide.c.id == seen.c.landslide_id).where(shown)
    with database.read() as connection:
        rows = read_frame(connection, present.order_by(landslide.c.id))
        seen_by_id = {row.landslide_id: row for row in connection.execute(sa.select(seen))}
    rows["probability"] = [seen_by_id[landslide_id].probability for landslide_id in rows["id"]]
    rows["probability"] = rows["probability"].astype(float)
    rows["dates"] = [int(seen_by_id[landslide_id].dates) for landslide_id in rows["id"]]
    return rows[rows.geometry.intersects(area)].reset_index(drop=True)
