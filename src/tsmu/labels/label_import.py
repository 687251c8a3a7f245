"""Labels of any kind in: one mask per pair, on the grid of its post image."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.features import shapes as outlines
from rasterio.transform import Affine
from shapely.affinity import scale, translate
from shapely.geometry.base import BaseGeometry

from tsmu.archives import SUFFIX as ARCHIVE
from tsmu.archives import unpacked
from tsmu.errors import ImageError, LabelError, TsmuError, UnpairedLabelError
from tsmu.imagery import raster
from tsmu.imagery.grids import Grid
from tsmu.imagery.pair_sources import named_like_elevations
from tsmu.imagery.raster import RasterInfo, describe
from tsmu.issues import IssueLog
from tsmu.labels.label_layers import read_label_layers, to_pixels
from tsmu.labels.labelme_files import LINE_WIDTH, POINT_RADIUS, read_json, read_labelme
from tsmu.labels.mask_conventions import (
    BACKGROUND,
    LANDSLIDE,
    TRANSPARENT_IS_BACKGROUND,
    UNKNOWN,
    Mask,
    MaskConvention,
    detect_convention,
    lacks_background,
)
from tsmu.labels.mask_writer import MaskWriter
from tsmu.labels.pair_matching import PairFinder, is_named_as_label
from tsmu.labels.rasterization import ClassPolygons
from tsmu.projecting import transformed
from tsmu.vector_files import GEODATABASE, SUFFIXES, is_geojson, layer_names, vector_files

Progress = Callable[[int, int], None]

ASPECT_TOLERANCE = 0.01  # by which the shape of a label's image may differ from the post image's


def import_labels(
    source: Path,
    pairs: gpd.GeoDataFrame,
    log: IssueLog,
    *,
    out: Path,
    classes: Mapping[str, int] | None = None,
    class_field: str | None = None,
    only: Sequence[str] = (),
    line_width: float = LINE_WIDTH,
    point_radius: float = POINT_RADIUS,
    told: Collection[Path] = (),
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Import labels for pairs; what is left out stands in the log.

    labelme JSON belongs to the pair whose post image it names, a mask raster to the pair whose id
    or post image has its name (with or without `_mask`, `_label`), or to the only pair of its
    folder if it is named `mask` or `label`. Rasters that no name gives to a pair come after those, and belong
    to the only pair that lies under them: one given as a file, and of a folder those whose name says that they
    are labels (`matching.named_as_label`), or the only one there; that is told in the log. Polygon layers
    belong to every pair that they touch. In a folder with labelme files, other images are taken as the labelled ones,
    not as masks. A pair that no polygon touches gets no mask: nobody may have looked there.

    Args:
        source: a file, or a folder searched with all below it. Zip archives are read as folders.
        pairs: as `imagery.pairs.import_pairs` gives them.
        log: takes what is wrong.
        out: folder for the masks, `ID.tif` on the post image's grid.
        classes: mask value (0, 1 or 255) of each class name to be used, in any case of letters;
            None takes every class as landslide, save those called unknown and background.
        class_field: column of the class name in polygon layers; None takes all as "landslide".
        only: the names of the polygon layers that are read; by default all.
        line_width: width of labelme's lines, px.
        point_radius: radius of labelme's points, px.
        told: folders of the pairs' import. A labelme file there, beside an image of its name that
            is in no pair, is left out without a word: their import told what is wrong with it.
        progress: called with (done, all) after each file.

    Returns:
        One row per mask: id of the pair; mask (absolute path; 0 background, 1 landslide, 255
        unknown); source; landslides (number of polygons; None for a mask raster); landslide_share
        of the known pixels; unknown_share of all.

    Raises:
        LabelError: the source is missing or holds no label file.
    """
    with _unpacked_in(source, log) as archives:
        table = _import_all(
            source, archives, pairs, log, out=out, classes=classes, class_field=class_field, only=only,
            line_width=line_width, point_radius=point_radius, told=told, progress=progress,
        )  # fmt: skip
        return table.assign(source=[_outside(file, archives) for file in table["source"]])


