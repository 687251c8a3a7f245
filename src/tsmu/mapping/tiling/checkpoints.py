"""What a run has finished, on disk, so that a killed one goes on where it stopped.

    .tsmu-map/
        run              which run the bands belong to
        rows_00012.npz   a finished band of rows in percent, and how many of its tiles were skipped
        carry_00012.npz  what the tiles of that band say about the rows below it
        ahead_00020.npz  a row of tiles that was computed before the one above it was finished

Every file is written beside its place, flushed to the disk and renamed. A band is finished when its
rows have their name; its carry has one then, because it is written first. Many processes may compute
rows of tiles ahead at the same time, of which one puts them together.
"""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tsmu.errors import MapError
from tsmu.files import remove, write_text, written_whole
from tsmu.mapping.outputs.cog import NO_DATA, Percent
from tsmu.mapping.tiling.row_blending import Carry, RowSums, as_percent
from tsmu.mapping.tiling.tile_axis import Cuts

FOLDER = ".tsmu-map"
FORMAT = 4  # another number: what an older version of this program left is not gone on with


def digest_of(*what: object) -> str:
    """Hash of plain values; equal values, equal hash."""
    return hashlib.sha256(json.dumps([FORMAT, *what], sort_keys=True, default=str).encode()).hexdigest()


class RunState:
    """The finished bands of one run; begun by one process, joined by those that help it.

    Args:
        folder: the hidden folder that holds them.
        cuts: the rows of tiles.
    """

    def __init__(self, folder: Path, cuts: Cuts) -> None:
        self._folder = folder
        self._cuts = cuts
        self.finished = 0
        while self._file("rows", self.finished).exists():
            self.finished += 1

    @classmethod
    def begin(cls, folder: Path, run: str, cuts: Cuts) -> "RunState":
        """Begin a run, or go on with it; the bands of another one, and half-written files, are removed.

        Args:
            folder: the hidden folder.
            run: what tells this run from every other, see `digest_of`.
            cuts: the rows of tiles.
        """
        if _run_in(folder) != run:
            remove(folder)
            write_text(folder / "run", run)
        for leftover in folder.glob(".*"):  # of a process that was killed while it wrote
            remove(leftover)
        return cls(folder, cuts)

    @classmethod
    def join(cls, folder: Path, run: str, cuts: Cuts) -> "RunState":
        """Help with a run that another process has begun.

        Raises:
            MapError: that is another run: of other files or settings, or of a network that computes otherwise.
        """
        if _run_in(folder) != run:
            raise MapError(
                f"{folder.parent}: this machine sees another scene or model there than the one that began, or computes "
                "in another engine or precision; let all machines see the same files, or name one --engine"
            )
        return cls(folder, cuts)

    @property
    def missing(self) -> list[int]:
        """Rows of tiles that are to be computed yet."""
        return [row for row in range(self.finished, len(self._cuts)) if not self.is_ahead(row)]

    def save(self, rows: Percent, skipped: int, carry: Carry) -> None:
        """Store the next band of rows (layers, H, W); only when this returns it counts as finished."""
        band = self.finished
        with written_whole(self._file("carry", band)) as file:
            np.savez(file, layers=carry[0], valid=carry[1])
        with written_whole(self._file("rows", band)) as file:
            _save_small(file, rows=rows, skipped=skipped)
        self.finished += 1
        self._file("ahead", band).unlink(missing_ok=True)
        if band:
            self._file("carry", band - 1).unlink(missing_ok=True)

    def rows(self, band: int) -> tuple[Percent, int]:
        """Read a finished band, and how many of its tiles were skipped."""
        stored = _load(self._file("rows", band))
        return stored["rows"], int(stored["skipped"])

    def carry(self) -> Carry:
        """Read what the last finished band says about the rows below it."""
        stored = _load(self._file("carry", self.finished - 1))
        return stored["layers"], stored["valid"]

    def save_ahead(self, row: int, sums: RowSums) -> None:
        """Store a row of tiles for later; in whole percent where no other has a say."""
        shared = self._cuts.shared(row)
        with written_whole(self._file("ahead", row)) as file:
            np.savez(
                file,
                alone=as_percent(sums.layers[:, ~shared], sums.valid[~shared]),
                layers=sums.layers[:, shared],
                valid=sums.valid[shared],
                skipped=sums.skipped,
            )

    def is_ahead(self, row: int) -> bool:
        """Whether a row of tiles was computed for later."""
        return self._file("ahead", row).exists()

    def ahead(self, row: int) -> RowSums:
        """Read a row of tiles that was computed for later."""
        stored, shared = _load(self._file("ahead", row)), self._cuts.shared(row)
        alone = stored["alone"]
        layers = np.empty((len(alone), len(shared), alone.shape[2]), np.float32)
        valid = np.empty(layers.shape[1:], bool)
        layers[:, shared], layers[:, ~shared] = stored["layers"], alone / np.float32(100)
        valid[shared], valid[~shared] = stored["valid"], alone[0] != NO_DATA
        return RowSums(layers, valid, int(stored["skipped"]))

    def remove(self) -> None:
        """Forget the run."""
        remove(self._folder)

    def _file(self, kind: str, band: int) -> Path:
        return self._folder / f"{kind}_{band:05d}.npz"


def _run_in(folder: Path) -> str:
    name = folder / "run"
    return name.read_text(encoding="utf-8") if name.exists() else ""


def _save_small(path: Path, **arrays: npt.ArrayLike) -> None:
    """Write what `numpy.savez_compressed` does, in a third of the time and a quarter larger."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, array in arrays.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise MapError(f"{path}: damaged ({error}); start the scene anew with --force") from error
