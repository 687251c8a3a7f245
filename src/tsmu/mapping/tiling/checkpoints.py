"""The finished rows of a run on disk, from which a run that was killed continues.

    .tsmu-map/
        run              identity of the run that the other files belong to
        rows_00012.npz   finished rows of the map in whole percent, and how many tiles were skipped for them
        carry_00012.npz  what those rows of tiles contribute to the rows of the map below
        ahead_00020.npz  a row of tiles that was computed before the one above it was finished

The rows of the map that become final with one row of tiles are a band of rows, with its number. Every file
is written under another name, flushed to the disk and renamed. A band is finished when its rows have their
name; its carry is written first and so has its name then. Several processes may compute rows of tiles in
advance at the same time; one of them stitches the rows of tiles together.
"""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tsmu.errors import MapError
from tsmu.files import atomic_write, remove, write_text
from tsmu.mapping.arrays import NO_DATA, Percent, to_percent
from tsmu.mapping.tiling.row_blending import Carry, RowSums
from tsmu.mapping.tiling.tile_axis import TileAxis

FOLDER = ".tsmu-map"
FORMAT = 4  # another number makes runs of an older version of this program start anew


def digest_values(*values: object) -> str:
    """Hash plain values: equal values give equal hashes."""
    return hashlib.sha256(json.dumps([FORMAT, *values], sort_keys=True, default=str).encode()).hexdigest()


class RunCheckpoints:
    """The finished bands of one run; begun by one process, joined by those that help it.

    Args:
        folder: the hidden folder of the files.
        rows: how the scene is divided into rows of tiles.
    """

    def __init__(self, folder: Path, rows: TileAxis) -> None:
        self._folder = folder
        self._rows = rows
        self.finished = 0
        while self._file("rows", self.finished).exists():
            self.finished += 1

    @classmethod
    def begin(cls, folder: Path, run: str, rows: TileAxis) -> "RunCheckpoints":
        """Begin a run or continue it; the bands of another run and half-written files are removed.

        Args:
            folder: the hidden folder.
            run: identity of the run, see `digest_values`.
            rows: how the scene is divided into rows of tiles.
        """
        if _run_identity(folder) != run:
            remove(folder)
            write_text(folder / "run", run)
        for leftover in folder.glob(".*"):  # of a process that was killed while it wrote
            remove(leftover)
        return cls(folder, rows)

    @classmethod
    def join(cls, folder: Path, run: str, rows: TileAxis) -> "RunCheckpoints":
        """Help with a run that another process has begun.

        Raises:
            MapError: that is another run: of other files or settings, or of a network that computes otherwise.
        """
        if _run_identity(folder) != run:
            raise MapError(
                f"{folder.parent}: this machine sees another scene or model than the one that began the map, or "
                "computes with another engine or precision; let all machines see the same files, or name one --engine"
            )
        return cls(folder, rows)

    @property
    def missing(self) -> list[int]:
        """Numbers of the rows of tiles that have to be computed yet."""
        return [row for row in range(self.finished, len(self._rows)) if not self.has_row_sums(row)]

    def save_band(self, rows: Percent, skipped: int, carry: Carry) -> None:
        """Store the next band: its rows (L, H, W), skipped tiles and carry; it is finished when this returns."""
        band = self.finished
        with atomic_write(self._file("carry", band)) as file:
            np.savez(file, layers=carry[0], valid=carry[1])
        with atomic_write(self._file("rows", band)) as file:
            _save_compressed(file, rows=rows, skipped=skipped)
        self.finished += 1
        self._file("ahead", band).unlink(missing_ok=True)
        if band:
            self._file("carry", band - 1).unlink(missing_ok=True)

    def load_band(self, band: int) -> tuple[Percent, int]:
        """Read the rows (L, H, W) of a finished band, and how many tiles were skipped for them."""
        stored = _load(self._file("rows", band))
        return stored["rows"], int(stored["skipped"])

    def load_carry(self) -> Carry:
        """Read what the finished bands contribute to the rows below them."""
        stored = _load(self._file("carry", self.finished - 1))
        return stored["layers"], stored["valid"]

    def save_row_sums(self, row: int, sums: RowSums) -> None:
        """Store a row of tiles that is computed in advance; in whole percent where no other row contributes."""
        shared = self._rows.shared(row)
        with atomic_write(self._file("ahead", row)) as file:
            np.savez(
                file,
                alone=to_percent(sums.layers[:, ~shared], sums.valid[~shared]),
                layers=sums.layers[:, shared],
                valid=sums.valid[shared],
                skipped=sums.skipped,
            )

    def has_row_sums(self, row: int) -> bool:
        """Whether a row of tiles was computed in advance."""
        return self._file("ahead", row).exists()

    def load_row_sums(self, row: int) -> RowSums:
        """Read a row of tiles that was computed in advance."""
        stored, shared = _load(self._file("ahead", row)), self._rows.shared(row)
        alone = stored["alone"]
        layers = np.empty((len(alone), len(shared), alone.shape[2]), np.float32)
        valid = np.empty(layers.shape[1:], bool)
        layers[:, shared], layers[:, ~shared] = stored["layers"], alone / np.float32(100)
        valid[shared], valid[~shared] = stored["valid"], alone[0] != NO_DATA
        return RowSums(layers, valid, int(stored["skipped"]))

    def remove(self) -> None:
        """Remove the files of the run."""
        remove(self._folder)

    def _file(self, kind: str, number: int) -> Path:
        return self._folder / f"{kind}_{number:05d}.npz"


def _run_identity(folder: Path) -> str:
    file = folder / "run"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _save_compressed(path: Path, **arrays: npt.ArrayLike) -> None:
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
        raise MapError(f"{path}: damaged ({error}); map the scene anew with --force") from error
