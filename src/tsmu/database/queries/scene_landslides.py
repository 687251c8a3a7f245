"""The landslides that were seen in some scenes, and how well."""

from collections.abc import Collection

import geopandas
import sqlalchemy as sa

from tsmu.database.schema import landslide, observation, record_columns, scene
from tsmu.database.storage import Database, read_frame


def landslides_in_scenes(database: Database, names: Collection[str]) -> geopandas.GeoDataFrame:
    """The present versions of the landslides that somebody or a run observed in scenes of these names.

    Args:
        database: open.
        names: of the scenes.

    Returns:
        The columns of `query`, and `probability`: the highest mean probability of a run's outlines in these scenes,
        0 to 1, missing where only people drew it; and `dates`: on how many days of imagery it was observed, 0 where no
        day is known. EPSG:4326, in the order of the ids.

    Raises:
        DatabaseError: the database cannot be read.

    Example:
        >>> list(landslides_in_scenes(database, ["ridge"]).columns[-2:])
        ['probability', 'dates']
    """
    seen = (
        sa.select(
            observation.c.landslide_id,
            sa.func.max(observation.c.mean_probability).label("probability"),
            sa.func.count(sa.distinct(scene.c.date_post)).label("dates"),
        )
        .join(scene, observation.c.scene_id == scene.c.id)
        .where(scene.c.name.in_(list(names)), observation.c.landslide_id.is_not(None))
        .group_by(observation.c.landslide_id)
        .subquery()
    )
    present = sa.select(*record_columns(landslide)).where(landslide.c.id.in_(sa.select(seen.c.landslide_id)))
    with database.read() as connection:
        rows = read_frame(connection, present.order_by(landslide.c.id))
        counts = {one.landslide_id: one for one in connection.execute(sa.select(seen))}
    rows["probability"] = [counts[name].probability for name in rows["id"]]
    rows["probability"] = rows["probability"].astype(float)
    rows["dates"] = [int(counts[name].dates) for name in rows["id"]]
    return rows
