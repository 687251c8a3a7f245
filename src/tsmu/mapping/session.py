"""A scene of a workspace, open and ready: by whose decoders, in which tiles, within which limits it is mapped."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import shapely

from tsmu.errors import MapError
from tsmu.files import content_digest
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import describe, is_remote
from tsmu.imagery.terrain import Terrain, derive_terrain, place_of_dem, terrain_bands
from tsmu.issues import Issue, IssueLog
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.inference.engine_choice import INT8_FROM, choose_engine
from tsmu.mapping.inference.prediction import ALL_VIEWS, AS_IT_IS
from tsmu.mapping.inference.receptive_field import measured_overlap
from tsmu.mapping.map_run import MapRun
from tsmu.mapping.outputs.map_files import RASTER, MapResult, tags_in
from tsmu.mapping.outputs.publish import publish
from tsmu.mapping.scene.masks import Area, Limit, Steep, left_out
from tsmu.mapping.scene.raster import Scene, scene_grid
from tsmu.mapping.scene.requests import SceneOrder, place_of
from tsmu.mapping.scene.routing import Routed, route
from tsmu.mapping.scene.value_checks import check_fills, check_values
from tsmu.mapping.tiling.tile_size import Tiling, plan_tiling
from tsmu.mapping.vectorize.polygons import Outlining
from tsmu.model.bundle import Bundle
from tsmu.model.record import RegionRecord
from tsmu.model.serving import served_record, serving_bundle
from tsmu.workspace_folder import WorkspaceFolder

TERRAIN = "terrain"  # folder of the cache
SCENE, SCENE_CONTENT = "tsmu_scene", "tsmu_scene_content"  # tags of the raster: whose map it is


@dataclass(frozen=True)
class Wanted:
    """How scenes are to be mapped; see `tsmu map --help`."""

    threshold: int | None
    min_area: float
    min_probability: float
    simplify: float
    aoi: Path | None
    slope_below: float | None
    dem: str | None
    leave_out: str | None
    tile: int | None
    overlap: int | None
    tta: bool
    region_layer: bool
    engine: str
    precision: str
    scale: float | None
    any_resolution: bool
    force: bool
    publish: str | None
    aoi_layers: tuple[str, ...] = ()
    leave_out_layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is settled once for a scene, whichever processes map it."""

    routed: Routed
    tiling: Tiling


@dataclass(frozen=True)
class MappedBy:
    """Whose decoder mapped a scene or a part of it, and how.

    Attributes:
        region: whose.
        bundle, digest: the version that serves it.
        decoder: its name there.
        threshold: whole percent from which on pixels are landslides.
        engine, device, precision, reason: what computed, and why that.
    """

    region: str
    bundle: str
    digest: str
    decoder: str
    threshold: int
    engine: str
    device: str
    precision: str
    reason: str

    @property
    def label(self) -> str:
        """The version, told from those of other workspaces."""
        return f"{self.bundle}-{self.digest[:8]}"


@dataclass(frozen=True)
class MappedScene:
    """A scene's map, and what the database wants to know of it.

    Attributes:
        result: the files, and what is in them.
        plan: how it was mapped.
        by: whose decoders, that of most of the scene first.
        footprint: the scene's outline, EPSG:4326.
        pixel_size: metres; None if unknown.
        published: where its files were copied to.
        without_terrain: share of the scene, 0 to 1, that is no data because its terrain is not known; None for a
            model that takes none.
        issues: what was wrong with the polygons of its limits.
        remarks: what was concluded about its rasters from their values: file, problem and action.
    """

    result: MapResult
    plan: Plan
    by: list[MappedBy]
    footprint: shapely.Polygon
    pixel_size: float | None
    published: str | None
    without_terrain: float | None
    issues: Sequence[Issue]
    remarks: list[tuple[str, str, str]]