def _import_all(
    source: Path,
    archives: Mapping[Path, Path],
    pairs: gpd.GeoDataFrame,
    log: IssueLog,
    *,
    out: Path,
    classes: Mapping[str, int] | None,
    class_field: str | None,
    only: Sequence[str],
    line_width: float,
    point_radius: float,
    told: Collection[Path],
    progress: Progress | None,
) -> pd.DataFrame:
    """Import labels as `import_labels` does; `archives` gives the folder that each zip archive is unpacked in."""
    jsons, layers, rasters = _files(source, archives, pairs, out, log)
    writer, finder = MaskWriter(pairs, log, out, classes), PairFinder(pairs)
    masks, others = _masks_of_pairs(source, rasters, finder, log)
    convention = detect_convention([*masks, *others])
    if masks and convention.transparent == BACKGROUND:
        log.warning(source, *TRANSPARENT_IS_BACKGROUND)
    total = len(jsons) + len(masks)
    for done, path in enumerate(jsons, start=1):
        with _logged(path, log, told):
            _import_labelme(path, finder, writer, line_width, point_radius)
        if progress:
            progress(done, total)
    _import_layers(layers, pairs, writer, class_field, only)
    for done, (path, pair) in enumerate(masks.items(), start=len(jsons) + 1):
        with _logged(path, log):
            _import_mask(path, pair, writer, convention)
        if progress:
            progress(done, total)
    writer.report_classes(source)
    return writer.table()


@contextmanager
def _unpacked_in(source: Path, log: IssueLog) -> Iterator[dict[Path, Path]]:
    """Unpack the zip archives of a source for the block; issues and errors then name what lies in them as there.

    Returns:
        The folder of each archive.
    """
    packed = sorted(source.rglob(f"*{ARCHIVE}")) if source.is_dir() else [source]
    archives: dict[Path, Path] = {}
    with ExitStack() as stack:
        for archive in [path for path in packed if path.suffix.lower() == ARCHIVE and path.is_file()]:
            try:
                archives[archive] = stack.enter_context(unpacked(archive, LabelError))
            except LabelError as error:
                if not source.is_dir():
                    raise
                log.error(archive, str(error).removeprefix(f"{archive}: "))
        try:
            yield archives
        except TsmuError as error:
            raise type(error)(_outside(str(error), archives)) from None
        finally:
            log.issues = [
                replace(issue, file=_outside(issue.file, archives), problem=_outside(issue.problem, archives))
                for issue in log.issues
            ]


def _outside(text: str, archives: Mapping[Path, Path]) -> str:
    """Name archives instead of the folders that they are unpacked in."""
    for archive, folder in archives.items():
        text = text.replace(str(folder), str(archive))
    return text


def _files(
    source: Path, archives: Mapping[Path, Path], pairs: gpd.GeoDataFrame, out: Path, log: IssueLog
) -> tuple[list[Path], list[Path], list[Path]]:
    """The labelme files, the files of polygons and the rasters of a source."""
    if not source.exists():
        raise LabelError(f"{source}: no such file or folder; check the path")
    searched = source.is_dir() and source.suffix.lower() != GEODATABASE
    folders = [*([source] if searched else []), *archives.values()]
    if folders:
        files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
        layers = [path for folder in folders for path in vector_files(folder, plain_json=False)]
    else:
        files = [source]
        layers = [source] if source.suffix.lower() in SUFFIXES else []
    images = {*pairs["source_post"], *pairs["source_pre"], *pairs["post"], *pairs["pre"]}
    files = [p for p in files if str(p.resolve()) not in images and not p.resolve().is_relative_to(out.resolve())]
    by_suffix = {p: p.suffix.lower() for p in files if not p.name.startswith(".")}
    jsons = [p for p, suffix in by_suffix.items() if suffix == ".json"]
    layers = [path for path in layers if path.suffix.lower() != ".json" and not path.name.startswith(".")]
    kinds = {path: _kind_of_json(path) for path in jsons}
    labelmes = [path for path, kind in kinds.items() if kind == "labelme"]
    # Beside labelme files, other images are the labelled ones.
    rasters = [p for p, suffix in by_suffix.items() if suffix in raster.SUFFIXES and not labelmes]
    if folders:
        rasters = [path for path in rasters if not named_like_elevations(path)]
    layers += [path for path, kind in kinds.items() if kind == "GeoJSON"]
    if not (jsons or layers or rasters):
        raise LabelError(f"{source}: holds no label (labelme .json, {', '.join(SUFFIXES)}, or mask images)")
    for path, kind in kinds.items():
        if kind is None:
            log.error(path, "is neither a labelme file (it has no list of shapes) nor GeoJSON")
    return labelmes, layers, rasters


