"""One scene after the other: mapped, and recorded in the database."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas

from tsmu.cli.command import progress
from tsmu.database import Added, Database, RunRecord, SceneRecord, add_run
from tsmu.errors import MapError
from tsmu.issues import IssueLog
from tsmu.mapping.area import valid_area
from tsmu.mapping.choose import choose_engine
from tsmu.mapping.context import measured_overlap
from tsmu.mapping.engine import Engine
from tsmu.mapping.fit import check_values
from tsmu.mapping.limits import Area, Limit, Outside, Steep
from tsmu.mapping.mapper import map_scene
from tsmu.mapping.plan import Tiling, plan_tiling
from tsmu.mapping.polygons import Outlining
from tsmu.mapping.result import MapResult, tags_in
from tsmu.mapping.routing import Routed, route
from tsmu.mapping.scenes import SceneOrder, place_of
from tsmu.mapping.source import Scene
from tsmu.model.bundle import Bundle
from tsmu.model.record import RegionRecord
from tsmu.model.serving import serving_bundle
from tsmu.workspace import Workspace


@dataclass(frozen=True)
class Wanted:
    """How scenes are to be mapped; see `tsmu map --help`."""

    threshold: int | None
    min_area: float
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
    scale: float | None
    any_resolution: bool
    force: bool


@dataclass(frozen=True)
class Served:
    """A region, the version that serves it, and its decoder ready to compute."""

    region: str
    bundle: Bundle
    engine: Engine

    @property
    def serving(self) -> RegionRecord:
        """How the region is served."""
        return self.bundle.record.regions[self.region]

    @property
    def label(self) -> str:
        """The version, told from those of other workspaces."""
        return f"{self.bundle.name}-{self.bundle.digest[:8]}"


class SceneMapper:
    """Maps scenes by the versions that serve their regions; opens each region's version and engine once."""

    def __init__(self, wanted: Wanted, space: Workspace) -> None:
        self._wanted, self._space = wanted, space
        self._current = serving_bundle(space.models)
        self._ready: dict[str, Served] = {}

    def map(self, order: SceneOrder, folder: Path, records: Database, log: IssueLog) -> dict[str, Any]:
        """Map a scene into a folder and its polygons into the database; return what to say of it as JSON."""
        wanted, current = self._wanted, self._current.record
        place = str(order.post.resolve()) if isinstance(order.post, Path) else order.post
        _check_free(folder, place)
        with ExitStack() as stack:
            scene = stack.enter_context(Scene(order.post, order.pre, current.bands, scale=wanted.scale or 1.0))
            routed = Routed(order.region, "as asked") if order.region else route(scene, self._space.regions, current)
            if routed.strange:
                log.warning(place, f"it is {routed.why} {routed.region}", "mapped; look at it with care")
            served = [self._of_region(name) for name in routed.regions]
            for one in served:
                self._check(scene, one)
            main = served[0]
            tiling = self._tiling(scene, served)
            percents = [wanted.threshold or one.serving.threshold for one in served]
            with progress(f"Mapping {order.name}") as show:
                result = map_scene(
                    scene,
                    ([one.engine for one in served], routed.shares(scene)),
                    folder,
                    outlining=Outlining(percents, wanted.min_area, wanted.simplify),
                    **vars(tiling),
                    limits=self._limits(scene, stack),
                    tta=wanted.tta,
                    region_layer=wanted.region_layer,
                    progress=lambda done, total: show(done, total, routed.region),
                    tags={
                        "tsmu_scene": place,
                        "tsmu_bundle": main.bundle.name,
                        "tsmu_bundle_digest": main.bundle.digest,
                        "tsmu_region": routed.region,
                        "tsmu_routed": routed.why,
                    },
                    notes={"region": routed.regions, "bundle": [one.label for one in served]},
                    force=wanted.force,
                )
            settings: dict[str, Any] = {
                "precision": main.engine.precision,
                "min_area": wanted.min_area,
                "simplify": wanted.simplify,
            }
            if len(served) > 1:
                settings["regions"] = {
                    one.region: [one.label, percent] for one, percent in zip(served, percents, strict=True)
                }
            by = RunRecord(
                main.bundle.name,
                main.bundle.digest,
                main.serving.decoder,
                routed.region,
                percents[0],
                main.engine.name,
                settings | vars(tiling) | ({"tta": True} if wanted.tta else {}),
            )
            told = IssueLog(place)
            added = self._record(records, order, scene, by, result, told)
            log.issues += told.issues
        return {
            "scene": order.name,
            "region": routed.region,
            "regions": routed.regions,
            "routed": routed.why,
            "bundle": main.bundle.name,
            "threshold": percents[0],
            "thresholds": percents,
            "records": result.count - len(told.errors),
            "area_m2": result.area_m2,
            "engine": main.engine.name,
            "device": main.engine.device,
            "precision": main.engine.precision,
            "reason": main.engine.reason,
            **vars(tiling),
            **vars(result.counts),
            "bands_computed": result.bands_computed,
            "run": added.run_id,
            "run_already_there": added.already_there,
            "observations": added.observations,
            "candidates": added.candidates,
            "redrawn": added.redrawn,
            "proposed": added.proposed,
            "outputs": {
                "probability": str(result.probability),
                "polygons": str(result.polygons),
                **{name: str(path) for name, path in result.layers.items()},
            },
        }

    def _of_region(self, region: str) -> Served:
        if region not in self._ready:
            bundle = serving_bundle(self._space.models, region)
            bundle.require_region(region)
            self._ready[region] = Served(
                region, bundle, choose_engine(self._wanted.engine, bundle, region, self._space)
            )
        return self._ready[region]

    def _check(self, scene: Scene, served: Served) -> None:
        """Refuse a scene that is not of the kind that a region's decoder was trained on."""
        if not self._wanted.any_resolution:
            scene.check_pixel_size(served.serving.pixel_size)
        if self._wanted.scale is None:
            record = served.bundle.record
            check_values(scene, record.dtypes, record.mean, record.std)

    def _tiling(self, scene: Scene, served: Sequence[Served]) -> Tiling:
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

    def _limits(self, scene: Scene, stack: ExitStack) -> list[Limit]:
        limits: list[Limit] = []
        if self._wanted.aoi:
            limits.append(Area(self._wanted.aoi, scene.grid))
        if self._wanted.dem and self._wanted.slope_below is not None:
            limits.append(Steep(place_of(self._wanted.dem), self._wanted.slope_below, scene.grid, stack))
        if self._wanted.leave_out:
            limits.append(Outside(place_of(self._wanted.leave_out), scene.grid, stack))
        return limits

    def _record(
        self, records: Database, order: SceneOrder, scene: Scene, by: RunRecord, result: MapResult, log: IssueLog
    ) -> Added:
        post, pre = (
            self._space.stored_path(image) if isinstance(image, Path) else image for image in (order.post, order.pre)
        )
        seen = SceneRecord(
            order.name, scene.footprint, post, pre, _day(order.date_pre), _day(order.date_post), scene.info.pixel_size
        )
        polygons = geopandas.read_parquet(result.polygons)
        return add_run(records, polygons, seen, by, log, valid_area(result.probability))


def _check_free(folder: Path, place: str) -> None:
    """Refuse to put a scene's map where another scene's lies."""
    there = tags_in(folder).get("tsmu_scene")
    if there not in (None, place):
        raise MapError(f"{folder}: holds the map of {there}; give this scene a name of its own with --name")


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
