"""Import labels of any kind: one mask per pair, on the grid of its post image.

Which pair a label belongs to:

- A labelme file belongs to the pair whose post image it names. In a folder with labelme files, other images are the
  labelled ones, not masks.
- A mask raster belongs to the pair whose id or post image has its name (with or without `_mask`, `_label`), or to the
  only pair of its folder if it is named `mask` or `label`. A raster that no name gives to a pair comes after those,
  and belongs to the only pair that lies under it, which is logged: one given as a file, and of a folder those whose
  name says that they are labels (`pair_matching.is_named_as_label`), or the only one there.
- A polygon layer belongs to every pair that its polygons touch. A pair that no polygon touches gets no mask, because
  nobody may have looked there.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from rasterio.features import shapes as outlines
from rasterio.transform import Affine
from shapely.affinity import scale, translate
from shapely.geometry.base import BaseGeometry

from tsmu.errors import ImageError, LabelError, UnpairedLabelError
from tsmu.imagery import IMAGE_SUFFIXES, Grid, RasterInfo, describe_raster
from tsmu.issues import IssueLog
from tsmu.labels.label_files import find_label_files, name_archives, unpacked_archives
from tsmu.labels.label_layers import read_label_layers, to_pixels
from tsmu.labels.labelme_files import LINE_WIDTH, POINT_RADIUS, read_labelme
from tsmu.labels.mask_conventions import (
    BACKGROUND,
    LANDSLIDE,
    TRANSPARENT_IS_BACKGROUND,
    UNKNOWN,
    Mask,
    MaskConvention,
    detect_convention,
)
from tsmu.labels.mask_writer import MaskWriter
from tsmu.labels.pair_matching import PairMatcher, is_named_as_label
from tsmu.labels.rasterization import ClassPolygons
from tsmu.vectors import LONGITUDE_LATITUDE, find_area_outlines, layer_names, reproject
from tsmu.wording import counted

ASPECT_TOLERANCE = 0.01  # by which the shape of a label's image may differ from the post image's


def import_labels(
    source: Path,
    pairs: gpd.GeoDataFrame,
    log: IssueLog,
    *,
    out: Path,
    classes: Mapping[str, int] | None = None,
    class_field: str | None = None,
    layers: Sequence[str] = (),
    mapped_area: gpd.GeoSeries | None = None,
    line_width: float = LINE_WIDTH,
    point_radius: float = POINT_RADIUS,
    pair_folders: Collection[Path] = (),
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Import the labels of pairs; the docstring of the module says which pair a label belongs to.

    Args:
        source: a file, or a folder searched with all below it; zip archives are read as folders.
        pairs: as `imagery.pairs.import_pairs` gives them.
        log: receives what is wrong, and what is left out.
        out: folder for the masks, `ID.tif` on the post image's grid.
        classes: mask value (0, 1 or 255) by class name in any case; None: landslide, but for unknown and background.
        class_field: column of the class name in polygon layers; None takes all as "landslide".
        layers: the names of the polygon layers that are read; by default all.
        mapped_area: where somebody looked for landslides: what polygon layers leave open is background inside and
            unknown outside; pairs in it without a polygon get a mask, too. None: all ground of the pairs that polygons
            touch was looked at.
        line_width: width of labelme's lines, px.
        point_radius: radius of labelme's points, px.
        pair_folders: folders that the pairs were imported from; a labelme file of no pair there is left out silently
            if an image of its name lies beside it, because that import has logged the image.
        progress: called with (done, all) after each file.

    Returns:
        One row per mask: id of the pair; mask (path; 0 background, 1 landslide, 255 unknown); source; landslides
        (number of polygons; None for a raster); landslide_share of the known pixels; unknown_share of all.

    Raises:
        LabelError: the source is missing or has no label file.

    Example:
        >>> table = import_labels(Path("drawn"), pairs, log, out=Path("masks"))
        >>> table["id"].tolist(), table["landslides"].tolist()
        (['a'], [1])
    """
    with unpacked_archives(source, log) as archives, _new_masks(out) as new_masks:
        files = find_label_files(source, archives, pairs, out, log)
        writer, matcher = MaskWriter(pairs, log, new_masks, classes), PairMatcher(pairs)
        masks, found_by_place, convention = _match_rasters(source, files.rasters, matcher, log)
        total = len(files.labelme) + len(masks)
        for done, path in enumerate(files.labelme, start=1):
            with _errors_logged(path, log, pair_folders):
                _import_labelme(path, matcher, writer, line_width, point_radius)
            if progress:
                progress(done, total)
        _import_layers(files.layers, pairs, writer, class_field, layers, mapped_area)
        for done, (path, pair) in enumerate(masks.items(), start=len(files.labelme) + 1):
            with _errors_logged(path, log):
                _import_raster(path, pair, writer, convention)
                if path in found_by_place:
                    log.warning(path, f"is named like no pair and lies on pair {pair}", "read as its label")
            if progress:
                progress(done, total)
        writer.report_classes(source)
        table = writer.table()
        masks_in_place = [str(Path(mask).replace(out.resolve() / Path(mask).name)) for mask in table["mask"]]
        sources = [name_archives(file, archives) for file in table["source"]]
        return table.assign(mask=masks_in_place, source=sources)


