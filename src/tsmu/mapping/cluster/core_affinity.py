"""Cores of a machine divided among the workers on it; apart from `workers`, because it needs Dask when imported."""

import os
from typing import Any

from distributed import WorkerPlugin


class CoreAffinity(WorkerPlugin):
    """Makes each of `count` workers on this machine keep to its own cores, where the system allows it."""

    def __init__(self, count: int) -> None:
        self._count = count

    def setup(self, worker: Any) -> None:
        """Restrict a worker to its cores; threads that start later inherit it, the networks' among them."""
        if hasattr(os, "sched_setaffinity"):
            cores, number = sorted(os.sched_getaffinity(0)), int(worker.name)
            first, end = (n * len(cores) // self._count for n in (number, number + 1))
            os.sched_setaffinity(0, cores[first:end] or [cores[number % len(cores)]])
