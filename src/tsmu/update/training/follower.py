"""A process that trains its share of each batch, while another one leads: `python -m tsmu.update.training.follower`.

The leader starts it with its number, the number of all processes, the port of the leader and the precision in which
it computes (see `processes`).
"""

import sys
from contextlib import suppress

from tsmu.errors import TsmuError, UpdateError
from tsmu.model import precision_in_use
from tsmu.update.training.interruption import TrainingPreemptedError, preemption_left_to_leader
from tsmu.update.training.local_followers import READY, LocalEnvironment, is_broken_connection
from tsmu.update.training.processes import join_processes
from tsmu.update.training.trainer import Trainer, TrainingJob


def follow(environment: LocalEnvironment | None = None, precision: str | None = None) -> None:
    """Take part in a training that another process leads, until it is over.

    Args:
        environment: of a process that the leader has started; by default that of SLURM or torchrun.
        precision: in which it computes, `float32` or `bfloat16`; by default the best of this machine.

    Raises:
        UpdateError: the leader, on another machine, computes in another precision, or has ended.

    Example:
        >>> from tsmu.update import is_follower
        >>> if is_follower():  # in a process that SLURM or torchrun has started beside the first one
        ...     follow()
    """
    try:
        with preemption_left_to_leader():
            _train_share(environment, precision or precision_in_use())
    except RuntimeError as error:
        if not is_broken_connection(error):
            raise
        raise UpdateError("another process of this training has ended; the first one says what to do") from None


def _train_share(environment: LocalEnvironment | None, precision: str) -> None:
    """Join the processes, and train as the leader says."""
    fabric = join_processes(environment, precision)
    job: TrainingJob | None = fabric.broadcast(None)
    if job is None:  # the leader had nothing to train
        return
    if job.precision != precision:
        raise UpdateError(
            f"this machine trains in {precision} and the first one in {job.precision}; train on machines of one kind"
        )
    # If the training is asked to stop, the leader saves it and reports that. This process then ends with exit code 0:
    # at any other, SLURM or torchrun could end the leader before it has saved.
    with suppress(KeyboardInterrupt, TrainingPreemptedError):
        Trainer(fabric, job).run()


def main() -> None:
    """Follow as the command line says; an error is one line on standard error."""
    rank, count, port = map(int, sys.argv[1:4])
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    try:
        follow(LocalEnvironment(rank, count, port), sys.argv[4])
    except (TsmuError, RuntimeError) as error:
        sys.exit(str(error).splitlines()[0])


if __name__ == "__main__":
    main()
