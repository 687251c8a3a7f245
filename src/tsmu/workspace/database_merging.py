"""Methods of a landslide database that merge observations of the same landslide, and that answer proposals."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from tsmu.errors import DatabaseError
from tsmu.wording import counted
from tsmu.workspace.database_base import DatabaseBase
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import pandas as pd

    from tsmu.database import MergeResult, UndoneMerge

NEAR_M = 500.0  # an event that is placed exactly belongs to a landslide up to so many metres outside its outline
MERGE_COMMAND = "tsmu db merge"


class DatabaseMergingVerbs(DatabaseBase):
    """Methods that merge observations into landslides, undo it, and answer the proposals that people have to decide.

    Example:
        >>> LandslideDatabase("survey/landslides.gpkg").proposals().empty
        True
    """

    def merge(self, *, near: float = NEAR_M, by: str = MERGE_COMMAND) -> "MergeResult":
        """Make one landslide of all observations that show the same one.

        A landslide on which a person has decided is not changed; the change is stored as a proposal instead. Merging
        again changes nothing, and the result does not depend on the order of imports.

        Args:
            near: largest distance in metres from a landslide's outline to an event that belongs to it.
            by: name of the person or program that merges.

        Returns:
            The numbers of observations and of landslides, what was changed, and `merging_id`, by which the merging can
            be undone (None if nothing was changed).

        Raises:
            DatabaseError: the database cannot be read or written.

        Example:
            >>> done = work.database.merge()
            >>> done.observations, done.landslides, done.merging_id
            (1, 1, None)
        """
        from tsmu.database import merge

        report = self._begin(Report("db merge"))
        check_range("near", near, DatabaseError)
        with self._opened(report) as database:
            done = merge(database, by=by, near=near)
        report.records = done.landslides
        report.details |= asdict(done)
        observations = counted(done.observations, "observation shows", "observations show")
        landslides = counted(done.landslides, "landslide")
        report.say(f"{observations} {landslides}, {done.with_event} of known events")
        if done.merging_id is None:
            report.say("all was merged already")
            return done
        report.say(f"{done.made} made, {done.changed} changed, {done.merged} merged into others")
        report.say(f"undo it with: tsmu db merge --undo --merging {done.merging_id}")
        if done.proposed:
            report.say(f"{done.proposed} proposed where a person decided: tsmu db proposals")
        return done

    def undo_merge(self, merging: str | None = None, *, by: str = MERGE_COMMAND) -> "UndoneMerge":
        """Undo a merging: landslides become what they were before it, unless they were changed since.

        Args:
            merging: the id that `merge` returned; by default the last merging that was not undone.
            by: name of the person or program that undoes it.

        Returns:
            The number of landslides that are as before (`landslides`), and of those that were changed since the merging
            and therefore stay as they are (`left`).

        Raises:
            DatabaseError: there is no such merging.

        Example:
            >>> work.database.undo_merge()
            Traceback (most recent call last):
            tsmu.errors.DatabaseError: ...
        """
        from tsmu.database import undo_merge

        report = self._begin(Report("db merge"))
        with self._opened(report) as database:
            undone = undo_merge(database, by=by, merging_id=merging)
        report.records, report.left_out = undone.landslides, undone.left
        report.details |= asdict(undone)
        landslides = counted(undone.landslides, "landslide is", "landslides are")
        report.say(f"merging {undone.merging_id} undone: {landslides} as before")
        if undone.left:
            report.say(f"{undone.left} stay as they are: they, or what they were merged with, were changed since")
        return undone

    def proposals(self) -> "pd.DataFrame":
        """List the proposals that nobody has answered, for landslides on which a person has decided; the oldest first.

        Returns:
            One row per proposal: `id`, `landslide_id`, `observation_id`, `from_landslide` (the landslide to which the
            observation belongs now), `by`, `at`, `why`.

        Example:
            >>> len(work.database.proposals())
            0
        """
        from tsmu.database import proposals

        report = self._begin(Report("db proposals"))
        with self._opened(report) as database:
            waiting = proposals(database)
        report.records = len(waiting)
        report.say(f"{counted(len(waiting), 'proposal waits', 'proposals wait')} for an answer")
        return waiting

    def accept(self, proposal_id: str, *, by: str, why: str) -> str:
        """Do what a proposal says, as a decision of a person.

        Args:
            proposal_id: id of the proposal.
            by: name of the person who decides.
            why: the reason.

        Returns:
            The id of the landslide.

        Raises:
            DatabaseError: there is no open proposal with this id, or `by` or `why` is empty.

        Example:
            >>> for proposal in work.database.proposals().itertuples():
            ...     work.database.accept(proposal.id, by="eva", why="the new outline is better")
        """
        return self._answer_proposal("accept", proposal_id, by, why)

    def decline(self, proposal_id: str, *, by: str, why: str) -> str:
        """Decline a proposal, so that nothing is changed; arguments, result and errors are those of `accept`.

        Example:
            >>> for proposal in work.database.proposals().itertuples():
            ...     work.database.decline(proposal.id, by="eva", why="the old outline is right")
        """
        return self._answer_proposal("decline", proposal_id, by, why)

    def accept_as_new(self, proposal_id: str, *, by: str, why: str) -> str:
        """Confirm the observation of a proposal as a separate landslide, and leave the decided landslide as it is.

        Arguments and errors are those of `accept`.

        Returns:
            The id of the landslide that is confirmed.

        Example:
            >>> for proposal in work.database.proposals().itertuples():
            ...     work.database.accept_as_new(proposal.id, by="eva", why="a second slide beside it")
        """
        return self._answer_proposal("accept_as_new", proposal_id, by, why)

    def _answer_proposal(self, answer: str, proposal_id: str, by: str, why: str) -> str:
        """Answer a proposal by `accept`, `decline` or `accept_as_new`; return the id of the landslide."""
        from tsmu.database import accept, accept_as_new, decline

        answers = {"accept": accept, "decline": decline, "accept_as_new": accept_as_new}
        words = {"accept": "accepted for", "decline": "declined for", "accept_as_new": "confirmed as a new landslide:"}
        report = self._begin(Report("db proposals"))
        with self._opened(report) as database:
            landslide_id = answers[answer](database, proposal_id, by=by, why=why)
        report.records = 1
        report.details |= {"id": proposal_id, "landslide": landslide_id, "accepted": answer != "decline"}
        report.say(f"{words[answer]} {landslide_id}")
        return landslide_id
