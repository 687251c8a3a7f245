"""`tsmu export ...`: out of the workspace, for other programs."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import Answer, JsonOption, WorkspaceOption, command, find_workspace, progress
from tsmu.errors import ImageError, MapError, TsmuError

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas
    import numpy as np
    import numpy.typing as npt
    import shapely

    from tsmu.mapping import Engine
    from tsmu.model.bundle import Bundle
    from tsmu.workspace_folder import WorkspaceFolder

app = typer.Typer(help="Out of the workspace, for other programs.", no_args_is_help=True)


@app.command("labelme")
def labelme(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the pictures and their JSON files.")],
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Draw what the model finds on pairs without a label.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the pairs' post images and labels for labelme; corrected, `tsmu import labels DIR` takes them back.

    A JSON file that is there already stays as it is: it may hold somebody's work.
    """
    with command("export labelme", as_json) as answer:
        from tsmu.imagery.pair_store import require_pairs
        from tsmu.labels.drafts import export_labelme
        from tsmu.labels.masks import ZERO_ONE
        from tsmu.labels.store import read_labels, with_masks

        space = find_workspace(workspace)
        pairs = with_masks(require_pairs(space), read_labels(space))
        engines = _engines(pairs, space) if predictions else {}
        drawn = {"label": 0, "prediction": 0, "none": 0}
        _check_targets([out / f"{name}.png" for name in pairs["id"]], pairs)

        def write(pair: dict[str, object]) -> None:
            polygons: list[tuple[str, shapely.Polygon]] = []
            origin = "none"
            mask = _path(pair["mask"])
            if mask is not None:
                origin = "label"
                polygons = _outlines(ZERO_ONE.read(mask))
            elif pair["region"] in engines:
                origin = "prediction"
                polygons = [("landslide", drawn) for drawn in _predicted(pair, *engines[str(pair["region"])], space)]
            export_labelme(Path(str(pair["post"])), polygons, out, str(pair["id"]), draft=mask is None)
            drawn[origin] += 1

        with space.lock("tsmu export labelme"):
            _each(pairs, out, answer, space, write)
        answer.more = {"from": drawn}
        shown = f"{drawn['label']} with their labels, {drawn['prediction']} with predictions, {drawn['none']} without"
        answer.say(f"{answer.records} pictures ({shown}); after correcting: tsmu import labels {out}")


@app.command("pictures")
def pictures(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for one PNG per pair.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a picture of each pair to look at: before, after, and the label outlined."""
    with command("export pictures", as_json) as answer:
        from tsmu.imagery.pair_store import require_pairs
        from tsmu.labels.pictures import pair_picture
        from tsmu.labels.store import read_labels, with_masks

        space = find_workspace(workspace)
        pairs = with_masks(require_pairs(space), read_labels(space))
        _check_targets([out / f"{name}.png" for name in pairs["id"]], pairs)

        def write(pair: dict[str, object]) -> None:
            target = out / f"{pair['id']}.png"
            pair_picture(_path(pair["pre"]), Path(str(pair["post"])), _path(pair["mask"]), target)

        with space.lock("tsmu export pictures"):
            _each(pairs, out, answer, space, write)
        answer.say(f"{answer.records} pictures in {out}")


def _each(
    pairs: "geopandas.GeoDataFrame",
    out: Path,
    answer: Answer,
    space: "WorkspaceFolder",
    write: "Callable[[dict[str, object]], None]",
) -> None:
    """Write something for every pair; what belongs to an image that cannot be read is left out."""
    from tsmu.issues import IssueLog

    log = IssueLog(out, part="export")
    with progress("Writing") as show:
        for done, pair in enumerate(pairs.to_dict("records"), start=1):
            try:
                write(pair)
            except (ImageError, MapError) as error:
                log.error(pair["source_post"], str(error).removeprefix(f"{pair['source_post']}: "))
            show(done, len(pairs), pair["id"])
    answer.take_issues(log, space.issues)
    answer.records = len(pairs) - len(log.errors)
    answer.outputs["folder"] = str(out.resolve())
    if not answer.records:
        raise ImageError(f"{out}: none of the {len(pairs)} pairs' images can be read; first {log.errors[0]}")


def _outlines(mask: "npt.NDArray[np.uint8]") -> "list[tuple[str, shapely.Polygon]]":
    """A label as it is, to the pixel: landslides, and what is unknown."""
    from tsmu.labels.drafts import draft_polygons
    from tsmu.labels.masks import LANDSLIDE, UNKNOWN

    return [
        (name, polygon)
        for name, value in (("landslide", LANDSLIDE), ("unknown", UNKNOWN))
        for polygon in draft_polygons((mask == value).astype(float), tolerance=0, min_area=0)
    ]


def _path(value: object) -> Path | None:
    return Path(value) if isinstance(value, str) else None


def _check_targets(targets: "list[Path]", pairs: "geopandas.GeoDataFrame") -> None:
    """Refuse to write over an image that was imported."""
    sources = {*pairs["source_post"], *pairs["source_pre"]}
    for target in targets:
        if str(target.resolve()) in sources:
            raise TsmuError(f"{target}: is an imported image and would be overwritten; name another folder")


def _engines(pairs: "geopandas.GeoDataFrame", space: "WorkspaceFolder") -> "dict[str, tuple[Bundle, Engine]]":
    """For each region of the pairs that was learned: the version that serves it, ready to compute."""
    from tsmu.mapping import torch_engine
    from tsmu.model.serving import serving_bundle

    learned = serving_bundle(space.models).record.regions
    bundles = {region: serving_bundle(space.models, region) for region in set(pairs["region"]) & set(learned)}
    return {
        region: (bundle, torch_engine(bundle, bundle.record.regions[region].decoder))
        for region, bundle in bundles.items()
    }


def _predicted(
    pair: dict[str, object], bundle: "Bundle", engine: "Engine", space: "WorkspaceFolder"
) -> "list[shapely.Polygon]":
    """Outlines, in pixels, of what a bundle finds on a pair."""
    from tsmu.imagery.raster import read
    from tsmu.imagery.terrain import terrain_bands
    from tsmu.labels.drafts import draft_polygons
    from tsmu.mapping import PolygonOptions, Scene, map_scene, measure_overlap, plan_tiling

    serving = bundle.record.regions[str(pair["region"])]
    takes_pre = any(band.startswith("pre:") for band in bundle.record.bands)
    pre = Path(str(pair["pre"])) if pair["pre"] and takes_pre else None
    terrain = _path(pair["terrain"]) if terrain_bands(bundle.record.bands) else None
    with (
        Scene(Path(str(pair["post"])), pre, bundle.record.bands, terrain=terrain) as scene,
        TemporaryDirectory(dir=space.root, prefix=".draft-") as folder,
    ):
        settings = space.settings.map
        overlap = settings.shared
        if overlap is None:
            overlap = measure_overlap(engine, bundle, serving.decoder, space.cache, settings.side)
        tiling = plan_tiling(engine, len(scene.bands), scene.width, settings.side, overlap)
        mapped = map_scene(scene, engine, Path(folder), polygons=PolygonOptions(serving.threshold), **vars(tiling))
        percent, valid = read(mapped.probability)
    return draft_polygons(percent[0] * valid, threshold=serving.threshold)
