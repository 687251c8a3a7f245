"""What a run has finished, on disk, so that a killed one goes on where it stopped.

    .tsmu-map/
        run             which run the bands belong to
        rows_00012.npz  a finished band of rows in percent, and how many of its tiles were skipped
        carry_00012.npz what the tiles of that band say about the rows below it

Every file is written beside its place, flushed to the disk and renamed. A band is finished when its
rows have their name; its carry has one then, because it is written first.
"""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np

from tsmu.errors import MapError
from tsmu.files import remove, write_text, written_whole
from tsmu.mapping.blending import Probability, Valid
from tsmu.mapping.sink import Percent

FOLDER = ".tsmu-map"
FORMAT = 2  # another number: what an older version of this program left is not gone on with


def digest_of(*what: object) -> str:
    """Hash of plain values; equal values, equal hash."""
    return hashlib.sha256(json.dumps([FORMAT, *what], sort_keys=True, default=str).encode()).hexdigest()


class RunState:
    """The finished bands of one run; those of another run in the same folder are removed.

    Args:
        folder: the hidden folder that holds them.
        run: what tells this run from every other, see `digest_of`.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self._folder = folder
        name = folder / "run"
        if not name.exists() or name.read_text(encoding="utf-8") != run:
            remove(folder)
            write_text(name, run)
        for leftover in folder.glob(".*"):  # of a process that was killed while it wrote
            remove(leftover)
        self.finished = 0
        while self._rows(self.finished).exists():
            self.finished += 1

    def save(self, rows: Percent, skipped: int, carry: tuple[Probability, Valid]) -> None:
        """Store the next band of rows (layers, H, W); only when this returns it counts as finished."""
        band = self.finished
        with written_whole(self._carry(band)) as file:
            np.savez(file, layers=carry[0], valid=carry[1])
        with written_whole(self._rows(band)) as file:
            np.savez_compressed(file, rows=rows, skipped=skipped)
        self.finished += 1
        if band:
            self._carry(band - 1).unlink(missing_ok=True)

    def rows(self, band: int) -> tuple[Percent, int]:
        """Read a finished band, and how many of its tiles were skipped."""
        stored = self._load(self._rows(band))
        return stored["rows"], int(stored["skipped"])

    def carry(self) -> tuple[Probability, Valid]:
        """Read what the last finished band says about the rows below it."""
        stored = self._load(self._carry(self.finished - 1))
        return stored["layers"], stored["valid"]

    def remove(self) -> None:
        """Forget the run."""
        remove(self._folder)

    def _rows(self, band: int) -> Path:
        return self._folder / f"rows_{band:05d}.npz"

    def _carry(self, band: int) -> Path:
        return self._folder / f"carry_{band:05d}.npz"

    def _load(self, path: Path) -> dict[str, np.ndarray]:
        try:
            with np.load(path, allow_pickle=False) as stored:
                return dict(stored)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise MapError(f"{path}: damaged ({error}); start the scene anew with --force") from error
