"""`tsmu chips ...`: the training set out of labelled pairs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import (
    Answer,
    DemOption,
    JsonOption,
    StrictOption,
    TerrainOption,
    WorkspaceOption,
    command,
    find_workspace,
    finite,
    progress,
)
from tsmu.errors import ChipError

if TYPE_CHECKING:
    import geopandas
    import pandas

    from tsmu.chips.pair_chips import PairChips
    from tsmu.imagery.pair_terrain import Elevations
    from tsmu.workspace_folder import WorkspaceFolder

app = typer.Typer(help="The training set.", no_args_is_help=True)


@app.callback()
def chips() -> None:
    """Keep `chips` a group while it has one command."""


def tell_sides(
    answer: Answer, region: str, chips: "geopandas.GeoDataFrame", remedy: str = "add chips from other places"
) -> dict[str, int]:
    """Say how a region's chips are split, and what follows and what to do where a side has none."""
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
            answer.say(f"warning: {region} has no {split} chips, so {effect}; {remedy}")
    return sides


@app.command("build")
def build(
    size: Annotated[int, typer.Option(min=32, help="Side of a chip, pixels.")] = 512,
    stride: Annotated[int | None, typer.Option(min=1, help="From one chip to the next; by default the size.")] = None,
    negatives: Annotated[
        float, typer.Option(min=0, max=1000, callback=finite, help="Chips without landslides per chip with one.")
    ] = 0.5,
    gap: Annotated[
        float,
        typer.Option(
            min=0, callback=finite, metavar="METRES", help="Chips on different sides of the split are so far apart."
        ),
    ] = 200.0,
    dem: DemOption = None,
    terrain: TerrainOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Cut the labelled pairs into chips, read by window from the pairs, and split them without leaks.

    Pairs nearer than the gap go to one side together. Where that leaves a side of a region empty, its
    largest places are cut into blocks with a gap between them.
    """
    with command("chips build", as_json) as answer:
        from tsmu.chips.blocks import block_groups, read_blocks, write_blocks
        from tsmu.chips.index import add_to_index, bands_beside, bands_of, only_trained, read_index
        from tsmu.chips.pair_chips import chips_from_pairs
        from tsmu.chips.sides import forget, read_sides, sides_of_pairs
        from tsmu.chips.windows import Cutting
        from tsmu.imagery.pair_import import remember_terrain, with_events
        from tsmu.imagery.pair_store import require_pairs
        from tsmu.imagery.pair_terrain import Elevations, with_terrain
        from tsmu.issues import IssueLog
        from tsmu.labels.reviewed import is_reviewed
        from tsmu.labels.store import require_labels, with_masks
        from tsmu.model import is_learned

        space = find_workspace(workspace)
        pairs = with_masks(with_events(space, require_pairs(space)), require_labels(space))
        unlabelled, nowhere = pairs["mask"].isna(), pairs["region"].isna()
        usable = pairs[~unlabelled & ~nowhere]
        if usable.empty:
            raise ChipError(_why_no_pair(space, pairs, unlabelled))
        usable = usable.assign(reviewed=[is_reviewed(space, Path(mask)) for mask in usable["mask"]])
        elevations = Elevations.of(dem, terrain)
        log = IssueLog(space.pairs, part="chips", strict=strict)
        with space.lock("tsmu chips build"), progress("Cutting pairs") as show:
            earlier, blocks = read_index(space), read_blocks(space)
            free = {name for name in only_trained(earlier, space.pairs) if not is_learned(space.models, name)}
            beside = bands_beside(earlier, space.pairs)
            if elevations:
                _check_terrain(space, beside, elevations)
            sides = forget(read_sides(space, earlier), free, str(space.pairs))
            try:
                shown = with_terrain(usable, elevations, space.pair_files, log) if elevations else usable
                made = chips_from_pairs(
                    shown,
                    Cutting(size, stride or size, negatives, gap),
                    str(space.pairs),
                    log,
                    bands=beside,
                    bands_before=_bands_before(earlier, space.pairs, elevations),
                    blocks=blocks,
                    sided=sides_of_pairs(usable, sides, str(space.pairs), block_groups(blocks)),
                    progress=lambda done, total: show(done, total, ""),
                )
            finally:
                answer.take_issues(log, space.issues)
            found = made.chips
            if elevations:
                remember_terrain(space, shown)
            write_blocks(space, made.blocks)
            index = add_to_index(space, found, gap_m=gap, blocks=block_groups(made.blocks), free=free)
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
            "cut": list(made.cut),
        }
        if elevations:
            answer.tell_terrain(elevations)
        _tell_blocks(answer, made, gap)
        if len(made.blocks):
            answer.outputs["blocks"] = str(space.blocks)
        regions = sorted(set(mine["region"]))
        answer.more["regions"] = {
            region: tell_sides(answer, region, mine, _remedy(made.uncut.get(region, []))) for region in regions
        }
        if len(usable) < len(pairs):
            answer.say(
                f"no chips from {unlabelled.sum()} pairs without a label (tsmu import labels) and "
                f"{(nowhere & ~unlabelled).sum()} without a region"
            )
            if (nowhere & ~unlabelled).any():
                answer.say(_how_to_name_regions(space, pairs[nowhere & ~unlabelled]))
        answer.say(f"{len(found)} chips in {answer.more['groups']} spatial groups; next: tsmu update {regions[0]}")


def _why_no_pair(space: "WorkspaceFolder", pairs: "geopandas.GeoDataFrame", unlabelled: "pandas.Series[bool]") -> str:
    """Why no pair can give chips, and what gives them what they lack."""
    if unlabelled.all():
        return f"{space.pairs}: none of its {len(pairs)} pairs has a label; label them with: tsmu import labels DIR"
    labelled = pairs[~unlabelled]
    return f"{space.pairs}: none of its {len(labelled)} labelled pairs has a region; " + _how_to_name_regions(
        space, labelled
    )


def _how_to_name_regions(space: "WorkspaceFolder", pairs: "geopandas.GeoDataFrame") -> str:
    """How pairs without a region get one."""
    from tsmu.cli.imports import region_advice
    from tsmu.imagery.pair_regions import assign_pairs
    from tsmu.regions import RegionMap

    if space.regions.exists() and assign_pairs(pairs, RegionMap.load(space.regions))["region"].notna().any():
        return "they lie in regions of the region map; take them over with: tsmu regions assign"
    return region_advice(pairs["source"].iloc[0], space.regions.exists())


def _check_terrain(space: "WorkspaceFolder", beside: Sequence[str] | None, elevations: "Elevations") -> None:
    """Refuse terrain bands, before any is derived, that chips of other sources or the current model do not have.

    Args:
        space: whose current model counts.
        beside: the band list of its chips of other sources; None without.
        elevations: what is asked for.

    Raises:
        ChipError: they have other terrain bands, or none.
    """
    from tsmu.imagery.terrain import terrain_bands
    from tsmu.model import current_bundle

    bundle = current_bundle(space.models)
    known = {"the workspace's chips of other sources have": beside}
    if bundle is not None:
        known[f"the model {bundle.name} has"] = bundle.record.bands
    for whose, bands in known.items():
        if bands is None or terrain_bands(bands) == tuple(elevations.bands):
            continue
        had = ",".join(terrain_bands(bands))
        remedy = f"give --terrain {had}" if had else "leave out --dem"
        raise ChipError(
            f"{elevations.dem}: would give the terrain bands {','.join(elevations.bands)}, {whose} "
            f"{had or 'none'}; {remedy}, or use another workspace (tsmu init DIR)"
        )


def _bands_before(
    chips: "geopandas.GeoDataFrame", source: Path, elevations: "Elevations | None"
) -> tuple[str, ...] | None:
    """The one band list that a source's chips had, with the terrain that is asked for now; None without."""
    from tsmu.imagery.terrain import ROLE, terrain_bands

    lists = {tuple(bands) for bands in chips[chips["source"] == str(source)]["bands"]}
    if len(lists) != 1:
        return None
    (before,) = lists
    if elevations is None:
        return before
    images = before[: len(before) - len(terrain_bands(before))]
    return (*images, *(f"{ROLE}:{band}" for band in elevations.bands))


def _remedy(reasons: list[str]) -> str:
    """What to do where a side is empty, after the reasons why."""
    why = "; ".join(reasons) or "it has too few landslides"
    return f"{why}: add scenes of other places, or, if the ground is too small, try a smaller --gap or --size"


def _tell_blocks(answer: Answer, made: "PairChips", gap: float) -> None:
    """Say which ground is cut into blocks: now, or before."""
    from tsmu.chips.blocks import blocks_of

    used = set(made.chips["group"])
    for ground in sorted(set(made.blocks["ground"])):
        blocks = sorted(blocks_of(made.blocks, ground), key=lambda block: block.low)
        if used & {block.group for block in blocks}:
            first, last = ("west", "east") if blocks[0].axis == "longitude" else ("south", "north")
            shown = ", ".join(block.split for block in blocks)
            when = "too few places for three sides, so the ground of" if ground in made.cut else "as before, that of"
            answer.say(f"{when} {ground} is cut from {first} to {last} into {shown}, {gap:g} m apart")
