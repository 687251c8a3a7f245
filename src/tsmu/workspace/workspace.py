"""A workspace: a folder of the user's work, and the verbs that act on it."""

from tsmu.workspace.chips import ChipVerbs


class Workspace(ChipVerbs):
    """A folder in which one model learns region after region, and everything around it: the verbs of `tsmu`.

    Every command of the command line is a method with the same options and defaults, and returns a report
    instead of printing. A method takes the workspace's lock while it writes, stores the issues of its input in
    `issues.csv`, and leaves nothing half-written behind.

    Example:
        >>> work = Workspace("andes")
        >>> report = work.add_chips("chips/oregon", region="oregon")
        >>> report.records
        10
    """
