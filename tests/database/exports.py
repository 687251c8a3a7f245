"""Exports of a database and what comes back from them, for several tests."""

from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely

from tsmu import database as db
from tsmu.database.storage import as_multipolygons
from tsmu.issues import IssueLog

DAYS = {"date_pre": date(2024, 4, 1), "date_post": date(2024, 5, 1)}


def other(tmp_path: Path) -> db.Database:
    return db.open_database(tmp_path / "other.gpkg", create=True)


def take(database: db.Database, path: Path) -> tuple[db.ImportResult, IssueLog]:
    log = IssueLog(path)
    return db.import_file(database, path, log), log


def assert_same(found: geopandas.GeoDataFrame, wanted: geopandas.GeoDataFrame, columns: list[str]) -> None:
    found, wanted = (frame.sort_values("id").reset_index(drop=True) for frame in (found, wanted))
    pd.testing.assert_frame_equal(
        pd.DataFrame(found[columns]), pd.DataFrame(wanted[columns]), check_dtype=False, rtol=1e-12
    )
    there, here = (shapely.normalize(as_multipolygons(np.array(frame.geometry.array))) for frame in (found, wanted))
    assert shapely.equals_exact(there, here, 1e-12).all()
