"""Merge seven yearly inventories of one place into landslides, count them per year, and draw examples.

    python benchmarks/scripts/nepal_inventories.py Nepal.zip FOLDER

Nepal.zip is the data set of Bhuyan et al. 2023, doi 10.1038/s41598-022-27352-y. FOLDER must be new; the script writes
the database, `counts.md` and `spots.png` into it. The picture shows the landslides with the most observations, with the
outlines of each year in its own colour and the outlines of the landslides dashed.
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

EXAMPLES = 6  # landslides that are drawn


def main(source: str, folder: str) -> None:
    """Import the inventories, merge them, write the counts and draw examples."""
    out = Path(folder)
    out.mkdir()
    with db.open_database(out / "landslides.gpkg", create=True) as database:
        db.import_file(database, Path(source), IssueLog(source))
        merged = db.merge(database, by="benchmark")
        landslides = db.query(database, db.Filters(status=["candidate"]))
        observed = read_observations(database)
    counts = count_table(landslides, observed)
    (out / "counts.md").write_text(counts, encoding="utf-8")
    draw_examples(landslides, observed, out / "spots.png")
    print(f"{merged.observations} observations, {merged.landslides} landslides\n\n{counts}")


def read_observations(database: db.Database) -> geopandas.GeoDataFrame:
    """Read every observed outline with the year of its images."""
    observation, scene = db.observation_table, db.scene_table
    columns = (observation.c.landslide_id, observation.c.geom, scene.c.date_post)
    with database.read() as connection:
        rows = db.read_frame(connection, observation.join(scene).select().with_only_columns(*columns))
    return rows.assign(year=rows["date_post"].dt.year)


def count_table(landslides: geopandas.GeoDataFrame, observed: geopandas.GeoDataFrame) -> str:
    """Count landslides by the year of their first observation and by the number of years with one, as Markdown."""
    first = observed.groupby("landslide_id")["year"].min()
    years = observed.groupby("landslide_id")["year"].nunique()
    rows = pd.crosstab(first.loc[landslides["id"]], years.loc[landslides["id"]])
    head = ["first seen", "polygons that year", "new landslides", *(f"seen in {n}" for n in rows)]
    lines: list[list[object]] = [[*head], ["---"] * len(head)]
    drawn = observed["year"].value_counts()
    lines += [[year, drawn[year], row.sum(), *row] for year, row in rows.iterrows()]
    lines.append(["all", len(observed), len(landslides), *rows.sum()])
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def draw_examples(landslides: geopandas.GeoDataFrame, observed: geopandas.GeoDataFrame, path: Path) -> None:
    """Draw the landslides with the most observations, each in a panel of its own."""
    outlines = landslides.set_index("id").geometry
    chosen = (
        observed["landslide_id"]
        .value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
        .index[:EXAMPLES]
    )
    figure, panels = pyplot.subplots(2, EXAMPLES // 2, figsize=(12, 8), layout="constrained")
    for panel, landslide_id in zip(panels.flat, chosen, strict=True):
        own = observed[observed["landslide_id"] == landslide_id]
        for year, shapes in own.groupby("year"):
            colour = to_hex(pyplot.get_cmap("viridis")((year - observed["year"].min()) / 6))
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
