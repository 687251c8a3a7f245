"""Every command of the command line is a method of the workspace with the same options and the same defaults."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from typer.testing import CliRunner

from tests.commands import COMMANDS, takes
from tsmu import data
from tsmu.cli import app
from tsmu.errors import TsmuError
from tsmu.workspace import LandslideDatabase, ModelVersions, PublicData, Workspace, compare_inventories

METHODS: dict[str, Callable[..., Any]] = {
    "init": Workspace.init,
    "data list": PublicData.list,
    "data fetch": PublicData.fetch,
    "import inventory": Workspace.add_inventory,
    "import chips": Workspace.add_chips,
    "import pairs": Workspace.add_pairs,
    "import labels": Workspace.add_labels,
    "fetch pairs": Workspace.fetch_pairs,
    "regions use": Workspace.use_regions,
    "regions assign": Workspace.assign_regions,
    "chips build": Workspace.build_chips,
    "labels from-review": Workspace.labels_from_review,
    "export labelme": Workspace.export_labelme,
    "export pictures": Workspace.export_pictures,
    "update": Workspace.update,
    "evaluate": Workspace.evaluate,
    "map": Workspace.map,
    "respond": Workspace.respond,
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
    "db assign": LandslideDatabase.assign,
    "db copy": LandslideDatabase.copy,
    "db backup": LandslideDatabase.backup,
    "db check": LandslideDatabase.check,
    "db export": LandslideDatabase.export,
    "db import": LandslideDatabase.add_file,
    "db density": LandslideDatabase.density,
    "db compare": compare_inventories,
    "db merge": LandslideDatabase.merge,
}
WITHOUT_METHOD = {"demo", "benchmark"}  # groups
SEVERAL_METHODS = {"db proposals"}  # proposals, accept, decline
CONDITIONS = dict(inspect.signature(LandslideDatabase.query).parameters)  # what `filters` of other methods stands for

OTHER_FORM: dict[tuple[str, str], Any] = {  # defaults that Python says in another form than the command line
    ("init", "folder"): ".",
    ("fetch pairs", "assets"): ("red", "green", "blue"),
    ("update", "devices"): 1,
}
ALWAYS_WRITTEN = {("db density", "out"), ("db compare", "out")}  # in Python where a file is named
BY_POSITION_TOO = {("evaluate", "out"), ("db backup", "out"), ("db compare", "out")}
TEXTS = {  # values of options whose text must be of some form
    "columns": "date=When", "classes": "slide=1", "steps": "7", "devices": "7",
    "date": "2024-05-01", "date_pre": "2024-05-01", "date_post": "2024-05-01",
    "bbox": "1,2,3,4", "dates": "2024-05-01/",
}  # fmt: skip

OF_THE_COMMAND_LINE = {"workspace", "as_json", "database"}
ELSEWHERE = {  # the object, or another method
    ("db copy", "source"), ("db merge", "undo"), ("db merge", "merging"), ("update", "dry_run"),
}  # fmt: skip
OF_PYTHON = {"self", "display"}
ONLY_IN_PYTHON = {("db review", "version")}


def options(name: str) -> dict[str, Any]:
    """The parameters of a command that decide what it does."""
    return {
        option.name: option
        for option in COMMANDS[name].params
        if option.name not in OF_THE_COMMAND_LINE and (name, option.name) not in ELSEWHERE
    }


def parameters(name: str) -> dict[str, inspect.Parameter]:
    """The parameters of a command's method that decide what it does."""
    signature = dict(inspect.signature(METHODS[name]).parameters)
    if signature.pop("filters", None):
        signature |= CONDITIONS
    ignored = OF_PYTHON | {key for command, key in ONLY_IN_PYTHON if command == name}
    return {key: parameter for key, parameter in signature.items() if key not in ignored}


def owner_of(name: str, work: Workspace) -> list[Any]:
    """What a command's method is called on: the workspace, its database or its versions; nothing for a function."""
    owners = {
        "LandslideDatabase": work.database,
        "ModelVersions": work.models,
        "PublicData": data,
        "compare_inventories": None,
    }
    owner = owners.get(METHODS[name].__qualname__.split(".")[0], work)
    return [] if owner is None else [owner]


