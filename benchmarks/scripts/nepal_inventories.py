"""Seven yearly inventories of one place become landslides: counts per year, and pictures of those seen most often.

    python benchmarks/scripts/nepal_inventories.py Nepal.zip FOLDER

Nepal.zip: Bhuyan et al. 2023, doi 10.1038/s41598-022-27352-y. Into FOLDER, which must be new, go the
database, `counts.md` and `spots.png`: the landslides with the most observations, each year's outlines in its
colour and what is believed of them dashed.
"""

import sys
from pathlib import Path

import geopandas
import matplotlib
import pandas as pd

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.colors import to_hex

from tsmu import database as db
from tsmu.issues import IssueLog

SPOTS = 6


def main(source: str, folder: str) -> None:
    """Import, merge, count, draw."""
    out = Path(folder)
    out.mkdir()
    with db.open_database(out / "landslides.gpkg", create=True) as database:
        db.import_file(database, Path(source), IssueLog(source))
        done = db.merge(database, by="benchmark")
        believed = db.query(database, db.Filters(status=["candidate"]))
        seen = observations(database)
    counts = table(believed, seen)
    (out / "counts.md").write_text(counts, encoding="utf-8")
    draw(believed, seen, out / "spots.png")
    print(f"{done.observations} observations, {done.landslides} landslides\n\n{counts}")


def observations(database: db.Database) -> geopandas.GeoDataFrame:
    """Every outline with the year of its images."""
    from tsmu.database import observation_table as observation
    from tsmu.database import read_frame
    from tsmu.database import scene_table as scene

    columns = (observation.c.landslide_id, observation.c.geom, scene.c.date_post)
    with database.read() as connection:
        found = read_frame(connection, observation.join(scene).select().with_only_columns(*columns))
    return found.assign(year=found["date_post"].dt.year)


def table(believed: geopandas.GeoDataFrame, seen: geopandas.GeoDataFrame) -> str:
    """Markdown: by the year in which a landslide was first seen, how many there are and in how many years."""
    first = seen.groupby("landslide_id")["year"].min()
    years = seen.groupby("landslide_id")["year"].nunique()
    rows = pd.crosstab(first.loc[believed["id"]], years.loc[believed["id"]])
    head = ["first seen", "polygons that year", "new landslides", *(f"seen in {n}" for n in rows)]
    lines = [head, ["---"] * len(head)]
    drawn = seen["year"].value_counts()
    lines += [[year, drawn[year], row.sum(), *row] for year, row in rows.iterrows()]
    lines.append(["all", len(seen), len(believed), *rows.sum()])
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def draw(believed: geopandas.GeoDataFrame, seen: geopandas.GeoDataFrame, path: Path) -> None:
    """The landslides with the most observations, a panel each."""
    outlines = believed.set_index("id").geometry
    chosen = seen["landslide_id"].value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:SPOTS]
    figure, panels = pyplot.subplots(2, SPOTS // 2, figsize=(12, 8), layout="constrained")
    for panel, landslide_id in zip(panels.flat, chosen, strict=True):
        own = seen[seen["landslide_id"] == landslide_id]
        for year, shapes in own.groupby("year"):
            colour = to_hex(pyplot.get_cmap("viridis")((year - seen["year"].min()) / 6))
            shapes.geometry.plot(ax=panel, color=colour, alpha=0.3)
            shapes.geometry.boundary.plot(ax=panel, color=colour)
            panel.plot([], [], color=colour, label=str(year))
        outlines.loc[[landslide_id]].boundary.plot(ax=panel, color="black", linestyle="--", linewidth=0.8)
        panel.set_title(f"{landslide_id[:8]}: {len(own)} outlines", fontsize=9)
        panel.legend(fontsize=8)
        panel.tick_params(labelsize=6)
        panel.ticklabel_format(useOffset=False)
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:])
