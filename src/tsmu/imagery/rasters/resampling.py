"""Images resampled onto another grid: palettes expanded first, and pixels that are not valid left out of every mean.

GDAL's warper knows one no-data value for all bands, and mixes the numbers of a palette's colours as if they were
brightnesses. So what it is given is a view of the file (a VRT in memory): its bands with values, a palette's colours
as red, green and blue, and a band of alpha in which GDAL itself puts together which pixels are valid
(`imagery.validity`). Files that the warper reads rightly as they are go without.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from tsmu.files import written_whole
from tsmu.imagery.rasters.grids import TILED, Grid
from tsmu.imagery.rasters.reader import GDAL_OPTIONS, RasterReader, image_errors, open_raster
from tsmu.imagery.rasters.validity import ALPHA, HUGE, Layout, fill_values

ROWS_AT_ONCE = 256
EXACT = 0.001  # px by which GDAL may shorten its way to a pixel (it takes no zero); windows must not show
VRT_COLOURS = {
    ColorInterp.gray: "Gray",
    ColorInterp.red: "Red",
    ColorInterp.green: "Green",
    ColorInterp.blue: "Blue",
}
GDAL_TYPES = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "uint64": "UInt64",
    "int64": "Int64",
    "float32": "Float32",
    "float64": "Float64",
}


@contextmanager
def resampled(
    reader: RasterReader,
    grid: Grid,
    *,
    own: Grid | None = None,
    resampling: Resampling | None = None,
    dtype: str | None = None,
    numbers: bool = False,
) -> Iterator[RasterReader]:
    """Read a raster on another grid.

    Args:
        reader: the raster.
        grid: where it is to be read.
        own: where it lies; by default where it says.
        resampling: how; by default averages where the raster is finer than half the grid's pixel, otherwise bilinear.
        dtype: type of the values; by default the raster's.
        numbers: keep the numbers of a palette's colours; for classes, with the nearest pixel.

    Yields:
        A reader on the grid; pixels that the raster does not reach are not valid.

    Raises:
        ImageError: the raster cannot be read.
    """
    own = own or Grid.of(reader.info)
    if resampling is None:
        resampling = Resampling.average if own.pixel_side(grid) < 0.5 else Resampling.bilinear
    options = {
        "src_crs": own.crs,
        "src_transform": own.transform,
        "crs": grid.crs,
        "transform": grid.transform,
        "width": grid.width,
        "height": grid.height,
        "resampling": resampling,
        "tolerance": EXACT,
    }
    with ExitStack() as stack:
        stack.enter_context(image_errors(reader.path))
        source = stack.enter_context(warpable(reader, numbers=numbers))
        has_alpha = ColorInterp.alpha in source.colorinterp
        options["add_alpha"] = source.nodata is None and not has_alpha
        if has_alpha:
            options["SRC_ALPHA_MAX"] = "255"
        if dtype:
            options["dtype"] = dtype
        yield RasterReader(reader.path, stack.enter_context(WarpedVRT(source, **options)))


def onto(source: Path, own: Grid, grid: Grid, target: Path, *, moved: tuple[float, float] = (0.0, 0.0)) -> Path:
    """Resample the image `source`, which lies on `own`, onto `grid`, as a GeoTIFF at `target`.

    Averages where the source is finer than half the grid's pixel, otherwise bilinear. Pixels that the source does
    not reach are no data.

    Args:
        source: the image.
        own: its grid.
        grid: the grid to write.
        target: the file to write.
        moved: pixels of `grid` (right, down) by which the source's content lies off; taken back.

    Raises:
        ImageError: the source cannot be read.
    """
    there = Grid(grid.width, grid.height, grid.crs, grid.transform @ Affine.translation(*moved))
    with (
        open_raster(source) as reader,
        resampled(reader, there, own=own) as warped,
        written_whole(target) as temporary,
        rasterio.Env(**GDAL_OPTIONS),  # which write no file beside it
    ):
        nodata = np.nan if np.dtype(warped.info.dtype).kind == "f" else warped.dataset.nodata
        alpha = nodata is None
        shape = {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
        kind = {"count": len(warped.info.bands) + alpha, "dtype": warped.info.dtype, "nodata": nodata}
        with rasterio.open(temporary, "w", **TILED, **shape, **kind, BIGTIFF="IF_SAFER") as written:
            _name_bands(written, reader, alpha=alpha)
            for top in range(0, grid.height, ROWS_AT_ONCE):
                window = Window(0, top, grid.width, min(ROWS_AT_ONCE, grid.height - top))
                values, valid = warped.read(window)
                if alpha:
                    opaque = np.iinfo(values.dtype).max
                    values = np.concatenate([values, np.where(valid, opaque, 0).astype(values.dtype)[None]])
                elif nodata is not None:
                    values[:, ~valid] = nodata
                written.write(values, window=window)
    return target


def _name_bands(written: DatasetWriter, reader: RasterReader, *, alpha: bool) -> None:
    """Give a new raster the names and colours that the bands of another have, and its alpha its own."""
    if reader.layout.palette is None:
        old = reader.dataset
        descriptions = [old.descriptions[index - 1] for index in reader.layout.bands]
        colours = [old.colorinterp[index - 1] for index in reader.layout.bands]
        colours = [ColorInterp.undefined if colour == ColorInterp.alpha else colour for colour in colours]
    else:
        descriptions, colours = [None] * 3, [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    written.colorinterp = [*colours, ColorInterp.alpha] if alpha else colours
    for number, description in enumerate([*descriptions, ALPHA] if alpha else descriptions, start=1):
        if description:
            written.set_band_description(number, description)


@contextmanager
def warpable(reader: RasterReader, *, numbers: bool = False) -> Iterator[DatasetReader]:
    """The raster as GDAL's warper reads it rightly: itself, or a VRT in memory.

    Its bands are those of the reader, in their order; a last one of alpha may follow.

    Args:
        reader: the raster.
        numbers: keep the numbers of a palette's colours.
    """
    if _is_plain(reader) and (numbers or reader.layout.palette is None):
        yield reader.dataset
        return
    with rasterio.open(_view_xml(reader, numbers=numbers)) as view:
        yield view


def _is_plain(reader: RasterReader) -> bool:
    """Whether GDAL's warper finds by itself which pixels of the raster are valid."""
    layout, nodata = reader.layout, reader.dataset.nodata
    in_order = layout.bands == tuple(range(1, len(layout.bands) + 1))
    if layout.fills or layout.mask or layout.assumptions or not in_order:
        return False
    if layout.alpha:
        return nodata is None
    if not layout.declared:
        return True
    return layout.jointly and len(set(reader.dataset.nodatavals)) == 1 and layout.common_nodata == nodata


