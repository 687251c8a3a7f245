"""The bundle that benchmarks on scenes map with: trained on one region of the synthetic world."""

import shutil

from tsmu.chips.folder import chips_from_folder
from tsmu.chips.index import add_to_index
from tsmu.issues import IssueLog
from tsmu.synthetic import World, write_chips
from tsmu.update.training import TrainingSettings
from tsmu.update.update import update_bundle
from tsmu.workspace_folder import WorkspaceFolder

BATCH = 8


def train_on_world(
    space: WorkspaceFolder, region: str, encoder: str, steps: int, seed: int, *, with_pre: bool = True
) -> None:
    """Write a region's chips into an empty workspace, and learn it from random weights.

    Args:
        space: a workspace of its own; an interrupted training goes on.
        region: of the synthetic world.
        encoder: of the network.
        steps: of the training.
        seed: of the world and of the training.
        with_pre: learn from pairs; otherwise from the images after the event alone.
    """
    chips = space.root / "chips"
    if not chips.exists():
        write_chips(World(seed), chips, region)
    if not with_pre:
        shutil.rmtree(chips / "pre", ignore_errors=True)
    add_to_index(space, chips_from_folder(chips, region, IssueLog(chips)))
    update_bundle(space, region, "tsmu-plus", TrainingSettings(steps, BATCH, seed), encoder=encoder, weights="none")
