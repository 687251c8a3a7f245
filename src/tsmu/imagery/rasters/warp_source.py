"""A raster in the form in which GDAL's warper reads it rightly: itself, or a virtual raster (VRT) in memory.

The warper knows one no-data value for all bands, and mixes the indices of a palette as if they were brightnesses. So
it is given a VRT: the bands with values, a palette's colours as red, green and blue, and a band of alpha in which
GDAL itself puts together which pixels are valid (`validity`). A raster that the warper reads rightly as it is needs
no VRT.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from tsmu.imagery.rasters.reader import RasterReader
from tsmu.imagery.rasters.validity import HUGE, BandLayout, fill_values

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
def open_warpable(reader: RasterReader, *, keep_palette_indices: bool = False) -> Iterator[DatasetReader]:
    """Open a raster in the form in which GDAL's warper reads it rightly.

    Args:
        reader: the raster.
        keep_palette_indices: do not expand a palette to red, green and blue.

    Yields:
        A dataset with the bands of the reader, in their order; a band of alpha may follow.

    Example:
        >>> with open_raster("post.tif") as reader, open_warpable(reader) as dataset:
        ...     dataset.count
        3
    """
    if _is_plain(reader) and (keep_palette_indices or reader.layout.palette is None):
        yield reader.dataset
        return
    with rasterio.open(_vrt_xml(reader, keep_palette_indices=keep_palette_indices)) as vrt:
        yield vrt


def _is_plain(reader: RasterReader) -> bool:
    """Whether GDAL's warper finds by itself which pixels of the raster are valid."""
    layout, nodata = reader.layout, reader.dataset.nodata
    in_order = layout.bands == tuple(range(1, len(layout.bands) + 1))
    if layout.may_have_fill_values or layout.has_dataset_mask or layout.assumptions or not in_order:
        return False
    if layout.alpha:
        return nodata is None
    if not layout.declares_validity:
        return True
    return layout.joint_nodata and len(set(reader.dataset.nodatavals)) == 1 and layout.common_nodata == nodata