def _view_xml(reader: RasterReader, *, numbers: bool) -> str:
    """A VRT of the raster's bands with values and a band of alpha."""
    dataset, layout = reader.dataset, reader.layout
    file = _gdal_name(reader)
    if layout.palette is None or numbers:
        names = (VRT_COLOURS.get(dataset.colorinterp[index - 1], "Undefined") for index in layout.bands)
        sources = ((_simple(file, str(index)), _kind(dataset, index)) for index in layout.bands)
        parts = [(*source, name) for source, name in zip(sources, names, strict=True)]
    else:
        colours = (
            _complex(file, layout.bands[0], f"<ColorTableComponent>{i}</ColorTableComponent>") for i in (1, 2, 3)
        )
        parts = [(source, "Byte", name) for source, name in zip(colours, ("Red", "Green", "Blue"), strict=True)]
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{number}"><ColorInterp>{name}</ColorInterp>{source}</VRTRasterBand>'
        for number, (source, kind, name) in enumerate(parts, start=1)
    )
    head = f'<VRTDataset rasterXSize="{dataset.width}" rasterYSize="{dataset.height}">'
    if dataset.crs:
        head += f'<SRS dataAxisToSRSAxisMapping="1,2">{escape(dataset.crs.to_wkt())}</SRS>'
        head += f"<GeoTransform>{', '.join(map(repr, dataset.transform.to_gdal()))}</GeoTransform>"
    return f"{head}{bands}{_alpha_band(file, layout, dataset, len(parts) + 1)}</VRTDataset>"


