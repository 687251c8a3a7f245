"""Every command on models, maps and the database has a method with the same options and the same defaults."""

import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import typer

from tsmu.cli import app
from tsmu.workspace import LandslideDatabase, ModelVersions, Workspace, compare_inventories

METHODS: dict[str, Callable[..., Any]] = {
    "update": Workspace.update,
    "evaluate": Workspace.evaluate,
    "map": Workspace.map,
    "serve": Workspace.serve,
    "models list": ModelVersions.list,
    "models show": ModelVersions.show,
    "models diff": ModelVersions.diff,
    "models pin": ModelVersions.pin,
    "models unpin": ModelVersions.unpin,
    "models rollback": ModelVersions.rollback,
    "db info": LandslideDatabase.info,
    "db query": LandslideDatabase.query,
    "db history": LandslideDatabase.history,
    "db review": LandslideDatabase.review,
    "db backup": LandslideDatabase.backup,
    "db check": LandslideDatabase.check,
    "db export": LandslideDatabase.export,
    "db import": LandslideDatabase.add_file,
    "db density": LandslideDatabase.density,
    "db compare": compare_inventories,
    "db merge": LandslideDatabase.merge,
}
CONDITIONS = inspect.signature(LandslideDatabase.query).parameters
OF_THE_COMMAND_LINE = {"workspace", "as_json", "database"}
ELSEWHERE = {  # what is another method, or given by the object
    "db merge": {"undo", "merging"},
    "update": {"dry_run"},
}
OTHER_DEFAULT = {  # the command line always writes; Python writes where a file is named
    ("db compare", "out"), ("db density", "out"),
    ("update", "devices"),  # a number there, the same as text here
    ("db query", "status"), ("db export", "status"), ("db density", "status"), ("db compare", "status"),
}  # fmt: skip


def command(name: str) -> Any:
    """A command of the command line."""
    found: Any = typer.main.get_command(app)
    for word in name.split():
        found = found.commands[word]
    return found


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_options_of_its_command(name: str) -> None:
    options = {option.name: option for option in command(name).params}
    asked = set(options) - OF_THE_COMMAND_LINE - ELSEWHERE.get(name, set())
    parameters = dict(inspect.signature(METHODS[name]).parameters)
    if parameters.pop("filters", None):
        parameters |= CONDITIONS
    assert asked == set(parameters) - {"self", "display", "version" if name == "db review" else ""}
    for key in asked:
        if not options[key].required and (name, key) not in OTHER_DEFAULT:
            assert parameters[key].default == options[key].default, key
            assert not isinstance(options[key].default, datetime)


def test_an_estimate_takes_the_options_of_the_update() -> None:
    of_update, of_estimate = (
        {key: parameter.default for key, parameter in inspect.signature(method).parameters.items()}
        for method in (Workspace.update, Workspace.estimate_update)
    )
    assert of_update.pop("keep_validation") is False  # which changes no training
    assert of_update.pop("cluster") is None  # it measures on this machine
    assert of_estimate == of_update
