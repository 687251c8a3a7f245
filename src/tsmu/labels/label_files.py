"""The label files of a source: found in a folder and in zip archives, and told apart by their kind."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd

from tsmu.errors import LabelError, TsmuError
from tsmu.imagery import IMAGE_SUFFIXES, is_named_like_dem
from tsmu.issues import IssueLog
from tsmu.labels.labelme_files import read_json
from tsmu.vectors import GEODATABASE, VECTOR_SUFFIXES, find_vector_files, is_geojson, unpack_archive
from tsmu.vectors import ZIP_SUFFIX as ARCHIVE_SUFFIX


@dataclass(frozen=True)
class LabelFiles:
    """The files of a source that may be labels.

    Attributes:
        labelme: labelme's JSON files.
        layers: files of polygon layers.
        rasters: images that may be masks.
    """

    labelme: list[Path]
    layers: list[Path]
    rasters: list[Path]


@contextmanager
def unpacked_archives(source: Path, log: IssueLog) -> Iterator[dict[Path, Path]]:
    """Unpack the zip archives of a source for the block.

    Issues and errors from the block name the archive instead of the temporary folder.

    Args:
        source: an archive, or a folder with archives in it.
        log: receives the archives of a folder that cannot be unpacked.

    Yields:
        The temporary folder of each archive.

    Raises:
        LabelError: the source is an archive that cannot be unpacked.
    """
    files = sorted(source.rglob(f"*{ARCHIVE_SUFFIX}")) if source.is_dir() else [source]
    archives: dict[Path, Path] = {}
    with ExitStack() as stack:
        for archive in [path for path in files if path.suffix.lower() == ARCHIVE_SUFFIX and path.is_file()]:
            try:
                archives[archive] = stack.enter_context(unpack_archive(archive, LabelError))
            except LabelError as error:
                if not source.is_dir():
                    raise
                log.error(archive, str(error).removeprefix(f"{archive}: "))
        try:
            yield archives
        except TsmuError as error:
            raise type(error)(name_archives(str(error), archives)) from None
        finally:
            log.issues = [
                replace(issue, file=name_archives(issue.file, archives), problem=name_archives(issue.problem, archives))
                for issue in log.issues
            ]


def name_archives(text: str, archives: Mapping[Path, Path]) -> str:
    """Replace the temporary folders of archives in a text by the archives' own paths."""
    for archive, folder in archives.items():
        text = text.replace(str(folder), str(archive))
    return text


def find_label_files(
    source: Path, archives: Mapping[Path, Path], pairs: gpd.GeoDataFrame, masks: Path, log: IssueLog
) -> LabelFiles:
    """Find the files of a source that may be labels; the pairs' own images and our own masks are none.

    Args:
        source: a file, or a folder that is searched with all below it.
        archives: each zip archive of the source -> the folder that it is unpacked into.
        pairs: whose images are left out.
        masks: the folder in which our own masks lie.
        log: receives the JSON files of no known kind.

    Raises:
        LabelError: the source is missing, or has no file that may be a label.
    """
    if not source.exists():
        raise LabelError(f"{source}: no such file or folder; check the path")
    is_folder = source.is_dir() and source.suffix.lower() != GEODATABASE
    folders = [*([source] if is_folder else []), *archives.values()]
    if folders:
        files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
        layers = [path for folder in folders for path in find_vector_files(folder, plain_json=False)]
    else:
        files = [source]
        layers = [source] if source.suffix.lower() in VECTOR_SUFFIXES else []
    images = {*pairs["source_post"], *pairs["source_pre"], *pairs["post"], *pairs["pre"]}
    files = [p for p in files if str(p.resolve()) not in images and not p.resolve().is_relative_to(masks.resolve())]
    suffixes = {path: path.suffix.lower() for path in files if not path.name.startswith(".")}
    layers = [path for path in layers if path.suffix.lower() != ".json" and not path.name.startswith(".")]
    kinds = {path: _kind_of_json(path) for path, suffix in suffixes.items() if suffix == ".json"}
    labelme = [path for path, kind in kinds.items() if kind == "labelme"]
    # Beside labelme files, other images are the labelled ones.
    rasters = [path for path, suffix in suffixes.items() if suffix in IMAGE_SUFFIXES and not labelme]
    if folders:
        rasters = [path for path in rasters if not is_named_like_dem(path)]
    layers += [path for path, kind in kinds.items() if kind == "GeoJSON"]
    if not (kinds or layers or rasters):
        raise LabelError(f"{source}: holds no label (labelme .json, {', '.join(VECTOR_SUFFIXES)}, or mask images)")
    for path, kind in kinds.items():
        if kind is None:
            log.error(path, "is neither a labelme file (it has no list of shapes) nor GeoJSON")
    return LabelFiles(labelme, layers, rasters)


def _kind_of_json(path: Path) -> str | None:
    """Tell `labelme` from `GeoJSON`; None for other content."""
    try:
        content = read_json(path)
    except LabelError:
        return "labelme"  # whose reader says what is wrong with it
    if not isinstance(content, dict):
        return None
    return "labelme" if "shapes" in content else "GeoJSON" if is_geojson(content) else None
