"""What is known of a scene that was mapped: its plan, whose decoders mapped it, and its files."""

from collections.abc import Sequence
from dataclasses import dataclass

import shapely

from tsmu.issues import Issue
from tsmu.mapping.outputs.map_files import MapResult
from tsmu.mapping.scene.routing import Routing
from tsmu.mapping.tiling.tile_size import Tiling


@dataclass(frozen=True)
class ScenePlan:
    """What is decided once for a scene, whichever processes map it: whose decoders, and in which tiles."""

    routing: Routing
    tiling: Tiling


@dataclass(frozen=True)
class DecoderProvenance:
    """Which decoder mapped a scene or a part of it, and how it was computed.

    Attributes:
        region: the region of the decoder.
        bundle: the model version that serves the region, such as `v003`.
        digest: of the bundle, which distinguishes it from those of other workspaces.
        decoder: its name in the bundle.
        threshold: whole percent from which on pixels are landslides.
        engine, device, precision: what computed the network.
        reason: why these, for people.
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
        """The version with the beginning of its digest, such as `v003-0123abcd`."""
        return f"{self.bundle}-{self.digest[:8]}"


@dataclass(frozen=True)
class MappedScene:
    """The map of a scene, and what the database records of it.

    Attributes:
        result: the files, and what is in them.
        plan: how it was mapped.
        decoders: which mapped it, that of most of the scene first.
        footprint: the scene's outline, EPSG:4326.
        pixel_size: metres; None if unknown.
        published: the address to which its files were copied, if they were.
        without_terrain: share of the scene, 0 to 1, that is no data because its terrain is not known; None
            for a model without terrain bands.
        issues: problems of the polygons of its masks.
        remarks: what was concluded from the pixel values of its rasters: file, problem and action of each.
    """

    result: MapResult
    plan: ScenePlan
    decoders: list[DecoderProvenance]
    footprint: shapely.Polygon
    pixel_size: float | None
    published: str | None
    without_terrain: float | None
    issues: Sequence[Issue]
    remarks: list[tuple[str, str, str]]
