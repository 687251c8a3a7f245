"""The verbs that give image pairs their labels: from files, and from decisions of reviewers in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import LabelError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, check_mapping, list_names, user_path
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report, first_names
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    import geopandas
    import pandas

    from tsmu.labels import ReviewEvidence

MASK_VALUES = (0, 1, 255)  # background, landslide, unknown


@dataclass(repr=False)
class LabelReport(Report):
    """The report of a verb that makes labels.

    Attributes:
        labels: the new labels, one row for each labelled pair: id, source_post, mask (a path), source, landslides,
            landslide_share, unknown_share.
    """

    labels: "pandas.DataFrame | None" = None


class LabelVerbs(WorkspaceBase):
    """Verbs of a workspace that give its image pairs their labels."""

    def add_labels(
        self,
        source: Path | str,
        *,
        classes: Mapping[str, int] | None = None,
        class_field: str | None = None,
        layer: str | Sequence[str] | None = None,
        mapped_area: Path | str | None = None,
        line_width: float = 10.0,
        point_radius: float = 5.0,
        strict: bool = False,
    ) -> LabelReport:
        """Import labels of the imported pairs, and write one mask per pair on the grid of its post image.

        A pair's new label replaces its earlier one.

        Args:
            source: labelme JSON, files of polygons, mask rasters, zips of them, or a folder with any of these.
            classes: the mask value of each class name, such as `{"slide": 1, "road": 0, "cloud": 255}`: 1 landslide,
                0 background, 255 unknown; other classes are ignored. By default every class is landslide, except those
                called unknown or background.
            class_field: the field of polygon layers with the class name.
            layer: the layer, or the layers, to read of files of polygons; by default all.
            mapped_area: a file of polygons in which somebody looked for landslides. Outside of the labels' polygons,
                ground is background inside the mapped area and unknown elsewhere; pairs in it that no polygon touches
                are labelled, too. By default the mapped area is all ground of the pairs that polygons touch.
            line_width: width in pixels of the lines drawn in labelme.
            point_radius: radius in pixels of the points drawn in labelme.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with the labels.

        Raises:
            ImageError: the workspace has no pairs.
            LabelError: no label belongs to one of the pairs, the source cannot be read, a class has another value than
                0, 1 or 255, or a number lies outside its range.

        Example:
            >>> report = work.add_labels("shots", classes={"landslide": 1})
            >>> report.records == len(report.labels) == len(work.labels)
            True
        """
        from tsmu.imagery import require_pairs
        from tsmu.labels import import_labels, read_mapped_area, store_labels

        report, source, folder = self._begin(LabelReport("import labels")), user_path(source), self.folder
        _check_options(line_width, point_radius, classes)
        area = user_path(mapped_area) if mapped_area else None
        pairs = require_pairs(folder)
        log = IssueLog(source, part="labels", strict=strict)
        with folder.lock("tsmu import labels"), report.progress("Reading labels") as show:
            with report.collect_issues(log, folder.issues):
                labels = import_labels(
                    source,
                    pairs,
                    log,
                    out=folder.label_files,
                    classes=classes or None,
                    class_field=class_field,
                    layers=list_names(layer),
                    mapped_area=read_mapped_area(area, log) if area else None,
                    line_width=line_width,
                    point_radius=point_radius,
                    pair_folders={Path(pair_source) for pair_source in pairs["source"]},
                    progress=show,
                )
            if labels.empty:
                whose = counted(len(pairs), "pair's", "pairs'")
                why = f"{folder.issues} says why" if len(log) else "its files hold no mask, drawing or polygon"
                raise LabelError(f"{source}: no label in it is one of the {whose}; {why}")
            replaced = store_labels(folder, labels)
        _add_labels_to_report(report, labels, folder)
        _describe_labels(report, labels, pairs, replaced)
        return report

    def labels_from_review(self, *, around: float = 50.0) -> LabelReport:
        """Make pairs and labels from the reviewed scenes; ground that nobody looked at is unknown in the masks.

        Args:
            around: distance in metres from an outline that was decided on, within which the ground is known, too.

        Returns:
            The report, with the labels.

        Raises:
            DatabaseError: the workspace has no landslide database.
            LabelError: nobody has decided on anything in it, or `around` lies outside its range.

        Example:
            >>> report = work.labels_from_review(around=100)
            >>> report.labels[["id", "landslides"]].values.tolist(), report.details["undecided"]
            ([['ridge', 1]], 1)
        """
        from tsmu.database import open_database, scene_evidence
        from tsmu.labels import label_reviewed_scenes

        report, folder = self._begin(LabelReport("labels from-review")), self.folder
        check_range("around", around, LabelError, 0, 1e6)
        with open_database(folder.database) as database:
            scenes = list(scene_evidence(database))
        if not scenes:
            raise LabelError(f"{folder.database}: nobody has decided on anything yet; decide with: tsmu serve --write")
        log = IssueLog(folder.root, part="review")
        with folder.lock("tsmu labels from-review"), report.collect_issues(log, folder.issues):
            made = label_reviewed_scenes(folder, scenes, log, around_m=around)
        _add_labels_to_report(report, made.table, folder)
        _describe_reviewed(report, made.evidence)
        return report


def _check_options(line_width: float, point_radius: float, classes: Mapping[str, int] | None) -> None:
    """Refuse sizes outside their ranges, and classes that are no dict or whose values masks cannot have."""
    check_range("line_width", line_width, LabelError, 0, 10_000)
    check_range("point_radius", point_radius, LabelError, 0, 10_000)
    check_mapping("classes", classes, "{'slide': 1, 'cloud': 255}", LabelError)
    for name, value in (classes or {}).items():
        if value not in MASK_VALUES:
            raise LabelError(f"class {name} = {value!r}: a class is 1 (landslide), 0 (background) or 255 (unknown)")


def _add_labels_to_report(report: LabelReport, labels: "pandas.DataFrame", folder: WorkspaceFolder) -> None:
    """Put the new labels, their number and the file of all labels into the report."""
    report.labels, report.records = labels, len(labels)
    report.outputs["labels"] = str(folder.labels)


def _describe_labels(
    report: Report, labels: "pandas.DataFrame", pairs: "geopandas.GeoDataFrame", replaced: int
) -> None:
    """Put the figures of imported labels into the report, and say how many pairs and how much landslide they cover.

    Args:
        report: the report to be filled.
        labels: the new labels.
        pairs: all pairs of the workspace.
        replaced: number of earlier labels that were replaced.
    """
    landslides, share = int(labels["landslides"].fillna(0).sum()), float(labels["landslide_share"].mean())
    report.details = {
        "landslides": landslides,
        "replaced": replaced,
        "unlabelled_pairs": len(set(pairs["id"]) - set(labels["id"])),
        "landslide_share": share,
    }
    drawn = "from masks" if labels["landslides"].isna().all() else f"{counted(landslides, 'landslide')} drawn"
    report.say(
        f"{counted(len(labels), 'pair')} labelled ({first_names(labels['id'])}): {drawn}, on {share:.1%} of "
        f"the known ground in the mean; {counted(replaced, 'earlier label')} replaced"
    )
    report.say("next: tsmu chips build")


def _describe_reviewed(report: Report, scenes: "Sequence[ReviewEvidence]") -> None:
    """Put the numbers of decisions that became labels into the report, and say them."""
    from tsmu.labels import count_outlines

    confirmed, rejected, undecided, mapped_areas = (
        count_outlines(getattr(evidence, kind) for evidence in scenes)
        for kind in ("landslides", "rejected", "undecided", "mapped_areas")
    )
    report.details = {
        "confirmed": confirmed,
        "rejected": rejected,
        "undecided": undecided,
        "looked_at": mapped_areas,
        "regions": sorted({evidence.region for evidence in scenes if evidence.region}),
    }
    report.say(
        f"{counted(len(scenes), 'reviewed scene')} labelled: {counted(confirmed, 'landslide')}, "
        f"{rejected} rejected ones as background, {undecided} undecided as unknown"
    )
    report.say("next: tsmu chips build, then tsmu update REGION")
