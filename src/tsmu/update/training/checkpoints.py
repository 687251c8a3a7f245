"""Checkpoints of a training: when one is due, how it is written and read."""

import io
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tsmu.files import atomic_write
from tsmu.issues import IssueLog

CHECKPOINT = "last.ckpt"
ENTRIES = {"step", "network", "optimizer", "best", "strategy", "losses"}
# A checkpoint is due at every 20th step if at least 10 seconds have passed since the last one (on a fast machine 20
# steps take less time than writing it), and at any step if 60 seconds have passed (large chips on a slow machine).
CHECKPOINT_STEPS = 20
CHECKPOINT_SECONDS = 10.0
SLOW_SECONDS = 60.0


class CheckpointTimer:
    """Decides after each step whether a checkpoint is due: by steps and by seconds."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._saved = -math.inf

    def is_due(self, steps_done: int) -> bool:
        """Whether a checkpoint should be written now."""
        now = time.monotonic()
        regular = steps_done % CHECKPOINT_STEPS == 0 and now - self._saved >= CHECKPOINT_SECONDS
        return regular or now - max(self._saved, self._begun) >= SLOW_SECONDS

    def saved(self) -> None:
        """Note that a checkpoint has been written."""
        self._saved = time.monotonic()


def write_checkpoint(checkpoint: Mapping[str, Any], file: Path) -> None:
    """Write a checkpoint to a temporary file and rename it into place, so that a kill leaves the old one whole."""
    content = io.BytesIO()  # torch's own writer turns a full disk into an internal error
    torch.save(checkpoint, content)
    with atomic_write(file) as temporary:
        temporary.write_bytes(content.getbuffer())


def read_checkpoint(file: Path, log: IssueLog | None) -> dict[str, Any] | None:
    """Read the checkpoint that a training is to resume from.

    A damaged checkpoint is removed and logged. That it belongs to this very training follows from its folder, whose
    name is a digest of everything that decides a training.

    Args:
        file: need not exist.
        log: gets a warning where the checkpoint cannot be used.

    Returns:
        The checkpoint; None where the training starts from the beginning.
    """
    if not file.exists():
        return None
    try:
        checkpoint = dict(torch.load(file, map_location="cpu", weights_only=True))
        if missing := ENTRIES - set(checkpoint):
            raise ValueError(f"{', '.join(sorted(missing))} missing")
    except Exception as error:  # noqa: BLE001 - whatever reading a damaged archive ends in
        reason = (str(error) or type(error).__name__).splitlines()[0].partition(". ")[0]
        if log is not None:
            log.warning(file, f"damaged checkpoint ({reason})", "removed; the training starts from the beginning")
        file.unlink()
        return None
    return checkpoint
