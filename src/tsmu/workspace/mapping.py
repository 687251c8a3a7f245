"""The verb that maps scenes: probabilities, polygons, and candidates in the landslide database."""

import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from tsmu.errors import BundleError, MapError, TsmuError, one_line
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, list_names, place_text, user_folder, user_path
from tsmu.workspace.model import LARGEST_SCALE, SMALLEST_SCALE
from tsmu.workspace.ranges import check_percent, check_range
from tsmu.workspace.scene_map import MapReport, SceneMap
from tsmu.workspace.scene_requests import (
    Day,
    Place,
    SingleScene,
    is_scene_table,
    iso_day,
    map_folders,
    scene_places,
    scene_requests,
)

if TYPE_CHECKING:
    from tsmu.mapping import MapOptions, SceneRequest
    from tsmu.workspace_folder import WorkspaceFolder


class MapKeywords(TypedDict, total=False):
    """The options of `Workspace.map`, for type checkers; the method describes them."""

    pre: Place | None
    by: str
    region: str
    out: Place | None
    name: str | None
    threshold: int | None
    min_area: float
    min_probability: float
    simplify: float
    aoi: Place | None
    slope_below: float | None
    dem: Place | None
    leave_out: Place | None
    layer: str | Sequence[str] | None
    tile: int | None
    overlap: int | None
    tta: bool
    region_layer: bool
    engine: str
    precision: str
    scale: float | None
    date_pre: Day | None
    date_post: Day | None
    any_resolution: bool
    cluster: Place | None
    publish: Place | None
    force: bool