def _kind_of_json(path: Path) -> str | None:
    try:
        content = read_json(path)
    except LabelError:
        return "labelme"  # whose reader says what is wrong with it
    if not isinstance(content, dict):
        return None
    return "labelme" if "shapes" in content else "GeoJSON" if is_geojson(content) else None


@contextmanager
def _logged(path: Path, log: IssueLog, told: Collection[Path] = ()) -> Iterator[None]:
    try:
        yield
    except UnpairedLabelError as error:
        beside = any(path.with_suffix(suffix).exists() for suffix in raster.SUFFIXES)
        if not (beside and any(path.resolve().is_relative_to(folder) for folder in told)):
            log.error(path, str(error).removeprefix(f"{path}: "))
    except (LabelError, ImageError) as error:
        log.error(path, str(error).removeprefix(f"{path}: "))


def _import_labelme(path: Path, finder: PairFinder, writer: MaskWriter, line_width: float, point_radius: float) -> None:
    label = read_labelme(path, line_width=line_width, point_radius=point_radius)
    if label.untouched:
        problem = "is an exported draft that nobody has changed; untick its flag in labelme if it is right as it is"
        writer.log.warning(path, problem, "left out")
        return
    pair = finder.of(path, label.image_name)
    info = writer.post(pair)
    shapes = label.shapes
    if label.width and label.height and (label.width, label.height) != (info.width, info.height):
        x, y = _scales(path, (label.width, label.height), info)
        shapes = tuple((name, scale(shape, x, y, origin=(0, 0))) for name, shape in shapes)
        problem = f"was drawn on {label.width} x {label.height} px, the post image has {info.width} x {info.height}"
        writer.log.warning(path, problem, "scaled")
    frame = shapely.box(0, 0, info.width, info.height)
    inside = [(name, shape) for name, shape in shapes if shape.intersects(frame)]
    if len(inside) < len(shapes):
        problem = f"{len(shapes) - len(inside)} of {len(shapes)} shapes lie outside the image"
        writer.log.warning(path, problem, "these shapes left out")
    writer.write_polygons(pair, path, inside)


def _import_layers(
    files: list[Path], pairs: gpd.GeoDataFrame, writer: MaskWriter, class_field: str | None, only: Sequence[str]
) -> None:
    """Gather the polygons of all layers per pair before burning: one inventory may come in many files."""
    gathered: dict[str, list[tuple[str, BaseGeometry]]] = defaultdict(list)
    first: dict[str, Path] = {}
    names: list[str] = []
    for path in files:
        with _logged(path, writer.log):
            chosen = [name for name in layer_names(path, LabelError) if not only or name in only]
            names += chosen
            for polygons in read_label_layers(path, writer.log, class_field=class_field, only=chosen) if chosen else []:
                for pair, labelled in _of_pairs(polygons, path, pairs, writer):
                    gathered[pair] += labelled
                    first.setdefault(pair, path)
    if missing := [name for name in only if name not in names]:
        raise LabelError(f"--layer {missing[0]}: none of the {len(files)} files of polygons has a layer of that name")
    for pair, shapes in gathered.items():
        with _logged(first[pair], writer.log):
            writer.write_polygons(pair, first[pair], shapes)


