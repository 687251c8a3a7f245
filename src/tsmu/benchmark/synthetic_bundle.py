"""Training the bundle for benchmarks on synthetic scenes, on one region of the synthetic world."""

import shutil

from tsmu.chips import add_to_index, chips_from_folder
from tsmu.issues import IssueLog
from tsmu.synthetic import World, write_chips
from tsmu.update import TrainingSettings, update_bundle
from tsmu.workspace_folder import WorkspaceFolder

BATCH_SIZE = 8


def train_synthetic_bundle(
    workspace: WorkspaceFolder, region: str, encoder: str, steps: int, seed: int, *, with_pre: bool = True
) -> None:
    """Write chips of a region of the synthetic world into an empty workspace, and train its first bundle on them.

    Args:
        workspace: a workspace for this bundle alone; an interrupted training continues where it stopped.
        region: name of a region of the synthetic world.
        encoder: name of the encoder, which starts from random weights.
        steps: optimisation steps.
        seed: seed of the world and of the training.
        with_pre: whether the network gets pre- and post-event images; otherwise it gets post-event images alone.

    Example:
        >>> workspace = WorkspaceFolder.create(Path("survey"))
        >>> train_synthetic_bundle(workspace, "eastern_forests", "resnet18", steps=200, seed=0)  # doctest: +SKIP
    """
    chips = workspace.root / "chips"
    if not chips.exists():
        write_chips(World(seed), chips, region)
    if not with_pre:
        shutil.rmtree(chips / "pre", ignore_errors=True)
    add_to_index(workspace, chips_from_folder(chips, region, IssueLog(chips)))
    training = TrainingSettings(steps, BATCH_SIZE, seed)
    update_bundle(workspace, region, "tsmu-plus", training, encoder=encoder, weights="none")