class MapVerbs(WorkspaceBase):
    """The verb of a workspace that maps scenes."""

    @overload
    def map(  # type: ignore[overload-overlap]  # a str is also a Sequence[str]
        self, scenes: Place, **options: Unpack[MapKeywords]
    ) -> SceneMap: ...
    @overload
    def map(self, scenes: Sequence[Place], **options: Unpack[MapKeywords]) -> MapReport: ...
    def map(
        self,
        scenes: Place | Sequence[Place],
        *,
        pre: Place | None = None,
        by: str = "decoder",
        region: str = "auto",
        out: Place | None = None,
        name: str | None = None,
        threshold: int | None = None,
        min_area: float = 0.0,
        min_probability: float = 0.0,
        simplify: float = 0.0,
        aoi: Place | None = None,
        slope_below: float | None = None,
        dem: Place | None = None,
        leave_out: Place | None = None,
        layer: str | Sequence[str] | None = None,
        tile: int | None = None,
        overlap: int | None = None,
        tta: bool = False,
        region_layer: bool = False,
        engine: str = "auto",
        precision: str = "auto",
        scale: float | None = None,
        date_pre: Day | None = None,
        date_post: Day | None = None,
        any_resolution: bool = False,
        cluster: Place | None = None,
        publish: Place | None = None,
        force: bool = False,
    ) -> SceneMap | MapReport:
        """Map scenes: a probability raster, polygons, and candidates in the landslide database.

        A map that was finished before with the same files, model and settings is not computed again. An interrupted
        one is continued.

        Args:
            scenes: a post-event raster, as a path or an address; or a list of them; or a CSV or XLSX table with the
                column `post` and optional columns `pre`, `region`, `date_pre`, `date_post` and `name`.
            pre: the pre-event raster, on any grid, for models that take one and for a map by change. It is for one
                scene, like `out`, `name` and the dates.
            by: the way of mapping: `decoder`, by the region's decoder; or `change`, by what changed between the two
                images, which needs no model.
            region: the region whose decoder maps the scene, and to which the landslides belong; `auto` finds it by the
                region map.
            out: the folder of the map; by default `maps/<name>` in the workspace.
            name: the name of the scene; by default that of its file.
            threshold: the probability in percent, 1 to 100, from which pixels are landslides; by default that of the
                region, or that of a map by change.
            min_area: area in m2; smaller landslides are left out.
            min_probability: percent; landslides whose mean probability is lower are left out.
            simplify: pixels by which outlines are simplified.
            aoi: a file of polygons; only the ground inside of them is mapped.
            slope_below: degrees; ground with a smaller slope is left out. It needs `dem`.
            dem: elevations in metres, on any grid: for models with terrain, for `slope_below`, and for a map by change,
                in which they make landslides on flat ground less likely.
            leave_out: ground that is not mapped, such as clouds or water: a file of polygons, or a raster that is not 0
                on this ground.
            layer: the layer, or the layers, to read of `aoi` and `leave_out`; by default all.
            tile: side of one network input, pixels; by default as in tsmu.toml.
            overlap: pixels that neighbouring tiles share; by default as in tsmu.toml.
            tta: test-time augmentation: predict each tile in eight views, turned and flipped, and map their mean; the
                standard deviation of the views is written as a layer.
            region_layer: write a layer that names the region whose decoder has the largest weight at each pixel.
            engine: the library that computes the network: `auto`, `openvino` or `torch`.
            precision: the numbers in which convolutions are computed: `auto`, `float32`, `bfloat16` or `int8`.
            scale: a factor for all values of the images; with any factor, also 1, values are accepted whatever their
                order of magnitude.
            date_pre: day of the pre-event image, a date or ISO 8601.
            date_post: day of the post-event image.
            any_resolution: map images of any pixel size, also one unlike that of the training.
            cluster: the address of a Dask scheduler, `local` or `local:N` for N processes on this machine, or a TOML
                file with settings for SLURM.
            publish: an address or a folder to which finished maps are copied, each into a folder with the scene's name.
            force: compute maps again that are finished.

        Returns:
            For a single raster its map; for a list or a table the report, whose attribute `scenes` has the maps. Scenes
            that could not be mapped are among the report's issues.

        Raises:
            MapError: no scene could be mapped, or the options are not valid.
            ImageError, RegionError, BundleError, DatabaseError: a file, the region, the model or the database cannot be
                used; the text of the error says why.

        Example:
            >>> scene = work.map("post.tif", region="alps", engine="torch")
            >>> scene.summary["records"], len(scene.polygons)
            (1, 1)
        """
        from tsmu.mapping import MapOptions

        report, places = self._begin(MapReport("map")), scene_places(scenes)
        if not isinstance(region, str | None):
            raise MapError(f"region {region!r}: must be the name of one region, or auto")
        aoi = None if aoi is None else user_path(aoi)
        leave_out, dem = (None if place is None else place_text(place) for place in (leave_out, dem))
        aoi_layers, leave_out_layers = _divide_layers(list_names(layer), aoi, leave_out)
        options = MapOptions(
            by=by, threshold=threshold, min_area=min_area, min_probability=min_probability, simplify=simplify, aoi=aoi,
            slope_below=slope_below, dem=dem, leave_out=leave_out, tile=tile, overlap=overlap, tta=tta,
            region_layer=region_layer, engine=engine, precision=precision, scale=scale, any_resolution=any_resolution,
            force=force, publish=_publish_address(publish), aoi_layers=aoi_layers, leave_out_layers=leave_out_layers,
        )  # fmt: skip
        self._check_options(options)
        if by != "change":
            self._require_model(has_pair=pre is not None)
        self._check_elevations(options)
        log = IssueLog(places[0] if len(places) == 1 else "tsmu map")
        single = SingleScene(None if pre is None else place_text(pre), name, iso_day(date_pre), iso_day(date_post))
        orders = scene_requests(places, single, None if region == "auto" else region, log)
        self._map_all(
            report, orders, options, user_folder(out, MapError) if out else None, str(cluster) if cluster else None, log
        )
        is_one = isinstance(scenes, Place) and not is_scene_table(places[0])
        return report.scenes[0] if is_one else report

    def _map_all(
        self,
        report: MapReport,
        orders: "Sequence[tuple[int | None, SceneRequest]]",
        options: "MapOptions",
        out: Path | None,
        cluster: str | None,
        log: IssueLog,
    ) -> None:
        """Map scenes, and record each in the database as soon as it is mapped.

        Args:
            report: the report to which the maps are added.
            orders: the scenes, with their row numbers if they come from a table.
            options: how the scenes are mapped.
            out: the folder of the map, if there is only one scene; None for folders in the workspace.
            cluster: the cluster on which the scenes are mapped; None maps them in this process.
            log: the log with the issues of the table, to which those of the scenes are added.
        """
        from tsmu.workspace.map_recording import MapDatabase, map_on_cluster, map_one_by_one, record_map

        folder, rows = self.folder, {order.name: row for row, order in orders}
        targets = map_folders([order for _, order in orders], out, folder)
        outcomes = (
            map_on_cluster(cluster, options, folder, targets, self.display)
            if cluster
            else map_one_by_one(options, folder, targets, self.display)
        )
        with folder.lock("tsmu map"), closing(MapDatabase(folder.database)) as database, closing(outcomes):
            for order, outcome in outcomes:
                try:
                    if isinstance(outcome, Exception):
                        raise outcome
                    summary = record_map(database.open(), order, outcome, options, folder, log)
                except (TsmuError, OSError) as error:
                    if len(orders) == 1 and not log.errors:
                        raise
                    log.error(str(order.post), one_line(error), "not mapped", row=rows[order.name])
                    continue
                report.scenes.append(_scene_map(order, summary, report))
                report.records += summary["records"]
                report.say(_describe_map(summary))
        report.add_issues(log, folder.issues)
        _finish(report, len(log.errors), options.dem, folder, database.name)

    def _require_model(self, *, has_pair: bool) -> None:
        """Refuse to map by a decoder if there is no model; for a pair, the error recommends a map by change.

        Raises:
            BundleError: nothing has been learned yet.
        """
        from tsmu.model import served_record

        try:
            served_record(self.folder.models)
        except BundleError as error:
            if not has_pair:
                raise
            raise BundleError(f"{error}; or map the pair by change, which needs no model: --by change") from None

    def _check_options(self, options: "MapOptions") -> None:
        """Refuse options that are not valid before anything is opened; the command line makes the same checks."""
        from tsmu.mapping import check_publish_address, check_tiling

        check_percent("threshold", options.threshold, MapError, 1, whole=True)
        check_percent("min_probability", options.min_probability, MapError)
        for name, low, high in (
            ("min_area", 0, math.inf),
            ("simplify", 0, math.inf),
            ("slope_below", 0, 90),
            ("scale", SMALLEST_SCALE, LARGEST_SCALE),
        ):
            check_range(name, getattr(options, name), MapError, low, high)
        check_range("tile", options.tile, MapError, 64, 8192, whole=True)
        check_range("overlap", options.overlap, MapError, 0, 4096, whole=True)
        settings = self.settings.map
        check_tiling(options.tile or settings.side, settings.shared if options.overlap is None else options.overlap)
        if options.publish:
            check_publish_address(options.publish)

    def _check_elevations(self, options: "MapOptions") -> None:
        """Refuse an elevation model that nothing uses, and a missing one that the model or `slope_below` needs."""
        from tsmu.imagery import check_dem, resolve_dem, terrain_bands
        from tsmu.model import served_record

        dem, slope_below, models = options.dem, options.slope_below, self.folder.models
        is_change = options.by == "change"
        bands = () if is_change else terrain_bands(served_record(models).bands)
        if dem is None and bands:
            raise MapError(
                f"{models}: the model takes terrain ({', '.join(bands)}) that it was trained with; give the "
                "elevation model of the place with --dem FILE"
            )
        if dem is None and slope_below is not None:
            raise MapError(f"--slope-below {slope_below:g}: needs elevations; give an elevation model with --dem FILE")
        if dem is None:
            return
        if slope_below is None and not bands and not is_change:
            raise MapError(f"--dem {dem}: the model takes no terrain, and no --slope-below is given; leave --dem out")
        check_dem(resolve_dem(str(dem)))


