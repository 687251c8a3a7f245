"""Seven yearly inventories of Nepal: the counts of docs/merging.md."""

import random
from pathlib import Path

import pandas as pd

from tests.database.drawing import draw, live
from tests.database.test_building import table
from tsmu import database as db
from tsmu.database import observation_table as observation
from tsmu.inventory import import_inventory
from tsmu.issues import IssueLog

NEPAL = {2013: 35, 2014: 21, 2015: 98, 2016: 28, 2017: 18, 2018: 12, 2019: 24}


def test_seven_years_in_nepal(database: db.Database, shared_data: Path) -> None:
    """The counts of docs/merging.md; another order gives the same landslides."""
    file = shared_data / "inventories" / "bhuyan_multitemporal" / "Nepal.zip"
    years = import_inventory(file, None, None, IssueLog(file)).events.groupby("layer")
    for year in random.Random(0).sample(list(NEPAL), len(NEPAL)):
        draw(database, year, *years.get_group(str(year)).geometry, by="Bhuyan et al. 2023")
        if year % 3 == 0:
            db.merge(database, by="eva")
    db.merge(database, by="eva")
    found = live(database)
    seen = table(database, observation)
    assert len(seen) == sum(NEPAL.values())
    assert len(found) == 218
    looks = seen.groupby("landslide_id")["scene_id"].nunique()
    assert looks.value_counts().to_dict() == {1: 204, 2: 13, 3: 1}
    first = pd.to_datetime(found["date_max"]).dt.year.value_counts().to_dict()
    assert first == {2013: 35, 2014: 18, 2015: 96, 2016: 23, 2017: 14, 2018: 11, 2019: 21}
