"""The settings of a continual-learning benchmark, and reading the cells that an earlier run has stored.

A cell is the result of one strategy with one seed.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tsmu.errors import BenchmarkError
from tsmu.model import PretrainedWeights, find_weights

# The settings that must be equal for all cells of a results file.
SHARED_SETTINGS = ("regions", "steps", "batch_size", "encoder", "weights", "split")

# All trainings start from the same weights, so their file is found and hashed only once per process.
_find_weights_once = cache(find_weights)


@dataclass(frozen=True)
class ContinualSettings:
    """Everything that the figures of a continual-learning benchmark depend on.

    Attributes:
        data: folder with one chips folder (`images/`, `masks/`) per region, in it or one level below.
        regions: names of the regions, in the order in which they are learned.
        strategies: names of the strategies that are compared.
        seeds: number of seeds; they are 0 to `seeds` - 1.
        steps: optimisation steps per region.
        batch_size: chips per step.
        encoder: name of the encoder.
        weights: the weights from which the encoder starts with every strategy: `auto`, a name, a file or `none`.
        split: `fixed` (contiguous blocks of 64, 16 and 20 % of the chips for training, validation and test) or
            `folds` (seed s tests on the s-th of five blocks).

    Example:
        >>> regions, strategies = ("nepal", "taiwan"), ("isolate", "separate")
        >>> settings = ContinualSettings("data", regions, strategies, 3, 300, 16, "resnet18", "none", "fixed")
        >>> settings.key()
        '1c8b63f1'
    """

    data: str
    regions: tuple[str, ...]
    strategies: tuple[str, ...]
    seeds: int
    steps: int
    batch_size: int
    encoder: str
    weights: str
    split: str

    def pretrained(self) -> PretrainedWeights | None:
        """The weights from which the encoder starts on this machine; None for random ones."""
        return _find_weights_once(self.encoder, self.weights)

    @property
    def weights_digest(self) -> str | None:
        """SHA-256 of the weights from which the encoder starts on this machine; None for random ones."""
        pretrained = self.pretrained()
        return pretrained.digest if pretrained else None

    def key(self) -> str:
        """Eight hexadecimal digits that identify the settings on which a trained network depends.

        The key is part of the names of stored networks, so that only networks with equal settings are used again.
        """
        parts = [self.steps, self.batch_size, self.encoder, self.split, self.weights_digest]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]


def stored_cells(settings: ContinualSettings, file: Path, shared: Sequence[str]) -> list[dict[str, Any]]:
    """Read the cells that an earlier run with equal settings has stored; an empty list if the file does not exist.

    Args:
        settings: settings of this run.
        file: the results file of the earlier run.
        shared: names of the settings that have to be equal in both runs.

    Raises:
        BenchmarkError: the file holds a run with other settings or other weights; this run would overwrite its cells.

    Example:
        >>> regions, strategies = ("hills", "coast"), ("isolate",)
        >>> settings = ContinualSettings("data", regions, strategies, 1, 300, 16, "resnet18", "none", "fixed")
        >>> stored_cells(settings, Path("out/results.json"), SHARED_SETTINGS)
        []
    """
    if not file.exists():
        return []
    stored = json.loads(file.read_text(encoding="utf-8"))
    for name in shared:
        value = getattr(settings, name)
        requested = list(value) if isinstance(value, tuple) else value
        existing = stored["settings"].get(name, "none")  # old results files, of random weights, have no entry `weights`
        if requested != existing:
            raise BenchmarkError(f"{file}: holds a run with {name} {existing}, asked for {value}; name another folder")
    cells: list[dict[str, Any]] = stored["cells"]
    if others := [cell for cell in cells if cell.get("weights_digest") != settings.weights_digest]:
        raise BenchmarkError(
            f"{file}: its cells started from other weights ({others[0].get('weights_source')}); name another folder, "
            "or the same --weights"
        )
    return cells
