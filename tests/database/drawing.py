"""Outlines on a grid, drawn by somebody in some year, and what is believed of them."""

from datetime import date

import geopandas
import pandas as pd
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from tests.database.test_building import table
from tsmu import database as db
from tsmu.database import observation_table as observation
from tsmu.issues import IssueLog

STEP = 0.001  # degrees


LIVE = ["candidate", "confirmed", "rejected"]


def cells(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A rectangle, in steps from 7 degrees east and 46 north."""
    return box(7 + west * STEP, 46 + south * STEP, 7 + east * STEP, 46 + north * STEP)


def draw(database: db.Database, year: int | None, *shapes: BaseGeometry, by: str = "eva") -> None:
    """Somebody's inventory of a year."""
    days = (date(year, 1, 1), date(year, 12, 31)) if year else (None, None)
    outlines = geopandas.GeoSeries(list(shapes), crs=4326)
    db.add_inventory(database, outlines, IssueLog("test"), name=f"of {year}", mapper=by, dates=days)


def live(database: db.Database) -> pd.DataFrame:
    """What is believed, and on which observations, whatever the way it came about."""
    found = pd.DataFrame(db.query(database, db.Filters(status=LIVE)))
    links = table(database, observation).groupby("landslide_id")["id"].agg(lambda ids: " ".join(sorted(ids)))
    found["observations"] = found["id"].map(links)
    found["geometry"] = shapely.to_wkb(found["geometry"].to_numpy(), hex=True)
    stamp = ["version", "author", "changed_by", "changed_at", "change_reason"]
    return found.drop(columns=stamp).astype(object).sort_values("id", ignore_index=True)


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one.where(one.notna(), None).equals(other.where(other.notna(), None))


def areas(database: db.Database) -> list[int]:
    """Areas of the landslides in steps squared."""
    return sorted(round(shape.area / STEP**2) for shape in db.query(database, db.Filters(status=LIVE)).geometry)


def decided(database: db.Database, status: str = "confirmed") -> str:
    """A landslide of 2014 on which a person decided, and one of 2015 that overlaps it."""
    draw(database, 2014, cells(0, 0, 4, 4))
    db.merge(database, by="eva")
    first = str(db.query(database)["id"].item())
    db.review(database, first, status=status, by="eva", why="seen")
    draw(database, 2013, cells(0, 0, 4, 5))
    return first
