"""`tsmu labels ...`: what people found out goes back to where the model learns."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command, find_workspace, finite

if TYPE_CHECKING:
    from tsmu.database import SceneEvidence
    from tsmu.issues import IssueLog
    from tsmu.workspace_folder import WorkspaceFolder

app = typer.Typer(help="Labels out of what was reviewed.", no_args_is_help=True)
COLUMNS = ("id", "post", "pre", "date_pre", "date_post", "region")


@app.callback()
def labels() -> None:
    """Keep `labels` a group while it has one command."""


@app.command("from-review")
def from_review(
    around: Annotated[
        float,
        typer.Option(
            min=0,
            max=1e6,
            callback=finite,
            metavar="METRES",
            help="How far around a decided outline the ground is known, too.",
        ),
    ] = 50.0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make pairs and labels of the reviewed scenes; what nobody looked at is unknown in them."""
    with command("labels from-review", as_json) as answer:
        space = find_workspace(workspace)
        from tsmu.database import open_database, scene_evidence
        from tsmu.errors import LabelError
        from tsmu.imagery.pair_import import take_pairs
        from tsmu.issues import IssueLog
        from tsmu.labels import REVIEW_FOLDER, MaskWriter, ReviewedOutlines, review_mask, store_labels

        with open_database(space.database) as records:
            found = list(scene_evidence(records))
        if not found:
            raise LabelError(f"{space.database}: nobody has decided on anything yet; decide with: tsmu serve --write")
        log = IssueLog(space.root, part="review")
        table = space.label_files / REVIEW_FOLDER / "scenes.csv"
        with space.lock("tsmu labels from-review"):
            by_post = _write_table(space, found, table, log)
            try:
                pairs = take_pairs(space, table, log)
            finally:
                answer.take_issues(log, space.issues)
            writer = MaskWriter(pairs, log, space.label_files / REVIEW_FOLDER, None)
            for pair, post in zip(pairs["id"], pairs["post"], strict=True):
                seen = by_post[str(Path(post).resolve())]
                shift = tuple(seen.scene[f"shift_{way}_m"] or 0.0 for way in ("east", "north"))
                said = ReviewedOutlines(
                    seen.landslides, seen.rejected, seen.undecided, seen.mapped_areas, (shift[0], shift[1]), around
                )
                mask = review_mask(said, Path(post), space.label_files / f"{pair}.tif")
                writer.write(pair, table, mask, len(seen.landslides))
            made = writer.table()
            store_labels(space, made)
        answer.records = len(made)
        answer.outputs["labels"] = str(space.labels)
        answer.more = {
            "confirmed": sum(len(seen.landslides) for seen in by_post.values()),
            "rejected": sum(len(seen.rejected) for seen in by_post.values()),
            "undecided": sum(len(seen.undecided) for seen in by_post.values()),
            "looked_at": sum(len(seen.mapped_areas) for seen in by_post.values()),
            "regions": sorted({seen.region for seen in by_post.values() if seen.region}),
        }
        answer.say(
            f"{len(made)} reviewed scenes labelled: {answer.more['confirmed']} landslides, "
            f"{answer.more['rejected']} rejected ones as background, {answer.more['undecided']} undecided as unknown"
        )
        answer.say("next: tsmu chips build, then tsmu update REGION")


def _write_table(
    space: "WorkspaceFolder", found: "list[SceneEvidence]", table: Path, log: "IssueLog"
) -> "dict[str, SceneEvidence]":
    """List the scenes whose images lie on this machine as pairs; gives them by their post image."""
    from tsmu.files import written_whole
    from tsmu.imagery.raster import is_remote

    listed: dict[str, SceneEvidence] = {}
    with written_whole(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        for seen in found:
            images = {side: seen.scene[side] for side in ("post", "pre")}
            if not images["post"] or any(image and is_remote(image) for image in images.values()):
                log.error(seen.scene["name"], "its images are not on this machine", "no labels made")
                continue
            paths = {side: str((space.root / image).resolve()) if image else "" for side, image in images.items()}
            if paths["post"] in listed:
                log.error(seen.scene["name"], "its post image is that of another reviewed scene", "no labels made")
                continue
            days = {side: seen.scene[side] or "" for side in ("date_pre", "date_post")}
            rows.writerow({"id": seen.scene["name"], "region": seen.region or ""} | paths | days)
            listed[paths["post"]] = seen
    return listed