@contextmanager
def _new_masks(out: Path) -> Iterator[Path]:
    """A folder for new masks until all are written, so that an import that stops leaves the earlier ones alone."""
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out, prefix=".new-") as folder:
        yield Path(folder)


@contextmanager
def _errors_logged(path: Path, log: IssueLog, pair_folders: Collection[Path] = ()) -> Iterator[None]:
    """Log the error that a label file causes in the block, and go on; see `import_labels` for `pair_folders`."""
    try:
        yield
    except UnpairedLabelError as error:
        beside_image = any(path.with_suffix(suffix).exists() for suffix in IMAGE_SUFFIXES)
        if not (beside_image and any(path.resolve().is_relative_to(folder) for folder in pair_folders)):
            log.error(path, str(error).removeprefix(f"{path}: "))
    except (LabelError, ImageError) as error:
        log.error(path, str(error).removeprefix(f"{path}: "))


def _import_labelme(
    path: Path, matcher: PairMatcher, writer: MaskWriter, line_width: float, point_radius: float
) -> None:
    """Write the mask of a labelme file, scaled where it was drawn on a picture of another size."""
    label = read_labelme(path, line_width=line_width, point_radius=point_radius)
    if label.untouched:
        problem = "is an exported draft that nobody has changed; untick its flag in labelme if it is right as it is"
        writer.log.warning(path, problem, "left out")
        return
    pair = matcher.match_label(path, label.image_name)
    image = writer.post_image(pair)
    shapes = label.shapes
    if label.width and label.height and (label.width, label.height) != (image.width, image.height):
        x, y = _scale_factors(path, (label.width, label.height), image)
        shapes = tuple((name, scale(shape, x, y, origin=(0, 0))) for name, shape in shapes)
        problem = f"was drawn on {label.width} x {label.height} px, the post image has {image.width} x {image.height}"
        writer.log.warning(path, problem, "scaled")
    frame = shapely.box(0, 0, image.width, image.height)
    inside = [(name, shape) for name, shape in shapes if shape.intersects(frame)]
    if len(inside) < len(shapes):
        problem = f"{len(shapes) - len(inside)} of {counted(len(shapes), 'shape')} outside the image"
        writer.log.warning(path, problem, "these shapes left out")
    writer.write_polygons(pair, path, inside)


