"""Train in another precision, or from another seed, than this machine and the tests would.

Python loads a module of this name when it starts, if its folder is on PYTHONPATH. tests/conftest.py puts it there,
so that the processes that tests start vary as well, where one of these variables is set:

- TSMU_TEST_PRECISION: `float32` or `bfloat16`, which a processor without instructions for it computes too, slowly.
- TSMU_TEST_SEED: a number that every seed of weights, chip order and augmentation is moved by.

Nothing of tsmu is loaded here: a module is changed right after somebody has loaded it.
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

PRECISION = os.environ.get("TSMU_TEST_PRECISION", "")
SEED = int(os.environ.get("TSMU_TEST_SEED", "0"))


def _fix_precision(module: ModuleType) -> None:
    """Let trainings run in the given precision."""
    if PRECISION not in ("float32", "bfloat16"):
        raise ValueError(f"TSMU_TEST_PRECISION={PRECISION}: must be float32 or bfloat16")
    module.precision_in_use  # noqa: B018  # the name is still the one that is replaced here
    module.precision_in_use = lambda: PRECISION


def _move_seeds(module: ModuleType) -> None:
    """Move all seeds that trainings make of the user's."""
    derive_seed = module.derive_seed
    module.derive_seed = lambda seed, number: derive_seed(seed + SEED, number)


CHANGES: dict[str, Callable[[ModuleType], None]] = {}
if PRECISION:
    CHANGES["tsmu.model.device"] = _fix_precision
if SEED:
    CHANGES["tsmu.update.seeds"] = _move_seeds


class _Changed(Loader):
    """Loads a module as usual, then changes it."""

    def __init__(self, usual: Loader) -> None:
        self._usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._usual.exec_module(module)
        CHANGES[module.__name__](module)


class _Finder(MetaPathFinder):
    """Finds the modules that are to be changed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in CHANGES else None
        if spec and spec.loader:
            spec.loader = _Changed(spec.loader)
        return spec


if CHANGES:
    sys.meta_path.insert(0, _Finder())
