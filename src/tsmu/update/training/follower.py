"""A process that trains its share of each batch, while another one leads: `python -m tsmu.update.training.follower`.

The leader starts it with its number, the number of all processes and the port of the leader (see `processes`).
"""

import sys

from tsmu.errors import TsmuError
from tsmu.update.training.processes import READY, LocalEnvironment, join_as_follower
from tsmu.update.training.trainer import Trainer


def follow(environment: LocalEnvironment | None = None) -> None:
    """Take part in a training that another process leads, until it is over.

    Args:
        environment: of a process that the leader has started; by default that of SLURM or torchrun.
    """
    fabric = join_as_follower(environment)
    job = fabric.broadcast(None)
    if job is not None:  # the leader had nothing to train
        Trainer(fabric, job).run()


def main() -> None:
    """Follow as the command line says; an error is one line on standard error."""
    rank, count, port = map(int, sys.argv[1:])
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    try:
        follow(LocalEnvironment(rank, count, port))
    except (TsmuError, RuntimeError) as error:  # the latter where the leader has ended
        sys.exit(str(error).splitlines()[0])


if __name__ == "__main__":
    main()
