"""The process that leads an update: it plans, trains and writes it, while other processes only train with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tsmu.update.training.interruption import requeued_when_preempted
from tsmu.update.training.processes import release_followers


@contextmanager
def lead() -> Iterator[None]:
    """Lead an update, from its first check to its last file.

    The processes that SLURM or torchrun has started beside this one wait for a training (`follow`). If the block ends
    without one, or with an error before one, they are told to end. If SIGUSR1 announces that SLURM is going to take
    the machine away, the job is put back into the queue.

    Raises:
        TrainingPreemptedError: SIGUSR1 came.

    Example:
        >>> from tsmu.update import TrainingSettings, update_bundle
        >>> with lead():
        ...     bundle = update_bundle(workspace, "alps", "isolate", TrainingSettings(steps=2, batch_size=2, seed=0))
    """
    with requeued_when_preempted():
        try:
            yield
        except Exception:
            release_followers()
            raise
        release_followers()