def _publish_address(publish: Place | None) -> str | None:
    """Make the path of a folder absolute; an address is returned unchanged."""
    if publish and "://" not in str(publish):
        return str(user_path(publish).resolve())
    return str(publish) if publish else None


def _divide_layers(
    names: Sequence[str], aoi: Path | None, leave_out: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Divide the named layers between the file of the area of interest and the file of polygons to leave out.

    Raises:
        MapError: layers are named, but there is no file of polygons, or a layer is in none of the files.
    """
    from tsmu.mapping import path_or_url
    from tsmu.vectors import divide_layers, is_vector_file

    place = path_or_url(leave_out) if names and leave_out else None
    polygons = place if isinstance(place, Path) and is_vector_file(place) else None
    files = [file for file in (aoi, polygons) if file is not None]
    if names and not files:
        raise MapError(f"--layer {names[0]}: names a layer of polygons; give them with --aoi or --leave-out")
    layers_of = divide_layers(names, files, MapError)
    return tuple(layers_of[aoi] if aoi else ()), tuple(layers_of[polygons] if polygons else ())


def _scene_map(order: "SceneRequest", summary: dict[str, Any], report: MapReport) -> SceneMap:
    """Make the map object of a scene that has been recorded, from the scene's summary."""
    files = {name: Path(path) for name, path in summary["outputs"].items() if name != "published"}
    probability, polygons = files.pop("probability"), files.pop("polygons")
    return SceneMap(order.name, order.post, probability, files, polygons, summary, report)


def _finish(report: MapReport, not_mapped: int, dem: str | None, folder: "WorkspaceFolder", database: str) -> None:
    """Put the maps into the report, and say where they are and what to do next.

    Raises:
        MapError: no scene could be mapped.
    """
    summaries = [scene.summary for scene in report.scenes]
    if not summaries:
        raise MapError(f"none of {counted(not_mapped, 'scene')} could be mapped; see {folder.issues}")
    if dem:
        report.say(f"{dem}: its values were read as metres")
    report.outputs |= {"database": database} | (summaries[0]["outputs"] if len(summaries) == 1 else {})
    report.details = {"scenes": summaries} | ({} if len(summaries) > 1 else summaries[0])
    report.say("\n".join(report.outputs.values()))
    report.say("next, to review them: tsmu serve --write")


def _describe_map(summary: dict[str, Any]) -> str:
    """Describe the map of a scene in a line, with further lines about older candidates and the computation."""
    computed = "" if summary["bands_computed"] else ", finished before"
    count = summary["proposed"]
    proposed = (
        f"; {count} only proposed, where a person decided or an outline fits no one landslide: tsmu db proposals"
        if count
        else ""
    )
    return (
        f"{summary['scene']}: {counted(summary['records'], 'landslide')}, {summary['area_m2'] / 1e6:.3f} km2, "
        f"{_mapped_by(summary)}{computed}; {_describe_unjudged(summary['not_judged'])}{proposed}"
        f"{_describe_older_candidates(summary)}"
        f"{_computed_by(summary)}"
    )


def _describe_unjudged(share: float) -> str:
    """Write for how much of a scene the map has no answer, from the share of its pixels, 0 to 1.

    Example:
        >>> _describe_unjudged(0.25)
        '25.0 % of it not judged (no data, or left out)'
    """
    if not share:
        return "all of it judged"
    percent = "under 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"
    return f"{percent} of it not judged (no data, or left out)"


def _describe_older_candidates(summary: dict[str, Any]) -> str:
    r"""Write what became of candidates of earlier maps, in a line of its own; empty if there are none.

    Example:
        >>> _describe_older_candidates({"redrawn": 2, "shown_again": 0, "withdrawn": 1, "kept": 0})
        '\n  in the database: 2 candidates redrawn, 1 candidate of its earlier maps withdrawn'
    """
    descriptions = {
        "redrawn": "redrawn",
        "shown_again": "shown again",
        "withdrawn": "of its earlier maps withdrawn",
        "kept": "kept that this map does not show: another model or other images do, somebody spoke of them, or it "
        "does not look there",
    }
    parts = [f"{counted(summary[name], 'candidate')} {text}" for name, text in descriptions.items() if summary[name]]
    return f"\n  in the database: {', '.join(parts)}" if parts else ""


def _mapped_by(summary: dict[str, Any]) -> str:
    """Write how a scene was mapped: by which decoders or by change, and why."""
    regions, routed = " and ".join(summary["regions"]), summary["routed"]
    if summary["bundle"] == "change":
        place = f"{regions}: {routed}" if summary["routed"] != "as asked" else regions
        return f"by change from {summary['threshold']} % ({summary['reason']}; {place})"
    decoders = "decoder of" if len(summary["regions"]) == 1 else "decoders of"
    return f"by the {decoders} {regions} ({summary['bundle']}; {routed})"


def _computed_by(summary: dict[str, Any]) -> str:
    """Write which engine, device and precision computed the network, on a line of its own; empty for change."""
    if summary["bundle"] == "change":
        return ""
    return f"\n  computed by {summary['engine']} on {summary['device']} in {summary['precision']} ({summary['reason']})"
