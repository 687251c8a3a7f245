"""`tsmu map`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command, find_workspace, progress

if TYPE_CHECKING:
    from tsmu.mapping.source import Scene
    from tsmu.workspace import Workspace


def map_scene(
    post: Annotated[Path, typer.Argument(metavar="POST", help="Post-event raster of the scene.")],
    pre: Annotated[Path | None, typer.Option(help="Pre-event raster on the same grid.")] = None,
    region: Annotated[str, typer.Option(metavar="NAME|auto", help="Whose decoder; auto asks the region map.")] = "auto",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; by default maps/<name>.")] = None,
    name: Annotated[str | None, typer.Option(help="The scene's name; by default that of the file.")] = None,
    threshold: Annotated[int | None, typer.Option(min=1, max=100, help="Percent; by default the region's.")] = None,
    min_area: Annotated[float, typer.Option(min=0, metavar="M2", help="Leave out smaller landslides.")] = 0.0,
    simplify: Annotated[float, typer.Option(min=0, metavar="PX", help="Simplify outlines by so many pixels.")] = 0.0,
    tile: Annotated[int | None, typer.Option(min=64, help="Pixels per side of one network input.")] = None,
    overlap: Annotated[int | None, typer.Option(help="Pixels that neighbouring tiles share.")] = None,
    engine: Annotated[str, typer.Option(metavar="auto|openvino|torch", help="What computes the network.")] = "auto",
    date_pre: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")] = None,
    date_post: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")] = None,
    any_resolution: Annotated[bool, typer.Option("--any-resolution", help="Map whatever the pixel size.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Compute anew what is finished.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Map a scene: probabilities, polygons, and candidates in the landslide database."""
    with command("map", as_json) as answer:
        space = find_workspace(workspace)
        import geopandas

        from tsmu.database.landslides import MappedBy, add_candidates
        from tsmu.errors import BundleError, MapError
        from tsmu.mapping.choose import ENGINES, choose_engine
        from tsmu.mapping.mapper import map_scene as run
        from tsmu.mapping.polygons import Outlining
        from tsmu.mapping.source import Scene
        from tsmu.model.bundle import latest_bundle

        if engine not in ENGINES:
            raise MapError(f"engine {engine!r}: must be one of {', '.join(ENGINES)}")
        bundle = latest_bundle(space.models)
        if bundle is None:
            raise BundleError(f"{space.models}: no bundle yet; make the first with: tsmu update REGION")
        scene_name = _scene_name(name or post.stem)
        folder = out or space.maps / scene_name
        _check_free(folder, post)
        with Scene(post, pre, bundle.record.bands) as scene:
            chosen = _region_under(scene, space) if region == "auto" else region
            bundle.require_region(chosen)
            serving = bundle.record.regions[chosen]
            if not any_resolution:
                scene.check_pixel_size(serving.pixel_size)
            percent = threshold or serving.threshold
            tags = {
                "tsmu_scene": str(post.resolve()),
                "tsmu_bundle": bundle.name,
                "tsmu_bundle_digest": bundle.digest,
                "tsmu_region": chosen,
            }
            used = choose_engine(engine, bundle, chosen, space)
            answer.say(f"Engine: {used} ({used.reason})")
            with space.lock("tsmu map"), progress(f"Mapping {scene_name}") as show:
                result = run(
                    scene,
                    used,
                    folder,
                    outlining=Outlining(percent, min_area, simplify),
                    notes={"region": chosen, "bundle": f"{bundle.name}-{bundle.digest[:8]}"},
                    tile=tile or space.settings.map.tile,
                    overlap=space.settings.map.overlap if overlap is None else overlap,
                    progress=lambda done, total: show(done, total, chosen),
                    tags=tags,
                    force=force,
                )
                source = MappedBy(
                    scene_name, f"{bundle.name}-{bundle.digest[:8]}", chosen, percent, *map(_day, (date_pre, date_post))
                )
                answer.records = add_candidates(space.database, geopandas.read_parquet(result.polygons), source)
        answer.outputs = {
            "probability": str(result.probability),
            "polygons": str(result.polygons),
            "database": str(space.database),
        }
        answer.more = {"scene": scene_name, "region": chosen, "threshold": percent, "area_m2": result.area_m2}
        answer.more |= {"engine": used.name, "device": used.device, "precision": used.precision, "reason": used.reason}
        answer.more |= {"bands": result.counts.bands, "bands_computed": result.bands_computed}
        answer.say(
            f"{answer.records} landslides, {result.area_m2 / 1e6:.3f} km2, by the decoder of {chosen} ({bundle.name})"
        )
        answer.say("\n".join(answer.outputs.values()))


def _scene_name(name: str) -> str:
    from tsmu.errors import MapError

    if name in (".", "..") or Path(name).name != name:
        raise MapError(f"scene name {name!r}: cannot be a folder's name; give another with --name")
    return name


def _check_free(folder: Path, post: Path) -> None:
    """Refuse to put a scene's map where another scene's lies."""
    import rasterio

    from tsmu.errors import MapError
    from tsmu.mapping.result import RASTER

    if (folder / RASTER).exists():
        with rasterio.open(folder / RASTER) as dataset:
            there = dataset.tags().get("tsmu_scene")
        if there not in (None, str(post.resolve())):
            raise MapError(f"{folder}: holds the map of {there}; give this scene a name of its own with --name")


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


def _region_under(scene: "Scene", space: "Workspace") -> str:
    """The region that covers most of a scene, in the workspace's region map."""
    from tsmu.errors import RegionError
    from tsmu.regions import RegionMap

    if not space.regions.exists():
        raise RegionError(
            f"{space.regions}: no region map to choose the decoder by; name the region with --region NAME, "
            "or make a map with: tsmu regions use FILE --name-field FIELD"
        )
    region, _ = RegionMap.load(space.regions).of_footprint(scene.footprint)
    if region is None:
        raise RegionError(f"{scene.info.path}: lies in no region of {space.regions}; name one with --region NAME")
    return region
