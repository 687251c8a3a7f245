"""What a landslide's observations say together, whatever the order in which they came.

- Outline: that of the delineation that shows most of it, all its parts together. Outlines that draw several
  landslides as one do not count (see `grouping`), and of several runs on one scene only the newest model's does, of
  whose runs that which was asked for last.
- Days: it happened between the last image before and the first image after it. `date_max` is the
  earliest post-event day; `date_min` the latest pre-event day that is not after it. Where an inventory dates a
  landslide, these are the days of that observation, and not those of its images.
- Region: that of the first observation whose run names one.
"""

import re

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.merging.grouping import ObservationGroups
from tsmu.database.schema import observation, run, scene
from tsmu.database.storage import Shapes, as_multipolygons, geodesic_areas, read_frame
from tsmu.evaluate import Positions


def read_observations(connection: sa.Connection) -> geopandas.GeoDataFrame:
    """Read all observations in the order of `grouping`, with the days, model and region of their delineations.

    Returns:
        EPSG:4326; columns `id`, `landslide_id`, `scene_id`, `run_id`, `mapper`, `area_m2`, `date_pre` and
        `date_post` (those that an inventory gives it, else its images'), `version` (a text by which the versions of
        models sort; "" for a person's), `region`, `asked_at` (when its run was asked for last; missing for a
        person's) and `delineation`, a number.
    """
    own = [observation.c[name] for name in ("id", "landslide_id", "scene_id", "run_id", "mapper", "area_m2", "geom")]
    first = sa.func.coalesce(observation.c.date_min, scene.c.date_pre).label("date_pre")
    last = sa.func.coalesce(observation.c.date_max, scene.c.date_post).label("date_post")
    asked = sa.func.coalesce(run.c.asked_at, run.c.created_at).label("asked_at")
    query = (
        sa.select(*own, first, last, run.c.bundle, run.c.region, asked)
        .join(scene, scene.c.id == observation.c.scene_id)
        .outerjoin(run, run.c.id == observation.c.run_id)
    )
    observed = read_frame(connection, query)
    bundles = observed.pop("bundle").fillna("")
    observed["version"] = bundles.map({name: _version_order(name) for name in bundles.unique()}).astype(str)
    observed["delineation"] = observed.groupby(["scene_id", "run_id", "mapper"], dropna=False, sort=False).ngroup()
    observed["smaller"] = -observed["area_m2"]
    observed = observed.sort_values(["date_post", "version", "smaller", "id"], na_position="last", ignore_index=True)
    return observed.drop(columns="smaller")


def consensus_of_groups(observed: geopandas.GeoDataFrame, groups: ObservationGroups) -> geopandas.GeoDataFrame:
    """What the observations of each group say together.

    Args:
        observed: as `read_observations` returns them, or some of them in that order.
        groups: of these observations.

    Returns:
        EPSG:4326; one row per group, the index is its founder's position; `area_m2`, `date_min`, `date_max`,
        `region`, and the numbers of `observations` and `delineations` that it rests on.
    """
    rows = pd.DataFrame(observed.drop(columns="geometry")).assign(founder=groups.founder)
    grouped = rows.groupby("founder", sort=True)
    last = grouped["date_post"].min()
    before = rows["date_pre"].where(
        # Negated, so that a comparison with a missing day, which is false, keeps the row.
        ~(rows["date_pre"].to_numpy() > last.reindex(rows["founder"]).to_numpy())
    )
    merged = pd.DataFrame(
        {
            "date_min": before.groupby(rows["founder"], sort=True).max(),
            "date_max": last,
            "region": grouped["region"].first(),
            "observations": grouped.size(),
            "delineations": grouped["delineation"].nunique(),
        }
    )
    drawn_from = _outline_observations(rows, groups.amalgamated)
    outlines, areas = _unite(np.asarray(observed.geometry.array), rows, drawn_from)
    return geopandas.GeoDataFrame(merged.assign(area_m2=areas), geometry=outlines, crs=observed.crs)


def _outline_observations(rows: pd.DataFrame, amalgamated: npt.NDArray[np.bool_]) -> Positions:
    """Give the positions of the observations from whose outlines the landslides are drawn, by the module's rule."""
    rows = rows[~amalgamated]
    # Runs are ranked by the version of their model, then by when they were asked for, then by id, all as one text.
    asked = rows["asked_at"].dt.strftime("%Y%m%d%H%M%S.%f").fillna("")
    sort_key = rows["version"] + " " + asked + " " + rows["run_id"].fillna("")
    rank = pd.Series(np.unique(sort_key.to_numpy(dtype=str), return_inverse=True)[1], index=rows.index)
    newest = rank.groupby([rows["founder"], rows["scene_id"]], sort=False).transform("max")
    rows = rows[rows["run_id"].isna() | (rank == newest)]
    # Of each landslide the delineation whose parts together cover most; of several that cover as much the first.
    shown_area = rows.groupby(["founder", "delineation"], sort=False)["area_m2"].transform("sum")
    most = shown_area.groupby(rows["founder"], sort=False).transform("max")
    best = rows[shown_area == most]
    first = best.groupby("founder", sort=False)["delineation"].transform("first")
    return best.index[best["delineation"] == first].to_numpy(dtype=np.intp)


def _version_order(bundle: str) -> str:
    """A text by which names of model versions sort by their numbers: v1000 after v999."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(9), bundle)


def _unite(shapes: Shapes, rows: pd.DataFrame, drawn_from: Positions) -> tuple[Shapes, npt.NDArray[np.float64]]:
    """The outline of each group and its area, from one observation or from several parts, ordered by the founder."""
    drawn_from = drawn_from[np.lexsort((drawn_from, rows["founder"].to_numpy()[drawn_from]))]
    founder = rows["founder"].to_numpy()[drawn_from]
    starts = np.flatnonzero(np.diff(founder, prepend=-1))
    sizes = np.diff(starts, append=len(founder))
    outlines = shapes[drawn_from[starts]].copy()
    areas = rows["area_m2"].to_numpy()[drawn_from[starts]].copy()
    several = np.flatnonzero(sizes > 1)
    for group in several:
        parts = drawn_from[starts[group] : starts[group] + sizes[group]]
        outlines[group] = shapely.union_all(shapes[parts])
    outlines[several] = as_multipolygons(outlines[several])
    areas[several] = geodesic_areas(outlines[several])
    return outlines, areas