def _alpha_band(file: str, layout: Layout, dataset: DatasetReader, number: int) -> str:
    """The least of all that says which pixels are valid, 0 where one of them says no; nothing where all are."""
    sources = []
    if layout.alpha:
        sources.append(_simple(file, str(layout.alpha)))
    if layout.mask:
        sources.append(_simple(file, f"mask,{layout.bands[0]}"))
    if layout.palette is not None:
        sources.append(_complex(file, layout.bands[0], "<ColorTableComponent>4</ColorTableComponent>"))
    if any(value is not None for value in layout.nodata):
        sources += _nodata_sources(file, layout, dataset)
    if layout.fills:
        kind = str(dataset.dtypes[layout.bands[0] - 1])
        sources += [_complex(file, index, f"<LUT>{_table_without_fills(kind)}</LUT>") for index in layout.bands]
    if not sources:
        return ""
    colour, many = "<ColorInterp>Alpha</ColorInterp>", 'subClass="VRTDerivedRasterBand"'
    least = "<PixelFunctionType>min</PixelFunctionType><SourceTransferType>Byte</SourceTransferType>"
    if len(sources) == 1:  # of which GDAL takes no least
        many, least = "", ""
    kind = "Byte" if layout.palette is not None else _kind(dataset, layout.bands[0])  # one for all bands
    return f'<VRTRasterBand dataType="{kind}" band="{number}" {many}>{colour}{least}{"".join(sources)}</VRTRasterBand>'


def _nodata_sources(file: str, layout: Layout, dataset: DatasetReader) -> list[str]:
    """Masks by declared no-data values: one for all bands together, or one for each band that declares a value.

    For each band by a table of values. GDAL's own mask of such a band in a VRT is not used: the warper of GDAL 3.10
    reads it wrongly where the values are of 8 bits.
    """
    if not layout.jointly:
        declared = [
            (index, value) for index, value in zip(layout.bands, layout.nodata, strict=True) if value is not None
        ]
        return [
            _complex(file, index, f"<LUT>{_table_without([value], str(dataset.dtypes[index - 1]))}</LUT>")
            for index, value in declared
            if not np.isnan(value)  # NaN is no value of any image, declared or not
        ]
    values = " ".join(repr(value) for value in layout.nodata)
    bands = "".join(
        f'<VRTRasterBand dataType="{_kind(dataset, index)}" band="{number}">{_simple(file, str(index))}</VRTRasterBand>'
        for number, index in enumerate(layout.bands, start=1)
    )
    together = f'<Metadata><MDI key="NODATA_VALUES">{values}</MDI></Metadata>'
    whole = f'<VRTDataset rasterXSize="{dataset.width}" rasterYSize="{dataset.height}">{together}{bands}</VRTDataset>'
    return [_simple(whole, "mask,1")]


def _table_without_fills(kind: str) -> str:
    """A table of (value:validity) that gives 0 for fill values and 255 for all others; GDAL interpolates between."""
    return _table_without(sorted(fill_values(kind)), kind)


def _table_without(values: Sequence[float], kind: str) -> str:
    """A table of (value:validity) that gives 0 for some values, in rising order, and 255 for all others of a type.

    Of floating-point types it gives 0 for what is too large to be measured as well. GDAL interpolates between the
    rows of the table.
    """
    floating = kind.startswith("f")
    steps = [(-HUGE, 0), (-HUGE * 0.99, 255)] if floating else [(-1e20, 255)]
    for value in values:
        before, after = _neighbours(value, floating=floating)
        steps += [] if steps[-1][0] >= before else [(before, 255)]
        steps += [(float(value), 0), (after, 255)]
    steps += [(HUGE * 0.99, 255), (HUGE, 0)] if floating else [(1e20, 255)]
    return ",".join(f"{value!r}:{valid}" for value, valid in steps)


def _neighbours(value: float, *, floating: bool) -> tuple[float, float]:
    """Numbers so near to a value, on both sides, that none of its type lies between."""
    if not floating:
        return value - 0.5, value + 0.5
    single = np.float32(value)
    return float(np.nextafter(single, np.float32(-np.inf))), float(np.nextafter(single, np.float32(np.inf)))


def _simple(file: str, band: str) -> str:
    return (
        f'<SimpleSource><SourceFilename relativeToVRT="0">{escape(file)}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource>"
    )


def _complex(file: str, band: int, more: str) -> str:
    return (
        f'<ComplexSource><SourceFilename relativeToVRT="0">{escape(file)}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand>{more}</ComplexSource>"
    )


def _kind(dataset: DatasetReader, index: int) -> str:
    return GDAL_TYPES[str(dataset.dtypes[index - 1])]


def _gdal_name(reader: RasterReader) -> str:
    """The name by which GDAL opens the raster from elsewhere."""
    name = str(reader.path)
    if name.startswith(("http://", "https://")):
        return f"/vsicurl/{name}"
    return name if name.startswith("/vsi") else str(Path(name).absolute())