def _import_layers(
    files: list[Path],
    pairs: gpd.GeoDataFrame,
    writer: MaskWriter,
    class_field: str | None,
    layers: Sequence[str],
    mapped_area: gpd.GeoSeries | None,
) -> None:
    """Draw the polygons of map files into the masks of the pairs that they lie in.

    The polygons of all files are collected before any mask is written, because the polygons of one pair may lie in
    several files of an inventory.
    """
    polygons_of_pair: dict[str, list[tuple[str, BaseGeometry]]] = defaultdict(list)
    first_file: dict[str, Path] = {}
    chosen_names: list[str] = []
    for path in files:
        with _errors_logged(path, writer.log):
            chosen = [name for name in layer_names(path, LabelError) if not layers or name in layers]
            chosen_names += chosen
            if not chosen:
                continue
            tables = read_label_layers(path, writer.log, class_field=class_field, layers=chosen)
            for polygons in _without_area_outlines(tables, path, writer):
                for pair, labelled in _polygons_by_pair(polygons, path, pairs, writer):
                    polygons_of_pair[pair] += labelled
                    first_file.setdefault(pair, path)
    if missing := [name for name in layers if name not in chosen_names]:
        raise LabelError(
            f"--layer {missing[0]}: none of {counted(len(files), 'file')} of polygons has a layer of that name"
        )
    areas = None if mapped_area is None else _areas_by_pair(mapped_area, pairs, writer)
    if areas and chosen_names:  # with no polygon, all that was looked at is background
        for pair in areas:
            polygons_of_pair[pair] += []
            first_file.setdefault(pair, files[0])
    for pair, labelled in polygons_of_pair.items():
        with _errors_logged(first_file[pair], writer.log):
            writer.write_polygons(pair, first_file[pair], labelled, None if areas is None else areas.get(pair, []))


def _without_area_outlines(tables: list[gpd.GeoDataFrame], path: Path, writer: MaskWriter) -> list[gpd.GeoDataFrame]:
    """Leave out the polygons of a file's layers that outline a studied area, and say which layers are read as labels.

    Only polygons that would become landslides are looked at: background may well lie around all of them.
    """
    names = [str(table.attrs["layer"]) for table in tables if len(table)]
    if len(names) > 1:
        action = "all read as labels; choose with --layer"
        writer.log.warning(path, f"{len(names)} of its layers have polygons: {', '.join(names)}", action)
    in_degrees = pd.concat([table.to_crs(LONGITUDE_LATITUDE) for table in tables], ignore_index=True)
    landslides = np.flatnonzero([writer.value(name) == LANDSLIDE for name in in_degrees["label"]])
    outlines_of_areas = landslides[find_area_outlines(np.array(in_degrees.geometry.array[landslides], object))]
    if not len(outlines_of_areas):
        return tables
    kept = ~np.isin(np.arange(len(in_degrees)), outlines_of_areas)
    hold = "holds" if len(outlines_of_areas) == 1 else "hold"
    problem = f"{counted(len(outlines_of_areas), 'polygon')} {hold} half of the others or more, as a studied area does"
    writer.log.warning(path, problem, "left out; give it with --mapped-area if that is where somebody looked")
    ends = np.cumsum([len(table) for table in tables])
    return [table[kept[end - len(table) : end]] for table, end in zip(tables, ends, strict=True)]


def _areas_by_pair(
    mapped_area: gpd.GeoSeries, pairs: gpd.GeoDataFrame, writer: MaskWriter
) -> dict[str, list[BaseGeometry]]:
    """The mapped area in pixels of the post images of the pairs that it touches."""
    table = gpd.GeoDataFrame({"label": ""}, index=mapped_area.index, geometry=mapped_area)
    return {pair: [area for _, area in labelled] for pair, _, labelled in _touching_polygons(table, pairs, writer)}


def _polygons_by_pair(
    polygons: gpd.GeoDataFrame, path: Path, pairs: gpd.GeoDataFrame, writer: MaskWriter
) -> Iterator[tuple[str, list[tuple[str, BaseGeometry]]]]:
    """Give for each pair the polygons of a layer that touch it; warns of those that touch none."""
    used = np.zeros(len(polygons), bool)
    for pair, inside, labelled in _touching_polygons(polygons, pairs, writer):
        used[inside] = True
        yield pair, labelled
    if not used.all():
        problem = f"{(~used).sum()} of {counted(len(used), 'polygon')} in no imported pair"
        writer.log.warning(path, problem, "not used")


def _touching_polygons(
    polygons: gpd.GeoDataFrame, pairs: gpd.GeoDataFrame, writer: MaskWriter
) -> Iterator[tuple[str, npt.NDArray[np.intp], list[tuple[str, BaseGeometry]]]]:
    """For each pair: the positions of the polygons that touch it; they, with classes, in pixels of its post image."""
    footprints = reproject(np.array(pairs.geometry.array, object), pairs.crs, polygons.crs)
    turns = (0, 360, -360) if polygons.crs.is_geographic else (0,)  # degrees: other ways to write a longitude
    for pair, footprint in zip(pairs["id"], footprints, strict=True):
        if not np.isfinite(footprint.bounds).all():  # no place in the CRS of the polygons, so they are far away
            continue
        shifted = [translate(footprint, turn) for turn in turns]
        inside = np.unique(polygons.sindex.query(shifted, predicate="intersects")[1])
        if len(inside):
            pixels = to_pixels(polygons.geometry.iloc[inside], writer.post_image(pair))
            yield pair, inside, list(zip(polygons["label"].iloc[inside], pixels, strict=True))


