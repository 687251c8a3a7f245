"""The options of mapping, which are those of `tsmu map`."""

from dataclasses import dataclass
from pathlib import Path

from tsmu.errors import MapError

MAPPERS = ("decoder", "change")
ENGINES = ("auto", "openvino", "torch")
PRECISIONS = ("auto", "float32", "bfloat16", "int8")


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """How scenes are mapped. Every option has the name and the default of its option of `tsmu map`.

    Attributes:
        by: what maps them: `decoder` of a region, or `change` between the image before and the one after.
        threshold: whole percent from which on a pixel is a landslide; None for each region's own, or that of change.
        min_area: smaller landslides are left out, square metres.
        min_probability: landslides of a smaller mean probability are left out, percent.
        simplify: outlines are simplified by about so many pixels; 0 for outlines along the pixels' edges.
        aoi: polygons, the area of interest: only what lies inside is mapped.
        slope_below: flatter ground is left out, degrees; needs `dem`.
        dem: elevations in metres, a file or an address, for models with terrain bands and for `slope_below`.
        leave_out: what is left out, such as clouds or water: polygons, or a raster that is not 0 there.
        tile: side of a tile, px; None for what fits the memory.
        overlap: pixels that neighbouring tiles share; None for what the network needs.
        tta: test-time augmentation: the mean of eight turned and flipped predictions, and their standard deviation.
        region_layer: whether `regions.tif` is written: whose decoder counts most at each pixel.
        engine: what computes the network, one of ENGINES.
        precision: of the network's convolutions, one of PRECISIONS.
        scale: factor for the values of the images; None refuses images of another type or range than the training's.
        any_resolution: map scenes whatever their pixel size.
        force: compute anew what is finished.
        publish: address to which finished maps are copied, each into a folder of the scene's name.
        aoi_layers: names of the layers of `aoi` to read; all if empty.
        leave_out_layers: names of the layers of `leave_out` to read; all if empty.

    Raises:
        MapError: the engine, the precision or the mapper is not one of those known, or change is asked for what only
            networks have.

    Example:
        >>> options = MapOptions(threshold=60, min_area=400)
        >>> options.tta, options.engine
        (False, 'auto')
    """

    by: str = "decoder"
    threshold: int | None = None
    min_area: float = 0.0
    min_probability: float = 0.0
    simplify: float = 0.0
    aoi: Path | None = None
    slope_below: float | None = None
    dem: str | None = None
    leave_out: str | None = None
    tile: int | None = None
    overlap: int | None = None
    tta: bool = False
    region_layer: bool = False
    engine: str = "auto"
    precision: str = "auto"
    scale: float | None = None
    any_resolution: bool = False
    force: bool = False
    publish: str | None = None
    aoi_layers: tuple[str, ...] = ()
    leave_out_layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value, known in (
            ("by", self.by, MAPPERS),
            ("engine", self.engine, ENGINES),
            ("precision", self.precision, PRECISIONS),
        ):
            if value not in known:
                raise MapError(f"--{name} {value}: must be one of {', '.join(known)}")
        if self.by != "change":
            return
        for name in ("engine", "precision", "tta", "region_layer"):
            if getattr(self, name) not in ("auto", False):
                raise MapError(f"--{name.replace('_', '-')}: is of networks, and --by change has none; leave it out")