def _vrt_xml(reader: RasterReader, *, keep_palette_indices: bool) -> str:
    """Write a VRT of the raster's bands with values and a band of alpha."""
    dataset, layout = reader.dataset, reader.layout
    file = _gdal_name(reader)
    if layout.palette is None or keep_palette_indices:
        names = (VRT_COLOURS.get(dataset.colorinterp[index - 1], "Undefined") for index in layout.bands)
        sources = ((_simple_source(file, str(index)), _gdal_type(dataset, index)) for index in layout.bands)
        parts = [(*source, name) for source, name in zip(sources, names, strict=True)]
    else:
        colours = (
            _complex_source(file, layout.bands[0], f"<ColorTableComponent>{i}</ColorTableComponent>") for i in (1, 2, 3)
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


def _alpha_band(file: str, layout: BandLayout, dataset: DatasetReader, number: int) -> str:
    """Write the band of alpha: the minimum of all masks, 0 where one of them is 0; "" where every pixel is valid."""
    sources = []
    if layout.alpha:
        sources.append(_simple_source(file, str(layout.alpha)))
    if layout.has_dataset_mask:
        sources.append(_simple_source(file, f"mask,{layout.bands[0]}"))
    if layout.palette is not None:
        sources.append(_complex_source(file, layout.bands[0], "<ColorTableComponent>4</ColorTableComponent>"))
    if any(value is not None for value in layout.nodata):
        sources += _nodata_sources(file, layout, dataset)
    if layout.may_have_fill_values:
        dtype = str(dataset.dtypes[layout.bands[0] - 1])
        table = _validity_table(sorted(fill_values(dtype)), dtype)
        sources += [_complex_source(file, index, f"<LUT>{table}</LUT>") for index in layout.bands]
    if not sources:
        return ""
    colour, band_class = "<ColorInterp>Alpha</ColorInterp>", 'subClass="VRTDerivedRasterBand"'
    minimum = "<PixelFunctionType>min</PixelFunctionType><SourceTransferType>Byte</SourceTransferType>"
    if len(sources) == 1:  # of which GDAL takes no minimum
        band_class, minimum = "", ""
    kind = "Byte" if layout.palette is not None else _gdal_type(dataset, layout.bands[0])  # one for all bands
    head = f'<VRTRasterBand dataType="{kind}" band="{number}" {band_class}>'
    return f"{head}{colour}{minimum}{''.join(sources)}</VRTRasterBand>"


def _nodata_sources(file: str, layout: BandLayout, dataset: DatasetReader) -> list[str]:
    """Masks by declared no-data values: one for all bands together, or one for each band that declares a value.

    The mask of a single band is a table of values. GDAL's own mask of such a band in a VRT is not used, because the
    warper of GDAL 3.10 reads it wrongly where the values are of 8 bits.
    """
    if not layout.joint_nodata:
        declared = [
            (index, value) for index, value in zip(layout.bands, layout.nodata, strict=True) if value is not None
        ]
        return [
            _complex_source(file, index, f"<LUT>{_validity_table([value], str(dataset.dtypes[index - 1]))}</LUT>")
            for index, value in declared
            if not np.isnan(value)  # NaN is never valid, declared or not
        ]
    values = " ".join(repr(value) for value in layout.nodata)
    bands = "".join(
        f'<VRTRasterBand dataType="{_gdal_type(dataset, index)}" band="{number}">'
        f"{_simple_source(file, str(index))}</VRTRasterBand>"
        for number, index in enumerate(layout.bands, start=1)
    )
    metadata = f'<Metadata><MDI key="NODATA_VALUES">{values}</MDI></Metadata>'
    inner = f'<VRTDataset rasterXSize="{dataset.width}" rasterYSize="{dataset.height}">{metadata}{bands}</VRTDataset>'
    return [_simple_source(inner, "mask,1")]


def _validity_table(invalid: Sequence[float], dtype: str) -> str:
    """Write a lookup table (value:validity) that gives 0 for some values and 255 for all others of a type.

    For floating-point types it also gives 0 for values that are too large to be measured. GDAL interpolates between
    the rows of the table.

    Args:
        invalid: the values that get 0, in rising order.
        dtype: the type of the values.
    """
    floating = dtype.startswith("f")
    steps = [(-HUGE, 0), (-HUGE * 0.99, 255)] if floating else [(-1e20, 255)]
    for value in invalid:
        below, above = _neighbours(value, floating=floating)
        steps += [] if steps[-1][0] >= below else [(below, 255)]
        steps += [(float(value), 0), (above, 255)]
    steps += [(HUGE * 0.99, 255), (HUGE, 0)] if floating else [(1e20, 255)]
    return ",".join(f"{value!r}:{valid}" for value, valid in steps)


def _neighbours(value: float, *, floating: bool) -> tuple[float, float]:
    """Numbers so near to a value, below and above, that no other value of its type lies between."""
    if not floating:
        return value - 0.5, value + 0.5
    single = np.float32(value)
    return float(np.nextafter(single, np.float32(-np.inf))), float(np.nextafter(single, np.float32(np.inf)))


def _simple_source(file: str, band: str) -> str:
    return (
        f'<SimpleSource><SourceFilename relativeToVRT="0">{escape(file)}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource>"
    )


def _complex_source(file: str, band: int, content: str) -> str:
    return (
        f'<ComplexSource><SourceFilename relativeToVRT="0">{escape(file)}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand>{content}</ComplexSource>"
    )


def _gdal_type(dataset: DatasetReader, index: int) -> str:
    return GDAL_TYPES[str(dataset.dtypes[index - 1])]


def _gdal_name(reader: RasterReader) -> str:
    """The name by which GDAL opens the raster from any folder."""
    name = str(reader.path)
    if name.startswith(("http://", "https://")):
        return f"/vsicurl/{name}"
    return name if name.startswith("/vsi") else str(Path(name).absolute())
