"""The process that does an update, where SLURM or torchrun has started several or may take its machine away."""

from collections.abc import Iterator
from contextlib import contextmanager

from tsmu.update.training.interruption import requeued_when_preempted
from tsmu.update.training.processes import release_followers


@contextmanager
def lead() -> Iterator[None]:
    """Lead an update, from its first check to its last file.

    The processes that SLURM or torchrun has started beside this one wait for a training (`follow`). Where the block
    trains nothing, or is refused before it does, they are let go. Where SIGUSR1 says that SLURM is going to take
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
