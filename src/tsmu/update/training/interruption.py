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
        """Whether the training is to stop after this step because one of its processes has been asked to.

        Args:
            device: on which the processes compute; they call this after the same step.
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
    """Note signals that ask to stop instead of being ended by them; elsewhere than in the main thread, none come."""
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
    """Put the job of this process back into SLURM's queue where SIGUSR1 comes, whatever the block does just then.

    A training finishes its step and saves. Anything else is given up at once, for it is soon repeated: reading chips
    before the first step, scoring after the last.

    Raises:
        TrainingPreemptedError: instead of what has ended the block.
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
    with _handled_by(lambda *_: None, PREEMPTION, "SIGTERM"):  # with which SLURM ends what has been requeued
        raise TrainingPreemptedError(f"{state}; {requeue_job()}")


class _Preemption(BaseException):
    """SIGUSR1 has come. No ordinary exception, so that nobody takes it for an error of a file or a network."""


def _give_up(*_: object) -> None:
    raise _Preemption


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], object], *names: str) -> Iterator[None]:
    """Handle signals by a function while the block runs; those that this system does not have do not matter.

    Elsewhere than in the main thread nothing is changed: no signals come there.
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
