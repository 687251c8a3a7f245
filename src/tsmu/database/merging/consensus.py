"""What is believed of a landslide from its observations, whatever the order in which they came.

- Outline: that of the look that shows most of it, all its parts together. Outlines that draw several
  landslides as one do not count (see `matching`), and of several runs on one scene only the newest
  model's does.
- Days: it happened between the last image before and the first image after it. `date_max` is the
  earliest post-event day; `date_min` the latest pre-event day that is not after it.
- Region: that of the first observation whose run names one.
"""

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.merging.grouping import Groups, Positions
from tsmu.database.schema import observation, run, scene
from tsmu.database.storage.database import read_frame
from tsmu.database.storage.geometry import Shapes
from tsmu.database.storage.geometry_cleaning import as_multipolygons, geodesic_areas


def read_observations(connection: sa.Connection) -> geopandas.GeoDataFrame:
    """All observations in the order of `matching`, with the days, model and region of their looks.

    Returns:
        EPSG:4326; columns `id`, `landslide_id`, `scene_id`, `run_id`, `mapper`, `area_m2`, `date_pre`,
        `date_post`, `bundle` ("" for a person's), `region` and `look`, a number.
    """
    own = [observation.c[name] for name in ("id", "landslide_id", "scene_id", "run_id", "mapper", "area_m2", "geom")]
    query = (
        sa.select(*own, scene.c.date_pre, scene.c.date_post, run.c.bundle, run.c.region)
        .join(scene, scene.c.id == observation.c.scene_id)
        .outerjoin(run, run.c.id == observation.c.run_id)
    )
    seen = read_frame(connection, query)
    seen["bundle"] = seen["bundle"].fillna("")
    seen["look"] = seen.groupby(["scene_id", "run_id", "mapper"], dropna=False, sort=False).ngroup()
    seen["smaller"] = -seen["area_m2"]
    seen = seen.sort_values(["date_post", "bundle", "smaller", "id"], na_position="last", ignore_index=True)
    return seen.drop(columns="smaller")


def consensus_of_groups(seen: geopandas.GeoDataFrame, groups: Groups) -> geopandas.GeoDataFrame:
    """What is believed of each group.

    Args:
        seen: as `observations` gives them, or some of them in that order.
        groups: theirs.

    Returns:
        EPSG:4326; one row per group, the index is its founder's position; `area_m2`, `date_min`,
        `date_max`, `region`, and how many `observations` and `looks` it rests on.
    """
    rows = pd.DataFrame(seen.drop(columns="geometry")).assign(founder=groups.founder)
    grouped = rows.groupby("founder", sort=True)
    last = grouped["date_post"].min()
    before = rows["date_pre"].where(
        ~(rows["date_pre"].to_numpy() > last.reindex(rows["founder"]).to_numpy())  # so that no day stays unknown
    )
    found = pd.DataFrame(
        {
            "date_min": before.groupby(rows["founder"], sort=True).max(),
            "date_max": last,
            "region": grouped["region"].first(),
            "observations": grouped.size(),
            "looks": grouped["look"].nunique(),
        }
    )
    shapes, areas = _outlines(np.asarray(seen.geometry.array), rows, _speak(rows, groups.amalgamated))
    return geopandas.GeoDataFrame(found.assign(area_m2=areas), geometry=shapes, crs=seen.crs)


def _speak(rows: pd.DataFrame, amalgamated: npt.NDArray[np.bool_]) -> Positions:
    """Positions of the observations that make their landslide's outline."""
    rows = rows[~amalgamated]
    model = rows["bundle"].str.cat(rows["run_id"].fillna(""), sep=" ")
    model = pd.Series(np.unique(model.to_numpy(dtype=str), return_inverse=True)[1], index=rows.index)
    newest = model.groupby([rows["founder"], rows["scene_id"]], sort=False).transform("max")
    rows = rows[rows["run_id"].isna() | (model == newest)]
    shown = rows.groupby(["founder", "look"], sort=False)["area_m2"].transform("sum")
    most = shown.groupby(rows["founder"], sort=False).transform("max")
    best = rows[shown == most]
    first = best.groupby("founder", sort=False)["look"].transform("first")
    return best.index[best["look"] == first].to_numpy(dtype=np.intp)


def _outlines(shapes: Shapes, rows: pd.DataFrame, speak: Positions) -> tuple[Shapes, npt.NDArray[np.float64]]:
    """The outline of each group and its area, from one observation or from several parts, by the founder."""
    speak = speak[np.lexsort((speak, rows["founder"].to_numpy()[speak]))]
    founder = rows["founder"].to_numpy()[speak]
    starts = np.flatnonzero(np.diff(founder, prepend=-1))
    sizes = np.diff(starts, append=len(founder))
    outlines, areas = shapes[speak[starts]].copy(), rows["area_m2"].to_numpy()[speak[starts]].copy()
    several = np.flatnonzero(sizes > 1)
    for place in several:
        outlines[place] = shapely.union_all(shapes[speak[starts[place] : starts[place] + sizes[place]]])
    outlines[several] = as_multipolygons(outlines[several])
    areas[several] = geodesic_areas(outlines[several])
    return outlines, areas
