"""Scenes mapped by the decoders of a workspace's model."""

from tsmu.errors import ErrorCollector
from tsmu.imagery import RasterInfo, terrain_bands
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.inference.engine_choice import INT8_FROM, choose_engine
from tsmu.mapping.inference.prediction import ALL_TRANSFORMS
from tsmu.mapping.mapped_scene import DecoderProvenance
from tsmu.mapping.mapper import RegionEngine
from tsmu.mapping.options import MapOptions
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.requests import SceneRequest
from tsmu.mapping.scene.routing import Routing, route_scene
from tsmu.mapping.scene.value_checks import check_values
from tsmu.mapping.tiling.tile_size import measure_overlap
from tsmu.model import Bundle, served_record, serving_bundle
from tsmu.workspace_folder import WorkspaceFolder


class DecoderMapper:
    """Maps scenes with the model versions that serve a workspace's regions; each is loaded once.

    Args:
        options: how scenes are mapped.
        space: the workspace.

    Raises:
        BundleError: the workspace has no model.
    """

    def __init__(self, options: MapOptions, space: WorkspaceFolder) -> None:
        self._options, self._space = options, space
        self._current = served_record(space.models)
        self._bundles: dict[str, Bundle] = {}
        self._engines: dict[tuple[str, bool], Engine] = {}

    def terrain_bands(self) -> tuple[str, ...]:
        """Terrain bands of the model."""
        return terrain_bands(self._current.bands)

    def scene_bands(self, post: RasterInfo, pre: RasterInfo | None, *, with_terrain: bool) -> list[str]:
        """The model's bands; `Scene` checks that the images have them."""
        del post, pre, with_terrain
        return list(self._current.bands)

    def route(self, request: SceneRequest, scene: Scene) -> Routing:
        """Find the regions whose decoders map a scene."""
        if request.region:
            return Routing(request.region, "as asked")
        return route_scene(scene, self._space.regions, self._current)

    def check(self, scene: Scene, region: str | None) -> None:
        """Refuse a scene that is not of the kind that a region's decoder, or any of them, was trained on."""
        record = self._bundle(region).record if region else self._current
        errors = ErrorCollector()
        if not self._options.any_resolution:
            with errors.collect():
                scene.check_pixel_size(record.regions[region].pixel_size if region else record.pixel_size)
        if self._options.scale is None:
            with errors.collect():
                check_values(scene, record.dtypes, record.mean, record.std, record.bands)
        errors.raise_all()

    def engine(self, scene: Scene, region: str) -> RegionEngine:
        """Load the network of a region; a large scene may get another precision than a small one."""
        options, bundle = self._options, self._bundle(region)
        pixels = scene.width * scene.height * (len(ALL_TRANSFORMS) if options.tta else 1)
        key = region, pixels >= INT8_FROM
        if key not in self._engines:
            self._engines[key] = choose_engine(options.engine, bundle, region, self._space, options.precision, pixels)
        engine, record = self._engines[key], bundle.record.regions[region]
        provenance = DecoderProvenance(
            region, bundle.name, bundle.digest, record.decoder, options.threshold or record.threshold,
            engine.name, engine.device, engine.precision, engine.reason,
        )  # fmt: skip

        def overlap(tile: int | None) -> int:
            return measure_overlap(engine, bundle, record.decoder, self._space.cache, tile)

        return RegionEngine(engine, provenance, overlap)

    def _bundle(self, region: str) -> Bundle:
        """Open the model version that serves a region."""
        if region not in self._bundles:
            bundle = serving_bundle(self._space.models, region)
            bundle.require_region(region)
            self._bundles[region] = bundle
        return self._bundles[region]