def _of_pairs(
    polygons: gpd.GeoDataFrame, path: Path, pairs: gpd.GeoDataFrame, writer: MaskWriter
) -> Iterator[tuple[str, list[tuple[str, BaseGeometry]]]]:
    """The polygons of a layer that touch each pair, with their classes, in the pixels of its post image."""
    used = np.zeros(len(polygons), bool)
    places = transformed(np.array(pairs.geometry.array, object), pairs.crs, polygons.crs)
    turns = (0, 360, -360) if polygons.crs.is_geographic else (0,)
    for pair, place in zip(pairs["id"], places, strict=True):
        if not np.isfinite(place.bounds).all():  # of no place in the CRS of the polygons, so they are far away
            continue
        turned = [translate(place, turn) for turn in turns]
        inside = np.unique(polygons.sindex.query(turned, predicate="intersects")[1])
        if len(inside):
            used[inside] = True
            pixels = to_pixels(polygons.geometry.iloc[inside], writer.post(pair))
            yield pair, list(zip(polygons["label"].iloc[inside], pixels, strict=True))
    if not used.all():
        problem = f"{(~used).sum()} of {len(used)} polygons lie in no imported pair"
        writer.log.warning(path, problem, "not used")


def _masks_of_pairs(
    source: Path, rasters: Sequence[Path], finder: PairFinder, log: IssueLog
) -> tuple[dict[Path, str], list[Path]]:
    """Find the pairs of mask rasters: of all by their names first, then of the others by their place.

    Returns:
        The pair's id by file; and the masks of no imported pair, which still tell what the values of all mean.
    """
    masks: dict[Path, str] = {}
    others: list[Path] = []
    unnamed: list[Path] = []
    for path in rasters:
        with _logged(path, log):
            pair = finder.match_by_name(path)
            if pair is None:
                unnamed.append(path)
            else:
                masks[path] = pair
    for path in unnamed:
        with _logged(path, log):
            own = describe(path)
            footprint = Grid.of(own).footprint if own.georeferenced and own.on_earth else None
            is_label = not source.is_dir() or is_named_as_label(path) or len(rasters) == 1
            try:
                masks[path] = finder.match_by_location(path, footprint, is_label=is_label)
            except UnpairedLabelError:
                others += [] if finder.lies_beside_images(path) else [path]
                raise
            if source.is_dir():
                log.warning(path, f"is named like no pair and lies on pair {masks[path]}", "taken as its label")
    return masks, others


def _import_mask(path: Path, pair: str, writer: MaskWriter, convention: MaskConvention) -> None:
    mask = convention.read(path)
    if lacks_background(mask):
        writer.log.warning(path, "all its known pixels are landslide", "taken; the others are unknown")
    own = describe(path)
    info = writer.post(pair)
    here = not own.georeferenced or (own.crs == info.crs and own.transform.almost_equals(info.transform, 1e-9))
    if here and mask.shape == (info.height, info.width):
        writer.write(pair, path, mask, None)
    elif own.georeferenced:
        traced = _traced(mask, own.transform)
        pixels = to_pixels(gpd.GeoSeries([shape for shape, _ in traced], crs=own.crs), info)
        writer.write_outlines(pair, path, [(shape, value) for shape, (_, value) in zip(pixels, traced, strict=True)])
    else:
        x, y = _scales(path, (own.width, own.height), info)
        traced = _traced(mask, Affine.identity())
        writer.write_outlines(pair, path, [(scale(shape, x, y, origin=(0, 0)), value) for shape, value in traced])


def _traced(mask: Mask, transform: Affine) -> ClassPolygons:
    """Outline the areas of each class, landslides last."""
    found = [(shapely.geometry.shape(s), int(v)) for s, v in outlines(mask, connectivity=8, transform=transform)]
    return sorted(found, key=lambda item: (BACKGROUND, UNKNOWN, LANDSLIDE).index(item[1]))


def _scales(path: Path, size: tuple[int, int], info: RasterInfo) -> tuple[float, float]:
    x, y = info.width / size[0], info.height / size[1]
    if abs(x / y - 1) > ASPECT_TOLERANCE:
        raise LabelError(
            f"{path}: fits an image of {size[0]} x {size[1]} px, but {info.path.name} has {info.width} x {info.height}"
        )
    return x, y
