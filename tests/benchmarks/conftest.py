"""The commands of `python -m benchmarks`, run within the process of the tests."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from benchmarks.commands import app

Benchmarks = Callable[..., Result]


@pytest.fixture(scope="session")
def benchmarks() -> Benchmarks:
    """Run a command; the result has its exit code and what it wrote to stdout and stderr."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run
