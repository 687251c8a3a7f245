"""What the tests of examples in docstrings share."""

import doctest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import tsmu

SOURCES = Path(tsmu.__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


def examples_of(*packages: str) -> Iterator[doctest.DocTest]:
    """One test for each docstring with examples in packages or modules, such as `tsmu.imagery`."""
    for package in packages:
        path = SOURCES.joinpath(*package.split("."))
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]:
            name = ".".join(file.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
            found = doctest.DocTestFinder(recurse=True).find(import_module(name))
            yield from (example for example in found if example.examples)


def failures(example: doctest.DocTest) -> int:
    """Run an example, and count what it gets wrong."""
    return doctest.DocTestRunner(optionflags=FLAGS).run(example).failed
