"""The verbs that write a workspace's image pairs for labelme, and as pictures for people to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tsmu.errors import ImageError, MapError, TsmuError, WorkspaceError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, user_folder
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import geopandas
    import numpy as np
    import numpy.typing as npt
    import shapely

    from tsmu.mapping import Engine
    from tsmu.model import Bundle
    from tsmu.workspace_folder import WorkspaceFolder

Pair = dict[str, Any]  # a row of the table of pairs, with its `mask`


@dataclass(repr=False)
class ExportReport(Report):
    """The report of an export.

    Attributes:
        path: the folder that was written into.
    """

    path: Path | None = None


class ExportVerbs(WorkspaceBase):
    """Verbs of a workspace that write its image pairs for other programs."""

    def export_labelme(self, out: Path | str, *, predictions: bool = False) -> ExportReport:
        """Write the pairs' post images and labels for labelme; `add_labels` imports them again after corrections.

        A JSON file that exists already is not changed, because it may contain somebody's work.

        Args:
            out: folder for the pictures and their JSON files.
            predictions: draw what the model finds on pairs without a label.

        Returns:
            The report, with the folder. `details["from"]` has the number of pairs whose outlines come from a `label`,
            from a `prediction`, or that have `none`.

        Raises:
            ImageError: the workspace has no pairs, or none of their images can be read.
            BundleError: predictions are asked for, and there is no model yet.
            TsmuError: an imported image would be overwritten.

        Example:
            >>> report = work.export_labelme("drafts")
            >>> len(list(report.path.glob("*.json"))) == report.records
            True
        """
        from tsmu.labels import export_labelme

        report, out, folder = self._begin(ExportReport("export labelme")), user_folder(out, WorkspaceError), self.folder
        pairs = _pairs_with_masks(folder)
        engines = _engines_by_region(pairs, folder) if predictions else {}
        origins = {"label": 0, "prediction": 0, "none": 0}
        _refuse_to_overwrite_images([out / f"{name}.png" for name in pairs["id"]], pairs)

        def write(pair: Pair) -> None:
            origin, polygons = _labelme_polygons(pair, engines, folder)
            export_labelme(Path(pair["post"]), polygons, out, pair["id"], draft=origin != "label")
            origins[origin] += 1

        with folder.lock("tsmu export labelme"):
            _write_each_pair(report, pairs, out, folder, write)
        report.details = {"from": origins}
        report.say(
            f"{counted(report.records, 'picture')} ({origins['label']} with their labels, {origins['prediction']} with "
            f"predictions, {origins['none']} without); after correcting: tsmu import labels {out}"
        )
        return report

    def export_pictures(self, out: Path | str) -> ExportReport:
        """Write a picture of each pair to look at: before, after, and the label outlined.

        Args:
            out: folder for one PNG per pair, `ID.png`.

        Returns:
            The report, with the folder.

        Raises:
            ImageError: the workspace has no pairs, or none of their images can be read.
            TsmuError: an imported image would be overwritten.

        Example:
            >>> report = work.export_pictures("pictures")
            >>> len(list(report.path.glob("*.png"))) == report.records
            True
        """
        from tsmu.labels import pair_picture

        report, out, folder = (
            self._begin(ExportReport("export pictures")),
            user_folder(out, WorkspaceError),
            self.folder,
        )
        pairs = _pairs_with_masks(folder)
        _refuse_to_overwrite_images([out / f"{name}.png" for name in pairs["id"]], pairs)

        def write(pair: Pair) -> None:
            pair_picture(_path(pair["pre"]), Path(pair["post"]), _path(pair["mask"]), out / f"{pair['id']}.png")

        with folder.lock("tsmu export pictures"):
            _write_each_pair(report, pairs, out, folder, write)
        report.say(f"{counted(report.records, 'picture')} in {out}")
        return report


def _pairs_with_masks(folder: "WorkspaceFolder") -> "geopandas.GeoDataFrame":
    """Read the workspace's pairs with the paths of their masks; a pair without a label has none."""
    from tsmu.imagery import require_pairs
    from tsmu.labels import read_labels, with_masks

    return with_masks(require_pairs(folder), read_labels(folder))