@dataclass(frozen=True)
class OpenedScene:
    """A scene that is open, and its run into a folder."""

    scene: Scene
    plan: Plan
    by: list[MappedBy]
    run: MapRun
    publish_to: str | None
    without_terrain: float | None
    issues: Sequence[Issue]

    def finished(self, result: MapResult) -> MappedScene:
        """Publish its map, if that is wanted, and tell what is to be told of it."""
        published = publish(result, self.publish_to) if self.publish_to else None
        scene = self.scene
        return MappedScene(
            result,
            self.plan,
            self.by,
            scene.footprint,
            scene.info.pixel_size,
            published,
            self.without_terrain,
            self.issues,
            scene.remarks,
        )


@dataclass(frozen=True)
class _Served:
    """A region, the version that serves it, and its decoder ready to compute."""

    region: str
    bundle: Bundle
    engine: Engine

    @property
    def serving(self) -> RegionRecord:
        """How the region is served."""
        return self.bundle.record.regions[self.region]

    def maps(self, threshold: int | None) -> MappedBy:
        bundle, engine = self.bundle, self.engine
        percent = threshold or self.serving.threshold
        return MappedBy(
            self.region, bundle.name, bundle.digest, self.serving.decoder, percent, engine.name, engine.device,
            engine.precision, engine.reason,
        )  # fmt: skip


