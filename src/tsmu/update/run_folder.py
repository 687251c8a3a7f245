"""The folder of a training in `runs/`, and how an update that was killed is resumed or completed.

    runs/<region>-<digest>/
        settings.json   digests of everything that decides the training; written before it starts
        last.ckpt       the last checkpoint; the training resumes from it
        outcome.json    what is left to do once the version is written; removed when that is done, so a version
                        whose outcome.json still exists comes from an update that was killed before its end

A folder's name follows from the content of settings.json, so the same update finds its own folder again.
"""

from pathlib import Path
from typing import Any

from tsmu.errors import BundleError
from tsmu.files import read_json_object, remove, write_json
from tsmu.issues import IssueLog
from tsmu.model import Bundle, bundle_versions, make_newest_current, open_bundle, read_serving
from tsmu.update.training.checkpoints import CHECKPOINT
from tsmu.workspace_folder import WorkspaceFolder

SETTINGS = "settings.json"
OUTCOME = "outcome.json"
# Why an interrupted training of the same settings is not resumed, by the kind of the digest that differs.
DIFFERENCES = {
    "model": "it began with another version of the model",
    "chips": "chips, images or masks have changed since",
    "checked": "it was checked on other regions or other validation chips (pins)",
}


def describe_run(run: Path, digests: dict[str, Any], log: IssueLog) -> None:
    """Write what decides a training into its folder, unless it is about to be resumed.

    An interrupted training of the same settings that is not resumed, because something else differs, is logged.
    """
    own_file = run / SETTINGS
    if (run / CHECKPOINT).exists():
        return
    for other in run.parent.glob(f"*/{SETTINGS}"):
        if other == own_file or not (other.parent / CHECKPOINT).exists():
            continue
        before = read_json_object(other)
        if before.get("settings") == digests["settings"]:
            reasons = [reason for kind, reason in DIFFERENCES.items() if before.get(kind) != digests[kind]]
            problem = f"interrupted training not resumed: {', '.join(reasons) or 'of another version of tsmu'}"
            log.warning(other.parent, problem, "training starts from the beginning; the folder can be removed")
    write_json(own_file, digests)


def write_outcome(run: Path, learned: str | None, current: str | None) -> None:
    """Write what `complete_update` has to know once the version is written.

    Args:
        run: folder of the training.
        learned: the region that was learned, whose pin is to be removed; None if the version predicts it worse than
            an earlier one.
        current: name of the version that is current at this moment; None for the newest.
    """
    write_json(run / OUTCOME, {"learned": learned, "current": current})


def read_outcome(workspace: WorkspaceFolder, bundle: Bundle) -> dict[str, str | None]:
    """The outcome of the training that a version was written by: see `write_outcome`."""
    file = workspace.runs / str(bundle.record.run) / OUTCOME
    return {"learned": None, "current": None} | read_json_object(file)


def find_incomplete_update(workspace: WorkspaceFolder) -> Bundle | None:
    """The newest version, if the update that wrote it was killed before it was complete."""
    versions = bundle_versions(workspace.models)
    if not versions or not any(workspace.runs.glob(f"*/{OUTCOME}")):
        return None
    try:
        bundle = open_bundle(versions[-1])
    except BundleError:  # reported where the version is to be used
        return None
    run = bundle.record.run
    return bundle if run and (workspace.runs / run / OUTCOME).exists() else None


def starting_point(workspace: WorkspaceFolder, bundle: Bundle) -> tuple[Bundle | None, set[str]]:
    """What the update started from that wrote a version: its parent, and the regions that had pins at that time.

    Pins against this very version were set by the update itself, so they do not count.
    """
    parent = bundle.record.parent
    pins = read_serving(workspace.models).pins
    return (
        open_bundle(workspace.models / f"v{parent:03d}") if parent is not None else None,
        {name for name, pin in pins.items() if pin.against != bundle.name},
    )


def complete_update(workspace: WorkspaceFolder, bundle: Bundle) -> None:
    """Make a version that was just written the current one, and remove the folder of its training.

    The outcome is removed last, so that the update is found and completed again if it is killed within this function.
    """
    run = workspace.runs / str(bundle.record.run)
    make_newest_current(workspace.models, read_outcome(workspace, bundle)["learned"])
    for name in (CHECKPOINT, SETTINGS):
        (run / name).unlink(missing_ok=True)
    remove(run)
