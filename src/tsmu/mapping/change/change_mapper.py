"""Scenes mapped by the change between their two images."""

import hashlib
from functools import partial

from tsmu.errors import MapError
from tsmu.imagery import SLOPE_BAND, RasterInfo
from tsmu.mapping.change.calibration import calibration_for
from tsmu.mapping.change.change_engine import ENGINE, change_engine
from tsmu.mapping.change.pair_bands import PairBands, find_pair_bands
from tsmu.mapping.change.scene_statistics import SceneStatistics, measure_scene
from tsmu.mapping.mapped_scene import DecoderProvenance
from tsmu.mapping.mapper import RegionEngine
from tsmu.mapping.options import MapOptions
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.requests import SceneRequest
from tsmu.mapping.scene.routing import Routing
from tsmu.regions import RegionMap
from tsmu.workspace_folder import WorkspaceFolder

CALIBRATED_PIXELS = (10.0, 10.0)  # metres, smallest and largest, of the sites that the calibration was fitted on
OVERLAP = 64  # px; more than the 8 px that the smoothing reaches, so that the map does not depend on the size of tiles
NOWHERE = "unassigned"  # the region of a scene that lies in none
# Share of the sampled pixels that became white, or were dark before, from which on the issue log mentions them.
SAID_SHARE = 0.005


class ChangeMapper:
    """Maps scenes by change; needs neither a model nor labels.

    Args:
        options: how scenes are mapped.
        space: the workspace, whose region map names the region.
    """

    def __init__(self, options: MapOptions, space: WorkspaceFolder) -> None:
        self._options, self._space = options, space

    def terrain_bands(self) -> tuple[str, ...]:
        """The slope: wherever elevations are given, flat ground is taken as less likely to have slid."""
        return (SLOPE_BAND,)

    def scene_bands(self, post: RasterInfo, pre: RasterInfo | None, *, with_terrain: bool) -> list[str]:
        """The bands that are compared, and the slope."""
        return list(_pair_bands(post, pre, with_terrain=with_terrain).names)

    def route(self, request: SceneRequest, scene: Scene) -> Routing:
        """Name the region of the scene: as asked, else by the region map; the same for all of the scene."""
        if request.region:
            return Routing(request.region, "as asked")
        if not self._space.regions.exists():
            return Routing(NOWHERE, "this workspace has no region map")
        inside = RegionMap.load(self._space.regions).assign_footprint(scene.footprint)[1]
        if inside:
            return Routing(next(iter(inside)), "lies in it by the region map")
        return Routing(NOWHERE, "lies in no region of the region map")

    def check(self, scene: Scene, region: str | None) -> None:
        """Refuse pixels much smaller or larger than those of the calibration."""
        del region
        if not self._options.any_resolution:
            scene.check_pixel_size(CALIBRATED_PIXELS, "change was calibrated")

    def engine(self, scene: Scene, region: str) -> RegionEngine:
        """Measure what change is usual in the scene."""
        bands = scene_pair_bands(scene)
        statistics = measure_scene(scene, bands)
        for problem, action in _conclusions(statistics, bands):
            scene.add_remark(scene.name, problem, action)
        for guess in bands.guesses:
            scene.add_remark(*guess)
        engine = change_engine(bands, statistics)
        digest = hashlib.sha256(engine.network.encode()).hexdigest()
        threshold = self._options.threshold or calibration_for(bands).threshold
        provenance = DecoderProvenance(
            region, ENGINE, digest, ENGINE, threshold, engine.name, engine.device, engine.precision, engine.reason
        )
        return RegionEngine(engine, provenance, partial(_overlap, OVERLAP))


def scene_pair_bands(scene: Scene) -> PairBands:
    """The pair's bands of an open scene."""
    pre, post = scene.infos
    return _pair_bands(post, pre, with_terrain=scene.bands[-1].endswith(SLOPE_BAND))


def _pair_bands(post: RasterInfo, pre: RasterInfo | None, *, with_terrain: bool) -> PairBands:
    if pre is None:
        raise MapError(f"{post.path}: change needs the image from before the event, too; give it with --pre FILE")
    return find_pair_bands(pre, post, with_slope=with_terrain)


def _overlap(overlap: int, tile: int | None) -> int:
    """Pixels that neighbouring tiles share: `overlap`, but at most half of the side `tile`, if that is given."""
    return min(overlap, (tile or 2 * overlap) // 2)


def _conclusions(statistics: SceneStatistics, bands: PairBands) -> list[tuple[str, str]]:
    """What was concluded from a scene's pixel values, for its issue log: problem and action of each."""
    remarks = []
    if statistics.whitened_share >= SAID_SHARE:
        remarks.append(
            (
                f"about {statistics.whitened_share:.1%} of it became white, as clouds, haze and snow do",
                "no landslides there",
            )
        )
    if statistics.dark_share >= SAID_SHARE:
        remarks.append(
            (f"about {statistics.dark_share:.1%} of it was water or deep shadow before", "no landslides there")
        )
    if bands.is_radar:
        remarks.append(("change of radar backscatter is not calibrated", "mapped; look at all of it"))
        unit = "decibels, as they are mostly negative" if statistics.levels.decibels else "linear power"
        remarks.append((f"does not say the unit of its backscatter: values taken for {unit}", "mapped"))
    return remarks
