"""What `MapSession` needs of whatever maps scenes: the decoders of a model, or change between two images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tsmu.imagery import RasterInfo
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.mapped_scene import DecoderProvenance
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.requests import SceneRequest
from tsmu.mapping.scene.routing import Routing


@dataclass(frozen=True)
class RegionEngine:
    """What maps a region of a scene, ready to compute.

    Attributes:
        engine: computes tiles.
        provenance: where it comes from, with the threshold that is used.
        measure_overlap: called with the side of the tiles in px, or None if it is not chosen yet; returns how many px
            neighbouring tiles must share.
    """

    engine: Engine
    provenance: DecoderProvenance
    measure_overlap: Callable[[int | None], int]


class Mapper(Protocol):
    """Maps scenes in one way."""

    def terrain_bands(self) -> tuple[str, ...]:
        """Names of the terrain bands that are derived from an elevation model, if one is given."""
        ...

    def scene_bands(self, post: RasterInfo, pre: RasterInfo | None, *, with_terrain: bool) -> list[str]:
        """Bands of the scene in the order that engines take them, for images with these headers.

        Raises:
            MapError: the images do not have what is needed.
        """
        ...

    def route(self, request: SceneRequest, scene: Scene) -> Routing:
        """Find the regions that map a scene; RegionError where none can be found."""
        ...

    def check(self, scene: Scene, region: str | None) -> None:
        """Refuse a scene that is not of the kind that can be mapped: MapError, with all that does not fit.

        Args:
            scene: the scene; it may have other bands than those that it is mapped from.
            region: that maps it; None where that is not known, then what no region can map is refused.
        """
        ...

    def engine(self, scene: Scene, region: str) -> RegionEngine:
        """Make what maps a region of a scene ready; it may take long."""
        ...
