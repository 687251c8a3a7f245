"""The class `Workspace`: a folder with a user's work, and the verbs (methods) that act on it."""

from dataclasses import dataclass
from pathlib import Path

from tsmu.workspace.chips import ChipVerbs
from tsmu.workspace.database import DatabaseVerbs
from tsmu.workspace.display import Display
from tsmu.workspace.evaluation import EvaluationVerbs
from tsmu.workspace.exports import ExportVerbs
from tsmu.workspace.inventories import InventoryVerbs
from tsmu.workspace.labels import LabelVerbs
from tsmu.workspace.models import ModelVerbs
from tsmu.workspace.next_steps import first_steps
from tsmu.workspace.pairs import PairVerbs
from tsmu.workspace.regions import RegionVerbs
from tsmu.workspace.report import Report
from tsmu.workspace.respond import RespondVerbs
from tsmu.workspace.serve import ServeVerbs
from tsmu.workspace.tables import WorkspaceTables
from tsmu.workspace.update import UpdateVerbs
from tsmu.workspace.update_estimate import UpdateEstimateVerbs


class Workspace(
    RegionVerbs,
    InventoryVerbs,
    PairVerbs,
    LabelVerbs,
    ChipVerbs,
    UpdateVerbs,
    UpdateEstimateVerbs,
    EvaluationVerbs,
    ModelVerbs,
    RespondVerbs,
    DatabaseVerbs,
    ServeVerbs,
    ExportVerbs,
    WorkspaceTables,
):
    """A folder in which one model learns region after region, with its data, maps and landslide database.

    Every command of the command line is a method with the same options and defaults. Instead of printing, it returns a
    report, a table, or the object that it made. A method takes the workspace's lock while it writes, stores the issues
    of its input in `issues.csv`, and leaves nothing half-written behind.

    Example:
        >>> work = Workspace("new")
        >>> report = work.add_chips("chips/oregon", region="oregon")
        >>> report.records, report.chips["region"].unique().tolist()
        (10, ['oregon'])
        >>> len(work.dataset("oregon", "train")) + len(work.dataset("oregon", "val")) < 10
        True
    """

    @classmethod
    def init(cls, folder: Path | str = ".", *, display: Display | None = None) -> "InitReport":
        """Make a folder a workspace, and report the next commands; a folder that is a workspace already is not changed.

        `Workspace(folder)` does the same and returns the workspace itself.

        Args:
            folder: the path of the folder, which may exist already.
            display: shows the messages; by default they are only in the report.

        Returns:
            The report, with the workspace.

        Raises:
            WorkspaceError: the settings file tsmu.toml in it is not valid.

        Example:
            >>> Workspace.init("alps").workspace.folder.root.name
            'alps'
        """
        workspace = cls(folder, display=display)
        root = workspace.folder.root
        report = workspace._begin(InitReport("init", workspace=workspace))
        report.records = 1
        report.outputs["workspace"] = str(root)
        report.say(f"Workspace {root}; next, in that folder, by what you have:\n{first_steps()}")
        return report


@dataclass(repr=False)
class InitReport(Report):
    """The report of making a folder a workspace.

    Attributes:
        workspace: the workspace.
    """

    workspace: Workspace | None = None
