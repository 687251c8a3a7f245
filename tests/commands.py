"""The commands of the command line with their parameters, for tests that look at all of them."""

from collections.abc import Iterator
from typing import Any

import typer

from tsmu.cli import app


def _commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command with the words that call it."""
    for name, command in getattr(group, "commands", {}).items():
        yield from _commands(command, (*words, name))
    if not hasattr(group, "commands"):
        yield " ".join(words), group


COMMANDS = dict(_commands(typer.main.get_command(app)))


def takes(kind: type, parameter: Any) -> bool:
    """Whether a parameter's values are of a type."""
    return parameter.type_descriptor.annotation is kind
