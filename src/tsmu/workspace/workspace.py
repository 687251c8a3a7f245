"""A workspace: a folder of the user's work, and the verbs that act on it."""

from tsmu.workspace.chips import ChipVerbs
from tsmu.workspace.database import DatabaseVerbs
from tsmu.workspace.evaluation import EvaluationVerbs
from tsmu.workspace.mapping import MapVerbs
from tsmu.workspace.models import ModelVerbs
from tsmu.workspace.serve import ServeVerbs
from tsmu.workspace.update import UpdateVerbs


class Workspace(ChipVerbs, UpdateVerbs, EvaluationVerbs, ModelVerbs, MapVerbs, DatabaseVerbs, ServeVerbs):
    """A folder in which one model learns region after region, and everything around it: the verbs of `tsmu`.

    Every command of the command line is a method with the same options and defaults, and returns a report, a
    table or what was made instead of printing. A method takes the workspace's lock while it writes, stores the
    issues of its input in `issues.csv`, and leaves nothing half-written behind.

    Example:
        >>> work = Workspace("andes")
        >>> report = work.add_chips("chips/oregon", region="oregon")
        >>> report.records
        10
    """
