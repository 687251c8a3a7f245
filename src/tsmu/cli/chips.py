"""`tsmu chips ...`: the training set out of labelled pairs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import Answer, JsonOption, StrictOption, WorkspaceOption, command, find_workspace, progress

if TYPE_CHECKING:
    import geopandas

app = typer.Typer(help="The training set.", no_args_is_help=True)


@app.callback()
def chips() -> None:
    """Keep `chips` a group while it has one command."""


def tell_sides(answer: Answer, region: str, chips: "geopandas.GeoDataFrame") -> dict[str, int]:
    """Say how a region's chips are split, and what follows where a side has none."""
    from tsmu.chips.index import select
    from tsmu.chips.splits import GAP, SPLITS

    sides = {split: len(select(chips, region, split)) for split in (*SPLITS, GAP)}
    between = f", {sides[GAP]} between the sides and on none" if sides[GAP] else ""
    answer.say(f"{region}: {', '.join(f'{sides[split]} {split}' for split in SPLITS)}{between}")
    for split, effect in (
        ("val", "its threshold will be chosen on the training chips"),
        ("test", "nothing will tell how well it is learned"),
    ):
        if not sides[split]:
            answer.say(f"warning: {region} has no {split} chips, so {effect}; add chips from other places")
    return sides


@app.command("build")
def build(
    size: Annotated[int, typer.Option(min=32, help="Side of a chip, pixels.")] = 512,
    stride: Annotated[int | None, typer.Option(min=1, help="From one chip to the next; by default the size.")] = None,
    negatives: Annotated[
        float, typer.Option(min=0, max=1000, help="Chips without landslides per chip with one.")
    ] = 0.5,
    gap: Annotated[
        float, typer.Option(min=0, metavar="METRES", help="Footprints nearer than this stay on one side of the split.")
    ] = 200.0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Cut the labelled pairs into chips, read by window from the pairs, and split them without leaks."""
    with command("chips build", as_json) as answer:
        from tsmu.chips.index import add_to_index, bands_beside, bands_of, read_index
        from tsmu.chips.windows import Cutting, chips_from_pairs
        from tsmu.imagery.pair_import import with_events
        from tsmu.imagery.pair_store import require_pairs
        from tsmu.issues import IssueLog
        from tsmu.labels.reviewed import is_reviewed
        from tsmu.labels.store import require_labels, with_masks

        space = find_workspace(workspace)
        pairs = with_masks(with_events(space, require_pairs(space)), require_labels(space))
        unlabelled, nowhere = pairs["mask"].isna(), pairs["region"].isna()
        usable = pairs[~unlabelled & ~nowhere]
        usable = usable.assign(reviewed=[is_reviewed(space, Path(mask)) for mask in usable["mask"]])
        log = IssueLog(space.pairs, part="chips", strict=strict)
        with space.lock("tsmu chips build"), progress("Cutting pairs") as show:
            try:
                found = chips_from_pairs(
                    usable,
                    Cutting(size, stride or size, negatives, gap),
                    str(space.pairs),
                    log,
                    bands=bands_beside(read_index(space), space.pairs),
                    progress=lambda done, total: show(done, total, ""),
                )
            finally:
                answer.take_issues(log, space.issues)
            index = add_to_index(space, found)
        mine = index[index["source"] == str(space.pairs)]
        answer.records = len(found)
        answer.outputs["chips"] = str(space.chips)
        answer.more = {
            "bands": list(bands_of(found)),
            "pairs": len(usable),
            "unlabelled_pairs": int(unlabelled.sum()),
            "pairs_without_region": int(nowhere.sum()),
            "groups": int(mine["group"].nunique()),
            "with_landslides": int((mine["landslide_pixels"] > 0).sum()),
            "regions": {region: tell_sides(answer, region, mine) for region in sorted(set(mine["region"]))},
        }
        if len(usable) < len(pairs):
            answer.say(
                f"no chips from {unlabelled.sum()} pairs without a label (tsmu import labels) and "
                f"{(nowhere & ~unlabelled).sum()} without a region (tsmu regions assign)"
            )
        answer.say(f"{len(found)} chips in {answer.more['groups']} spatial groups; next: tsmu update REGION")