class SceneOpener:
    """Opens scenes for the versions that serve their regions; opens each region's version and engine once."""

    def __init__(self, wanted: Wanted, space: WorkspaceFolder) -> None:
        self._wanted, self._space = wanted, space
        self._current = served_record(space.models)
        self._bundles: dict[str, Bundle] = {}
        self._ready: dict[tuple[str, bool], _Served] = {}

    @contextmanager
    def opened(self, order: SceneOrder, folder: Path, plan: Plan | None = None) -> Iterator[OpenedScene]:
        """Open a scene that is to be mapped into a folder.

        Args:
            order: the scene.
            folder: where its map goes.
            plan: what another process settled for it; by default it is settled here.

        Raises:
            MapError, ImageError, RegionError, BundleError: it cannot be mapped, or not as wanted.
        """
        wanted, current = self._wanted, self._current
        _check_free(folder, order.post, self._space)
        with ExitStack() as stack:
            terrain = self._terrain(order)
            scene = stack.enter_context(
                Scene(
                    order.post,
                    order.pre,
                    current.bands,
                    scale=1.0 if wanted.scale is None else wanted.scale,
                    terrain=terrain.path if terrain else None,
                )
            )
            routed = plan.routed if plan else self._routed(order, scene)
            if plan is None:
                for name in routed.regions:
                    self._check(scene, name)
            log = IssueLog(str(order.post))
            limits = self._limits(scene, stack, log)
            pixels = scene.width * scene.height * len(ALL_VIEWS if wanted.tta else AS_IT_IS)
            served = [self._of_region(name, pixels) for name in routed.regions]  # compiled: all else is settled
            if plan is None:
                plan = Plan(routed, self._tiling(scene, served))
            by = [one.maps(wanted.threshold) for one in served]
            run = MapRun(
                scene,
                ([one.engine for one in served], routed.shares(scene)),
                folder,
                outlining=Outlining(
                    [one.threshold for one in by], wanted.min_area, wanted.min_probability, wanted.simplify
                ),
                **vars(plan.tiling),
                limits=limits,
                tta=wanted.tta,
                region_layer=wanted.region_layer,
                tags={
                    SCENE: _place(order.post, self._space),
                    SCENE_CONTENT: content_digest(order.post) if isinstance(order.post, Path) else "",
                    "tsmu_bundle": by[0].bundle,
                    "tsmu_bundle_digest": by[0].digest,
                    "tsmu_region": routed.region,
                    "tsmu_routed": routed.why,
                },
                notes={"region": routed.regions, "bundle": [one.label for one in by]},
            )
            publish_to = f"{wanted.publish.rstrip('/')}/{order.name}" if wanted.publish else None
            yield OpenedScene(scene, plan, by, run, publish_to, terrain.unknown if terrain else None, log.issues)

    def _terrain(self, order: SceneOrder) -> Terrain | None:
        """The terrain under a scene that the model takes, if it takes any and an elevation model is given."""
        bands = terrain_bands(self._current.bands)
        if not bands or self._wanted.dem is None:
            return None
        grid = scene_grid(order.post)
        return derive_terrain(place_of_dem(self._wanted.dem), grid, bands, self._space.cache / TERRAIN)

    def _routed(self, order: SceneOrder, scene: Scene) -> Routed:
        if order.region:
            return Routed(order.region, "as asked")
        return route(scene, self._space.regions, self._current)

    def _of_region(self, region: str, pixels: int) -> _Served:
        which = region, pixels >= INT8_FROM
        if which not in self._ready:
            bundle = self._bundle(region)
            engine = choose_engine(self._wanted.engine, bundle, region, self._space, self._wanted.precision, pixels)
            self._ready[which] = _Served(region, bundle, engine)
        return self._ready[which]

    def _bundle(self, region: str) -> Bundle:
        """The version that serves a region."""
        if region not in self._bundles:
            bundle = serving_bundle(self._space.models, region)
            bundle.require_region(region)
            self._bundles[region] = bundle
        return self._bundles[region]

    def _check(self, scene: Scene, region: str) -> None:
        """Refuse a scene that is not of the kind that a region's decoder was trained on."""
        check_fills(scene)
        record = self._bundle(region).record
        if not self._wanted.any_resolution:
            scene.check_pixel_size(record.regions[region].pixel_size)
        if self._wanted.scale is None:
            check_values(scene, record.dtypes, record.mean, record.std)

    def _tiling(self, scene: Scene, served: Sequence[_Served]) -> Tiling:
        """The tiles that all the scene's networks take."""
        settings = self._space.settings.map
        tile = self._wanted.tile or settings.side
        overlap = settings.shared if self._wanted.overlap is None else self._wanted.overlap
        if overlap is None:
            overlap = max(
                measured_overlap(one.engine, one.bundle, one.serving.decoder, self._space.cache, tile) for one in served
            )
        networks = len({one.engine.identity for one in served})
        return plan_tiling(served[0].engine, len(scene.bands), scene.width, tile, overlap, networks)

    def _limits(self, scene: Scene, stack: ExitStack, log: IssueLog) -> list[Limit]:
        limits: list[Limit] = []
        if self._wanted.aoi:
            limits.append(Area(self._wanted.aoi, scene.grid, log=log, layers=self._wanted.aoi_layers))
        if self._wanted.dem and self._wanted.slope_below is not None:
            cache = self._space.cache / TERRAIN
            dem = place_of_dem(self._wanted.dem)
            limits.append(Steep(dem, self._wanted.slope_below, scene.grid, stack, cache))
        if self._wanted.leave_out:
            place, layers = place_of(self._wanted.leave_out), self._wanted.leave_out_layers
            limits.append(left_out(place, scene.grid, stack, log=log, layers=layers))
        return limits


def _check_free(folder: Path, post: Path | str, space: WorkspaceFolder) -> None:
    """Refuse to put a scene's map where another scene's lies.

    It is the same scene's under the same name within the workspace, or with the same content elsewhere. Maps of
    before that was noted name an absolute path: where nothing lies there any more, workspace or scene was moved.
    """
    there = tags_in(folder)
    place = there.get(SCENE)
    if place is None or place == _place(post, space):
        return
    if isinstance(post, Path) and not is_remote(place):
        if place == str(post.resolve()) or (there.get(SCENE_CONTENT) or "unknown") == content_digest(post):
            return
        gone = not (space.root / place).exists()
        if SCENE_CONTENT not in there and gone and Path(place).name == post.name and _same_grid(folder, post):
            return
    raise MapError(
        f"{folder}: holds the map of {place}; give this scene a name of its own: --name, or a table's column name"
    )


def _same_grid(folder: Path, post: Path) -> bool:
    return Grid.of(describe(folder / RASTER)).same_as(scene_grid(post))


def _place(post: Path | str, space: WorkspaceFolder) -> str:
    """How a map names its scene: relative to the workspace inside it, absolute outside; an address as it is."""
    return space.stored_path(post) if isinstance(post, Path) else post