def _match_rasters(
    source: Path, rasters: Sequence[Path], matcher: PairMatcher, log: IssueLog
) -> tuple[dict[Path, str], set[Path], MaskConvention]:
    """Find the pairs of mask rasters: of all by their names first, then of the others by the place where they lie.

    Returns:
        The pair's id by file; the files of a folder that only their place gives to a pair; and the convention of the
        masks, of which those of no pair give evidence, too.
    """
    pair_of: dict[Path, str] = {}
    found_by_place: set[Path] = set()
    of_no_pair: list[Path] = []
    unnamed: list[Path] = []
    for path in rasters:
        with _errors_logged(path, log):
            pair = matcher.match_by_name(path)
            if pair is None:
                unnamed.append(path)
            else:
                pair_of[path] = pair
    for path in unnamed:
        with _errors_logged(path, log):
            info = describe_raster(path)
            footprint = Grid.from_raster(info).footprint if info.georeferenced and info.on_earth else None
            is_label = not source.is_dir() or is_named_as_label(path) or len(rasters) == 1
            try:
                pair_of[path] = matcher.match_by_location(path, footprint, is_label=is_label)
            except UnpairedLabelError:
                of_no_pair += [] if matcher.is_in_image_folder(path) else [path]
                raise
            if source.is_dir():
                found_by_place.add(path)
    convention = detect_convention([*pair_of, *of_no_pair])
    if pair_of and convention.transparent == BACKGROUND:
        log.warning(source, *TRANSPARENT_IS_BACKGROUND)
    return pair_of, found_by_place, convention


def _import_raster(path: Path, pair: str, writer: MaskWriter, convention: MaskConvention) -> None:
    """Write the mask of a mask raster: as it is where its grid is the post image's, else by its outlines."""
    mask, own = convention.read(path), describe_raster(path)
    if own.nodata == BACKGROUND:
        writer.log.warning(path, "declares 0 as no data", "0 read as background")
    image = writer.post_image(pair)
    same_grid = not own.georeferenced or (own.crs == image.crs and own.transform.almost_equals(image.transform, 1e-9))
    if same_grid and mask.shape == (image.height, image.width):
        writer.write(pair, path, mask, None)
    elif own.georeferenced:
        traced = _trace(mask, own.transform)
        pixels = to_pixels(gpd.GeoSeries([shape for shape, _ in traced], crs=own.crs), image)
        writer.write_outlines(pair, path, [(shape, value) for shape, (_, value) in zip(pixels, traced, strict=True)])
    else:
        x, y = _scale_factors(path, (own.width, own.height), image)
        traced = _trace(mask, Affine.identity())
        writer.write_outlines(pair, path, [(scale(shape, x, y, origin=(0, 0)), value) for shape, value in traced])


def _trace(mask: Mask, transform: Affine) -> ClassPolygons:
    """Outline the areas of each class of a mask (H, W), landslides last."""
    areas = [(shapely.geometry.shape(s), int(v)) for s, v in outlines(mask, connectivity=8, transform=transform)]
    return sorted(areas, key=lambda item: (BACKGROUND, UNKNOWN, LANDSLIDE).index(item[1]))


def _scale_factors(path: Path, size: tuple[int, int], image: RasterInfo) -> tuple[float, float]:
    """Factors by which pixel coordinates (x, y) of a picture of a size (width, height) become those of an image.

    Raises:
        LabelError: the two have different shapes.
    """
    x, y = image.width / size[0], image.height / size[1]
    if abs(x / y - 1) > ASPECT_TOLERANCE:
        raise LabelError(
            f"{path}: fits an image of {size[0]} x {size[1]} px, but {image.path.name} has {image.width} x "
            f"{image.height}"
        )
    return x, y
