"""Scenes of a workspace mapped by its model or by change: what maps a scene, in which tiles, and within which masks."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import rasterio

from tsmu.errors import ErrorCollector, MapError
from tsmu.files import content_digest
from tsmu.imagery import (
    REMOTE_OPTIONS,
    TerrainRaster,
    coarse_cells,
    derive_terrain,
    describe_raster,
    resolve_dem,
)
from tsmu.issues import Issue, IssueLog
from tsmu.mapping.change.change_engine import ENGINE as CHANGE
from tsmu.mapping.change.change_mapper import ChangeMapper
from tsmu.mapping.decoder_mapper import DecoderMapper
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.map_run import MapRun
from tsmu.mapping.mapped_scene import DecoderProvenance, MappedScene, ScenePlan
from tsmu.mapping.mapper import Mapper, RegionEngine
from tsmu.mapping.options import MapOptions
from tsmu.mapping.outputs.map_files import MapResult, read_tags
from tsmu.mapping.outputs.publish import publish_map
from tsmu.mapping.scene.masks import PolygonMask, SceneMask, SlopeMask, exclusion_mask
from tsmu.mapping.scene.raster import Scene, scene_grid
from tsmu.mapping.scene.requests import SceneRequest, path_or_url
from tsmu.mapping.scene.value_checks import check_undeclared_nodata, remark_uniform_fill
from tsmu.mapping.scene_of_map import SCENE_CONTENT_TAG, SCENE_TAG, is_map_of, stored_scene_name
from tsmu.mapping.tiling.scene_job import Progress
from tsmu.mapping.tiling.tile_size import Tiling, plan_tiling
from tsmu.mapping.vectorize.polygons import PolygonOptions
from tsmu.workspace_folder import WorkspaceFolder

TERRAIN_FOLDER = "terrain"  # of the cache
# Tags of the probability raster: what made it, the version of the model or `change`, its digest, and the region.
BUNDLE_TAG, DIGEST_TAG, REGION_TAG = "tsmu_bundle", "tsmu_bundle_digest", "tsmu_region"


@dataclass(frozen=True)
class OpenScene:
    """A scene that is open, with everything decided, and its run into a folder.

    Attributes:
        scene: the rasters.
        plan: which decoders map it, and in which tiles.
        decoders: where the decoders come from, that of most of the scene first.
        run: maps it, in this process or in several.
        force: whether what is finished is computed anew.
        publish_url: the address to which its files are copied, if they are.
        without_terrain, issues: as those of `MappedScene`.
    """

    scene: Scene
    plan: ScenePlan
    decoders: list[DecoderProvenance]
    run: MapRun
    force: bool
    publish_url: str | None
    without_terrain: float | None
    issues: Sequence[Issue]

    def map(self, progress: Progress | None = None) -> MappedScene:
        """Map the scene in this process; errors are those of `map_scene`.

        Args:
            progress: called with (tiles done, all tiles).
        """
        return self.complete(self.run.execute(progress, force=self.force))

    def complete(self, result: MapResult) -> MappedScene:
        """Publish a finished map, if it is to be published, and gather what is known of the scene."""
        published = publish_map(result, self.publish_url) if self.publish_url else None
        scene = self.scene
        return MappedScene(
            result, self.plan, self.decoders, scene.footprint, scene.info.pixel_size, published,
            self.without_terrain, self.issues, scene.remarks,
        )  # fmt: skip


class MapSession:
    """Maps scenes of a workspace, all in one way; networks are loaded once.

    Args:
        options: how scenes are mapped; `by` says whether by the model's decoders or by change.
        space: the workspace.

    Raises:
        BundleError: the workspace has no model, and scenes are not mapped by change.

    Example:
        >>> session = MapSession(MapOptions(threshold=50), space)
        >>> scene = SceneRequest(Path("post.tif").resolve(), None, "ridge", region="alps")
        >>> mapped = session.map(scene, space.maps / scene.name)
        >>> mapped.result.probability.name, mapped.decoders[0].region
        ('probability.tif', 'alps')
    """

    def __init__(self, options: MapOptions, space: WorkspaceFolder) -> None:
        self._options, self._space = options, space
        self._mapper: Mapper = (ChangeMapper if options.by == "change" else DecoderMapper)(options, space)

    def map(self, request: SceneRequest, folder: Path, progress: Progress | None = None) -> MappedScene:
        """Map a scene into a folder; errors are those of `open_scene` and `map_scene`.

        Args:
            request: the scene.
            folder: the folder for its map; made where it is missing.
            progress: called with (tiles done, all tiles).
        """
        with self.open_scene(request, folder) as scene:
            return scene.map(progress)

    @contextmanager
    def open_scene(self, request: SceneRequest, folder: Path, plan: ScenePlan | None = None) -> Iterator[OpenScene]:
        """Open a scene that is to be mapped into a folder.

        Args:
            request: the scene.
            folder: the folder for its map.
            plan: what another process decided for it; by default it is decided here.

        Raises:
            MapError, ImageError, RegionError, BundleError: it cannot be mapped, or not with these options.
        """
        options = self._options
        _check_folder(folder, request.post, self._space)
        if request.pre is not None and str(request.pre) == str(request.post):
            raise MapError(f"{request.post}: is both the pre and the post image; name the one from before the event")
        with ExitStack() as stack:
            terrain = self._terrain(request)
            scene = stack.enter_context(self._open_checked(request, terrain))
            routing = plan.routing if plan else self._mapper.route(request, scene)
            if plan is None:
                self._check(scene, routing.regions)
                remark_uniform_fill(scene)
                if terrain and (coarse := coarse_cells(resolve_dem(str(options.dem)))):
                    scene.add_remark(str(options.dem), *coarse)
            log = IssueLog(str(request.post))
            masks = self._masks(scene, stack, log)
            engines = [self._mapper.engine(scene, region) for region in routing.regions]  # last: it may take long
            if plan is None:
                plan = ScenePlan(routing, self._tiling(scene, engines))
            decoders = [one.provenance for one in engines]
            _note_former_map(folder, decoders[0], routing.region, log)
            run = self._run(request, scene, folder, plan, [one.engine for one in engines], decoders, masks)
            publish_url = f"{options.publish.rstrip('/')}/{request.name}" if options.publish else None
            without_terrain = terrain.unknown if terrain else None
            yield OpenScene(scene, plan, decoders, run, options.force, publish_url, without_terrain, log.issues)

    def _run(
        self,
        request: SceneRequest,
        scene: Scene,
        folder: Path,
        plan: ScenePlan,
        engines: list[Engine],
        decoders: list[DecoderProvenance],
        masks: list[SceneMask],
    ) -> MapRun:
        """Prepare the run of an open scene, with the tags of its rasters and the notes of its polygons."""
        options, routing = self._options, plan.routing
        thresholds = [decoder.threshold for decoder in decoders]
        return MapRun(
            scene,
            (engines, routing.weights(scene)),
            folder,
            polygons=PolygonOptions(thresholds, options.min_area, options.min_probability, options.simplify),
            **vars(plan.tiling),
            masks=masks,
            tta=options.tta,
            region_layer=options.region_layer,
            tags={
                SCENE_TAG: stored_scene_name(request.post, self._space),
                SCENE_CONTENT_TAG: content_digest(request.post) if isinstance(request.post, Path) else "",
                BUNDLE_TAG: decoders[0].bundle,
                DIGEST_TAG: decoders[0].digest,
                REGION_TAG: routing.region,
                "tsmu_routed": routing.reason,
            },
            notes={"region": routing.regions, "bundle": [decoder.label for decoder in decoders]},
        )

    def _open_checked(self, request: SceneRequest, terrain: TerrainRaster | None) -> Scene:
        """Open the rasters of a scene; an error about their bands also names everything else that does not fit.

        Raises:
            MapError, ImageError: the scene cannot be opened, or not with the bands that it is mapped from.
        """
        errors = ErrorCollector()
        with errors.collect():
            return self._open(request, terrain)
        with errors.collect(), Scene(request.post, request.pre) as scene:  # with all bands that it has
            self._check(scene, [request.region])
        errors.raise_all()
        raise AssertionError("an error was collected")

    def _check(self, scene: Scene, regions: Sequence[str | None]) -> None:
        """Refuse a scene that cannot be mapped, with all that does not fit; a region is None where it is not known."""
        errors = ErrorCollector()
        with errors.collect():
            check_undeclared_nodata(scene)
        for region in regions:
            with errors.collect():
                self._mapper.check(scene, region)
        errors.raise_all()

    def _open(self, request: SceneRequest, terrain: TerrainRaster | None) -> Scene:
        """Open the rasters of a scene with the bands that it is mapped from."""
        with rasterio.Env(**REMOTE_OPTIONS):
            post = describe_raster(request.post)
            pre = describe_raster(request.pre) if request.pre else None
        return Scene(
            request.post,
            request.pre,
            self._mapper.scene_bands(post, pre, with_terrain=terrain is not None),
            scale=1.0 if self._options.scale is None else self._options.scale,
            terrain=terrain.path if terrain else None,
        )

    def _terrain(self, request: SceneRequest) -> TerrainRaster | None:
        """Derive the terrain bands of a scene, if it is mapped from any and an elevation model is given."""
        bands = self._mapper.terrain_bands()
        if not bands or self._options.dem is None:
            return None
        grid = scene_grid(request.post)
        return derive_terrain(resolve_dem(self._options.dem), grid, bands, self._space.cache / TERRAIN_FOLDER)

    def _masks(self, scene: Scene, stack: ExitStack, log: IssueLog) -> list[SceneMask]:
        """Open the masks that the options name."""
        options, masks = self._options, list[SceneMask]()
        if options.aoi:
            masks.append(PolygonMask(options.aoi, scene.grid, log=log, layers=options.aoi_layers))
        if options.dem and options.slope_below is not None:
            cache = self._space.cache / TERRAIN_FOLDER
            masks.append(SlopeMask(resolve_dem(options.dem), options.slope_below, scene.grid, stack, cache))
        if options.leave_out:
            path, layers = path_or_url(options.leave_out), options.leave_out_layers
            masks.append(exclusion_mask(path, scene.grid, stack, log=log, layers=layers))
        return masks

    def _tiling(self, scene: Scene, engines: Sequence[RegionEngine]) -> Tiling:
        """Choose the tiles, which are the same for all regions of a scene."""
        settings = self._space.settings.map
        tile = self._options.tile or settings.side
        overlap = settings.shared if self._options.overlap is None else self._options.overlap
        if overlap is None:
            overlap = max(one.measure_overlap(tile) for one in engines)
        networks = len({one.engine.identity for one in engines})
        return plan_tiling(engines[0].engine, len(scene.bands), scene.width, tile, overlap, networks)


def _check_folder(folder: Path, post: Path | str, space: WorkspaceFolder) -> None:
    """Refuse to put a scene's map where that of another scene lies.

    Raises:
        MapError: the folder has the map of another scene.
    """
    if not is_map_of(folder, post, space):
        mapped = read_tags(folder).get(SCENE_TAG)
        problem = f"{folder}: contains the map of {mapped}"
        raise MapError(f"{problem}; give this scene a name of its own: --name, or a table's column name")


def _note_former_map(folder: Path, mapper: DecoderProvenance, region: str, log: IssueLog) -> None:
    """Note that the map that lies in a folder and is replaced was made in another way: by change or another decoder."""
    tags = read_tags(folder)
    former, digest = tags.get(BUNDLE_TAG), tags.get(DIGEST_TAG)
    is_change = former == CHANGE and mapper.bundle == CHANGE
    is_same_decoder = digest == mapper.digest and tags.get(REGION_TAG) == region
    if former is None or is_change or is_same_decoder:
        return
    how = "by change" if former == CHANGE else f"by the decoder of {tags.get(REGION_TAG)} ({former})"
    action = "replaced; to keep both, map the scene under another name: --name NAME, or a table's column name"
    log.warning(str(folder), f"the map of this scene that lay here was made {how}", action)
