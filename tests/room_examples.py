"""Helpers of tests that run docstring examples, and that check a room's `__init__`: its names, and what it imports."""

import ast
import doctest
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tsmu

SOURCES = Path(tsmu.__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE
HEAVY = ("torch", "matplotlib", "scipy", "geopandas", "rasterio", "timm")


def examples(*packages: str) -> list[Any]:
    """The parameters of a test that runs the examples of packages or modules, such as `tsmu.imagery`.

    There is one `doctest.DocTest` for each docstring with examples, with its name as id.
    """
    found = [example for package in packages for name in _modules(package) for example in _examples_of_module(name)]
    return [pytest.param(example, id=example.name.removeprefix("tsmu.")) for example in found]


def _modules(package: str) -> Iterator[str]:
    """The modules of a package, or the one module; but for migrations, which only their tool imports."""
    path = SOURCES.joinpath(*package.split("."))
    for file in sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]:
        if "migrations" not in file.parts:
            yield ".".join(file.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")


def _examples_of_module(name: str) -> Iterator[doctest.DocTest]:
    found = doctest.DocTestFinder(recurse=True).find(import_module(name))
    yield from (example for example in found if example.examples)


def run_example(example: doctest.DocTest, names: Mapping[str, Any] | None = None) -> None:
    """Run an example with these names beside those of its module."""
    example.globs |= names or {}
    assert doctest.DocTestRunner(optionflags=FLAGS).run(example).failed == 0


def without_example(room: ModuleType) -> list[str]:
    """The functions and classes of a face that show no example."""
    public = {name: getattr(room, name) for name in room.__all__}
    documented = {name: value for name, value in public.items() if isinstance(value, type) or callable(value)}
    return [name for name, value in documented.items() if ">>>" not in (value.__doc__ or "")]


def check_face(room: ModuleType) -> None:
    """Every name of a face is there, for Python and for type checkers, and no other is."""
    assert room.__all__ == sorted(set(room.__all__), key=_isort_key)
    tree = ast.parse(Path(str(room.__file__)).read_text())
    typed = {alias.asname or alias.name for alias in _typed_imports(tree)}
    assert typed == set(room.__all__)
    for name in room.__all__:
        assert getattr(room, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        room.nothing  # noqa: B018


def loaded_by(code: str, *modules: str) -> list[str]:
    """Which of some modules, by default the heavy ones, are loaded after code has run in a new process."""
    question = f"import sys; print(*[name for name in {modules or HEAVY!r} if name in sys.modules])"
    return subprocess.check_output([sys.executable, "-c", f"{code}; {question}"], text=True).split()


def _typed_imports(tree: ast.Module) -> Iterator[ast.alias]:
    for block in tree.body:
        if isinstance(block, ast.If):
            yield from (alias for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names)


def _isort_key(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name
