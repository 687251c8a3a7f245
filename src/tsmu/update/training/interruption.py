"""How a training is asked to stop: it finishes the step under way, saves, and ends.

Ctrl-C and SIGTERM end it with KeyboardInterrupt; a second Ctrl-C does so at once. SIGUSR1 is what SLURM sends
before it takes a machine away (`#SBATCH --signal=USR1@120`); then the job is put back into SLURM's queue, and goes
on from the checkpoint when it runs again.
"""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tsmu.errors import UpdateError

# Windows has no SIGUSR1.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]


class TrainingPreemptedError(UpdateError):
    """A training was saved and has ended because its machine is needed for something else."""


class StopRequest:
    """Whether, and by which signal, this training has been asked to stop."""

    def __init__(self) -> None:
        self._signal: int | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the training is to stop after this step."""
        return self._signal is not None

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; the second Ctrl-C ends the training at once."""
        del frame
        if number == self._signal == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = number

    def end_training(self, step: int) -> None:
        """End a training that has been saved.

        Args:
            step: the last one that is done.

        Raises:
            KeyboardInterrupt: somebody wants it to end.
            TrainingPreemptedError: its machine is needed.
        """
        if self._signal in (signal.SIGINT, signal.SIGTERM):
            raise KeyboardInterrupt
        raise TrainingPreemptedError(f"stopped after step {step}, from where the same command goes on; {_requeue()}")


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Note signals that ask to stop instead of being ended by them; elsewhere than in the main thread, none come."""
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.note) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _requeue() -> str:
    """Put this job of SLURM, if it is one, back into the queue; gives what was done, for the user."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or not shutil.which("scontrol"):
        return "run it again"
    if int(os.environ.get("SLURM_PROCID", 0)) > 0:
        return f"job {job} is requeued by its first process"
    result = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    if result.returncode:
        return f"job {job} could not be requeued ({result.stderr.strip()}); submit it again"
    return f"job {job} is requeued"