def test_every_command_has_a_method() -> None:
    assert {name for name in COMMANDS if name.split()[0] not in WITHOUT_METHOD} - SEVERAL_METHODS == set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_options_of_its_command(name: str) -> None:
    assert list(parameters(name)) == list(options(name))
    for key, parameter in parameters(name).items():
        option = options(name)[key]
        by_position = option.param_type_name == "argument"
        assert (parameter.kind is not parameter.KEYWORD_ONLY) == (by_position or (name, key) in BY_POSITION_TOO), key
        if (name, key) in ALWAYS_WRITTEN:
            continue
        assert (parameter.default is parameter.empty) == option.required, key
        if not option.required:
            default = OTHER_FORM.get((name, key), option.default)
            assert (parameter.default, type(parameter.default)) == (default, type(default)), key


def test_an_estimate_takes_the_options_of_the_update() -> None:
    of_update, of_estimate = (
        {key: parameter.default for key, parameter in inspect.signature(method).parameters.items()}
        for method in (Workspace.update, Workspace.estimate_update)
    )
    assert {key: of_update[key] for key in of_estimate} == of_estimate
    assert of_update.keys() - of_estimate.keys() == {"keep_validation", "cluster"}  # which change no training


def call(name: str, key: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a command hands to its method, with nothing but what it needs, or with one more option."""
    words = name.split()
    for option in options(name).values():
        flag = [] if option.param_type_name == "argument" else [option.opts[0]]
        if option.required or option.name == key:
            words += flag if takes(bool, option) else [*flag, value_of(option)]
    if any(option.name == "workspace" for option in COMMANDS[name].params):
        words += ["--workspace", str(Workspace(folder).folder.root)]
    words += [value_of(option) for option in COMMANDS[name].params if (name, option.name) == ("db copy", "source")]
    method, calls = METHODS[name], []
    signature = inspect.Signature([*parameters(name).values()])

    def record(*arguments: Any, **keywords: Any) -> MagicMock:
        keywords.pop("display", None)
        bound = signature.bind(*arguments, **keywords)
        bound.apply_defaults()
        calls.append(bound.arguments)
        return MagicMock()

    owner, _, attribute = method.__qualname__.rpartition(".")
    holder = getattr(sys.modules[method.__module__], owner) if owner else sys.modules["tsmu.workspace"]
    monkeypatch.setattr(holder, attribute, staticmethod(record) if owner else record)
    monkeypatch.setattr(LandslideDatabase, "reviews", MagicMock())  # `tsmu db history` shows them, too
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert len(calls) == 1
    return calls[0]


NUMBERS = [
    (name, key)
    for name in METHODS
    for key, option in options(name).items()
    if takes(int, option) or takes(float, option)
]


@pytest.mark.parametrize(("name", "key"), NUMBERS)
def test_a_method_refuses_the_numbers_that_its_command_refuses(name: str, key: str, tmp_path: Path) -> None:
    option = options(name)[key]
    needed = [parameter.name for parameter in parameters(name).values() if parameter.default is parameter.empty]
    for number in (option.min - 0.5, *([] if option.max is None else [option.max + 1]), float("nan")):
        with pytest.raises(TsmuError, match=f"^`{key}={number}`: (must be a finite number|is read as)"):
            METHODS[name](*owner_of(name, Workspace(tmp_path)), **dict.fromkeys(needed, "x") | {key: number})


def value_of(option: Any) -> str:
    """A value that an option takes and does not have by default."""
    if option.name in TEXTS:
        return TEXTS[option.name]
    return str(int(option.min) + 7) if takes(int, option) or takes(float, option) else "x"


@pytest.mark.parametrize("name", METHODS)
def test_a_command_without_options_leaves_the_defaults_of_its_method(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = call(name, None, tmp_path, monkeypatch)
    for key, parameter in parameters(name).items():
        if parameter.default is not parameter.empty and (name, key) not in ALWAYS_WRITTEN:
            default = parameter.default
            form = (
                type(default)
                if isinstance(default, tuple | list)
                else Path
                if key == "folder" and default
                else lambda x: x
            )
            assert form(handed[key] or default) == form(default), key


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name in METHODS for key, option in options(name).items() if not option.required]
)
def test_every_option_reaches_the_method(name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(name, key, tmp_path, monkeypatch)[key] != parameters(name)[key].default
