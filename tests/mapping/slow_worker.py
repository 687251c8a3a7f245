"""A plugin for the workers of a test's cluster; in a module of its own, since they import that."""

import os
import time
from pathlib import Path

from distributed import WorkerPlugin

from tests.mapping.conftest import blur, engine
from tsmu.mapping import decoder_mapper
from tsmu.mapping.tiling.checkpoints import RunCheckpoints


class Slowly(WorkerPlugin):
    """Workers compute with `blur`; they write down which band they come to store, wait, and that it is stored."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def setup(self, worker: object) -> None:  # noqa: ARG002 - Dask names it
        save = RunCheckpoints.save_row_sums

        def slowly(state: RunCheckpoints, row: int, sums: object) -> None:
            self.note("computed", row)
            time.sleep(0.3)
            save(state, row, sums)
            self.note("stored", row)

        RunCheckpoints.save_row_sums = slowly
        decoder_mapper.choose_engine = lambda *_: engine(blur)

    def note(self, what: str, row: int) -> None:
        with self.log.open("a") as log:
            log.write(f"{what} {row} {os.getpid()}\n")
