"""How a training is asked to stop: it finishes the step under way, saves, and ends.

Ctrl-C and SIGTERM end it with KeyboardInterrupt; a second Ctrl-C does so at once. SIGUSR1 is what SLURM sends
before it takes a machine away (`#SBATCH --signal=USR1@120`); then the job is put back into SLURM's queue, and goes
on from the checkpoint when it runs again. Where several processes train together, it is enough that one of them is
asked: they all stop after the same step.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from tsmu.errors import UpdateError
from tsmu.slurm import requeue_job
from tsmu.update.pooling import sum_over_processes

PREEMPTION = "SIGUSR1"  # Windows has none


class TrainingPreemptedError(UpdateError):
    """A training was saved and has ended because its machine is needed for something else."""


class StopRequest:
    """Whether this training, of one process or of several, has been asked to stop, and by which signal."""

    def __init__(self) -> None:
        self._signal: int | None = None
        self._is_preempted = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; the second Ctrl-C ends the training at once."""
        del frame
        if number == self._signal == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = number

    def agree(self, device: torch.device) -> bool:
        """Whether the training is to stop after this step because any of its processes has been asked to.

        All processes must call this after the same step.

        Args:
            device: the device on which this process computes.
        """
        asked_to_end = self._signal in (signal.SIGINT, signal.SIGTERM)
        asked = torch.tensor([float(self._signal is not None), float(asked_to_end)], device=device)
        must_stop, must_end = (sum_over_processes(asked) > 0).tolist()
        self._is_preempted = must_stop and not must_end
        return bool(must_stop)

    def end_training(self, step: int) -> None:
        """End a training that has been saved.

        Args:
            step: the last one that is done.

        Raises:
            KeyboardInterrupt: somebody wants it to end.
            TrainingPreemptedError: its machine is needed.
        """
        if self._is_preempted:
            raise TrainingPreemptedError(f"stopped after step {step}, from where the same command goes on")
        raise KeyboardInterrupt


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Note signals that ask to stop, instead of being ended by them; outside of the main thread none are noted."""
    stop = StopRequest()
    with _handled_by(stop.note, "SIGINT", "SIGTERM", PREEMPTION):
        yield stop


@contextmanager
def preemption_left_to_leader() -> Iterator[None]:
    """Ignore SIGUSR1 between trainings, in a process that another one leads."""
    with _handled_by(lambda *_: None, PREEMPTION):
        yield


@contextmanager
def requeued_when_preempted() -> Iterator[None]:
    """Put the job of this process back into SLURM's queue if SIGUSR1 comes while the block runs.

    A training finishes its step and saves before it ends (`stop_requests`). Anything else in the block, such as
    reading chips before the first step or scoring after the last, is ended at once, because repeating it is quick.

    Raises:
        TrainingPreemptedError: SIGUSR1 came; it says where the training goes on, and whether the job is queued again.
    """
    try:
        with _handled_by(_give_up, PREEMPTION):
            yield
    except _Preemption:
        state = "stopped while no step was under way; the same command goes on"
    except TrainingPreemptedError as error:
        state = str(error)
    else:
        return
    # SLURM sends SIGTERM to a job that has been requeued; it is ignored until the message is complete.
    with _handled_by(lambda *_: None, PREEMPTION, "SIGTERM"):
        raise TrainingPreemptedError(f"{state}; {requeue_job()}")


class _Preemption(BaseException):
    """Raised when SIGUSR1 arrives, by which SLURM announces that it will end the job.

    It derives from BaseException, so that code that handles errors of files does not catch it.
    """


def _give_up(*_: object) -> None:
    raise _Preemption


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], object], *names: str) -> Iterator[None]:
    """Handle signals by a function while the block runs; names that this system does not have are ignored.

    Outside of the main thread nothing changes: Python allows signal handlers in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