def _write_each_pair(
    report: ExportReport,
    pairs: "geopandas.GeoDataFrame",
    out: Path,
    folder: "WorkspaceFolder",
    write: Callable[[Pair], None],
) -> None:
    """Write files for every pair; a pair whose images cannot be read is logged and left out.

    Args:
        report: the report to be filled.
        pairs: the pairs with their masks.
        out: the folder of the files.
        folder: the workspace.
        write: writes the files of one pair.

    Raises:
        ImageError: no pair could be written.
    """
    log = IssueLog(out, part="export")
    with report.progress("Writing") as show:
        for done, pair in enumerate(pairs.to_dict("records"), start=1):
            try:
                write(pair)
            except (ImageError, MapError) as error:
                log.error(pair["source_post"], str(error).removeprefix(f"{pair['source_post']}: "))
            show(done, len(pairs), pair["id"])
    report.add_issues(log, folder.issues)
    report.records = len(pairs) - len(log.errors)
    report.path = out.resolve()
    report.outputs["folder"] = str(report.path)
    if not report.records:
        whose = counted(len(pairs), "pair's", "pairs'")
        raise ImageError(f"{out}: none of the {whose} images can be read; first {log.errors[0]}")


def _refuse_to_overwrite_images(targets: list[Path], pairs: "geopandas.GeoDataFrame") -> None:
    """Refuse to overwrite an image that was imported.

    Raises:
        TsmuError: one of the targets is such an image.
    """
    sources = {*pairs["source_post"], *pairs["source_pre"]}
    for target in targets:
        if str(target.resolve()) in sources:
            raise TsmuError(f"{target}: is an imported image and would be overwritten; name another folder")


def _labelme_polygons(
    pair: Pair, engines: "dict[str, tuple[Bundle, Engine]]", folder: "WorkspaceFolder"
) -> "tuple[str, list[tuple[str, shapely.Polygon]]]":
    """Find the outlines to write for a pair.

    Returns:
        The origin of the outlines (`label`, `prediction` or `none`), and the outlines in pixels, each with its class.
    """
    from tsmu.labels import ZERO_ONE

    mask = _path(pair["mask"])
    if mask is not None:
        return "label", _outlines_of_mask(ZERO_ONE.read(mask))
    if pair["region"] in engines:
        predicted = _predicted_outlines(pair, *engines[pair["region"]], folder)
        return "prediction", [("landslide", outline) for outline in predicted]
    return "none", []


def _outlines_of_mask(mask: "npt.NDArray[np.uint8]") -> "list[tuple[str, shapely.Polygon]]":
    """Outline landslides and unknown ground in a mask (H, W), exactly along pixels and in pixel coordinates."""
    from tsmu.labels import LANDSLIDE, UNKNOWN, draft_polygons

    return [
        (name, polygon)
        for name, value in (("landslide", LANDSLIDE), ("unknown", UNKNOWN))
        for polygon in draft_polygons((mask == value).astype(float), tolerance=0, min_area=0)
    ]


def _engines_by_region(
    pairs: "geopandas.GeoDataFrame", folder: "WorkspaceFolder"
) -> "dict[str, tuple[Bundle, Engine]]":
    """Open the version that serves each learned region of the pairs, and its network."""
    from tsmu.mapping import torch_engine
    from tsmu.model import serving_bundle

    learned = serving_bundle(folder.models).record.regions
    bundles = {region: serving_bundle(folder.models, region) for region in set(pairs["region"]) & set(learned)}
    return {
        region: (bundle, torch_engine(bundle, bundle.record.regions[region].decoder))
        for region, bundle in bundles.items()
    }


def _predicted_outlines(
    pair: Pair, bundle: "Bundle", engine: "Engine", folder: "WorkspaceFolder"
) -> "list[shapely.Polygon]":
    """Outline the landslides that a version of the model predicts on a pair, in pixel coordinates."""
    from tsmu.imagery import read_raster, terrain_bands
    from tsmu.labels import draft_polygons
    from tsmu.mapping import PolygonOptions, Scene, map_scene, measure_overlap, plan_tiling

    region = bundle.record.regions[pair["region"]]
    pre = _path(pair["pre"]) if any(band.startswith("pre:") for band in bundle.record.bands) else None
    terrain = _path(pair["terrain"]) if terrain_bands(bundle.record.bands) else None
    with (
        Scene(Path(pair["post"]), pre, bundle.record.bands, terrain=terrain) as scene,
        TemporaryDirectory(dir=folder.root, prefix=".draft-") as temporary,
    ):
        settings = folder.settings.map
        overlap = settings.shared
        if overlap is None:
            overlap = measure_overlap(engine, bundle, region.decoder, folder.cache, settings.side)
        tiling = plan_tiling(engine, len(scene.bands), scene.width, settings.side, overlap)
        mapped = map_scene(scene, engine, Path(temporary), polygons=PolygonOptions(region.threshold), **vars(tiling))
        percent, valid = read_raster(mapped.probability)
    return draft_polygons(percent[0] * valid, threshold=region.threshold)


def _path(value: object) -> Path | None:
    """The path in a cell of the table of pairs; None if the cell is empty."""
    return Path(value) if isinstance(value, str) else None
