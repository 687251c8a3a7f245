"""The verb that scores every version on every region: what was learned, and what was forgotten."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import WorkspaceError
from tsmu.issues import IssueLog
from tsmu.workspace.base import WorkspaceBase, user_folder
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import pandas as pd

    from tsmu.evaluate import History


@dataclass(repr=False)
class EvaluationReport(Report):
    """The report of scoring the versions of the model.

    Attributes:
        scores: the R matrix: IoU on test chips at the stored threshold, one row per version, one column per region.
        forgetting: one row per version with the columns WA and WF (weighted average and forgetting), ACC, BWT, F and
            FWT; NaN where nothing can be averaged.
        served: one row per region with the version, decoder, threshold and scores by which it is mapped now.
    """

    scores: "pd.DataFrame | None" = None
    forgetting: "pd.DataFrame | None" = None
    served: "pd.DataFrame | None" = None

    def _repr_html_(self) -> str:
        """The messages, then the R matrix with WA, WF and so on beside it."""
        html = super()._repr_html_()
        if self.scores is None or self.forgetting is None:
            return html
        return html + self.scores.join(self.forgetting).to_html(float_format="{:.3f}".format, na_rep="-")


class EvaluationVerbs(WorkspaceBase):
    """The verb of a workspace that scores its model."""

    def evaluate(self, out: Path | str | None = None) -> EvaluationReport:
        """Score every version on every region's test chips, and write report.html and report.json.

        The predictions of a version on a region's chips are computed once, and their counts are kept in the cache.

        Args:
            out: the folder for the two files; by default the workspace.

        Returns:
            The report, with the scores as tables.

        Raises:
            BundleError: nothing has been learned yet.
            ChipError: no region has test chips.

        Example:
            >>> report = work.evaluate()
            >>> bool(report.scores.loc["v001", "alps"] > 0.7)
            True
        """
        from tsmu.evaluate import evaluate_history, score_table, write_report

        report, folder = self._begin(EvaluationReport("evaluate")), self.folder
        target = user_folder(out, WorkspaceError) if out else folder.root
        with folder.lock("tsmu evaluate"), report.progress("Scoring") as show:
            log = IssueLog(folder.chips)
            history = evaluate_history(folder, log, lambda done, total: show(done, total, ""))
            files = write_report(history, target)
        report.scores, report.forgetting = scores_table(history), forgetting_table(history)
        report.served = _served_table(history)
        report.records = len(history.regions)
        report.outputs = {name: str(path) for name, path in files.items()}
        report.details = history.as_dict()
        report.add_issues(log, folder.issues)
        report.say(score_table(history))
        report.say(f"Report: {files['html']}")
        return report


def scores_table(history: "History") -> "pd.DataFrame":
    """Make the R matrix: IoU on test chips at the stored threshold, one row per version, one column per region."""
    import pandas as pd

    versions = pd.Index([bundle.name for bundle in history.bundles], name="version")
    return pd.DataFrame(history.matrix, index=versions, columns=history.regions)


def forgetting_table(history: "History") -> "pd.DataFrame":
    """Make the table of WA, WF, ACC, BWT, F and FWT, one row per version; see `tsmu.evaluate.ContinualScores`."""
    import pandas as pd

    versions = pd.Index([bundle.name for bundle in history.bundles], name="version")
    return pd.DataFrame(history.scores.summaries(), index=versions)


def _served_table(history: "History") -> "pd.DataFrame":
    """Make the table of how each region is mapped now: version, decoder, threshold and scores."""
    import pandas as pd

    rows = history.as_dict()["now"]
    return pd.DataFrame(rows.values(), index=pd.Index(list(rows), name="region"))
