"""A share of a machine's cores for each of the workers on it."""

import os
from typing import Any

from distributed import WorkerPlugin


class SomeCores(WorkerPlugin):
    """Of `count` workers on this machine each keeps to its own cores, where the system can be told so."""

    def __init__(self, count: int) -> None:
        self._count = count

    def setup(self, worker: Any) -> None:
        """Leave the others their cores; threads that are started later inherit it, the networks' among them."""
        if hasattr(os, "sched_setaffinity"):
            cores, number = sorted(os.sched_getaffinity(0)), int(worker.name)
            first, end = (n * len(cores) // self._count for n in (number, number + 1))
            os.sched_setaffinity(0, cores[first:end] or [cores[number % len(cores)]])
