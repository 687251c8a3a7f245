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
from tsmu.cli import app
from tsmu.errors import TsmuError
from tsmu.workspace import Workspace

METHODS: dict[str, Callable[..., Any]] = {
    "init": Workspace.init,
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
}
OTHER_GROUPS = {"update", "models", "evaluate", "map", "serve", "db", "demo", "benchmark"}  # in learned/test_options.py

OTHER_FORM: dict[tuple[str, str], Any] = {  # defaults that Python says in another form than the command line
    ("init", "folder"): ".",
    ("fetch pairs", "assets"): ("red", "green", "blue"),
}
TEXTS = {"columns": "date=When", "classes": "slide=1"}  # values of options whose text must be of some form

OF_THE_COMMAND_LINE = {"workspace", "as_json"}
OF_PYTHON = {"self", "display"}


def options(name: str) -> dict[str, Any]:
    """The parameters of a command that decide what it does."""
    return {option.name: option for option in COMMANDS[name].params if option.name not in OF_THE_COMMAND_LINE}


def parameters(name: str) -> dict[str, inspect.Parameter]:
    """The parameters of a command's method that decide what it does."""
    signature = inspect.signature(METHODS[name])
    return {key: parameter for key, parameter in signature.parameters.items() if key not in OF_PYTHON}


def test_every_command_has_a_method() -> None:
    assert {name for name in COMMANDS if name.split()[0] not in OTHER_GROUPS} <= set(METHODS)
    assert set(METHODS) <= set(COMMANDS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_options_of_its_command(name: str) -> None:
    assert list(parameters(name)) == list(options(name))
    for key, parameter in parameters(name).items():
        option = options(name)[key]
        by_position = option.param_type_name == "argument"
        assert (parameter.kind is not parameter.KEYWORD_ONLY) == by_position, key
        assert (parameter.default is parameter.empty) == option.required, key
        if not option.required:
            default = OTHER_FORM.get((name, key), option.default)
            assert (parameter.default, type(parameter.default)) == (default, type(default)), key


def call(name: str, key: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a command hands to its method, with nothing but what it needs, or with one more option."""
    words = name.split()
    for option in options(name).values():
        flag = [] if option.param_type_name == "argument" else [option.opts[0]]
        if option.required or option.name == key:
            words += flag if takes(bool, option) else [*flag, value_of(option)]
    if name != "init":
        words += ["--workspace", str(Workspace(folder).folder.root)]
    method, calls = METHODS[name], []
    signature = inspect.Signature([*parameters(name).values()])

    def record(*arguments: Any, **keywords: Any) -> MagicMock:
        keywords.pop("display", None)
        bound = signature.bind(*arguments, **keywords)
        bound.apply_defaults()
        calls.append(bound.arguments)
        return MagicMock()

    owner = getattr(sys.modules[method.__module__], method.__qualname__.split(".")[0])
    monkeypatch.setattr(owner, method.__name__, staticmethod(record))
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
        with pytest.raises(TsmuError, match=f"^`{key}={number}`: must be a finite number"):
            METHODS[name](Workspace(tmp_path), **dict.fromkeys(needed, "x") | {key: number})


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
        if parameter.default is not parameter.empty:
            default = parameter.default
            form = type(default) if isinstance(default, tuple | list) else Path if key == "folder" else lambda x: x
            assert form(handed[key] or default) == form(default), key


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name in METHODS for key, option in options(name).items() if not option.required]
)
def test_every_option_reaches_the_method(name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(name, key, tmp_path, monkeypatch)[key] != parameters(name)[key].default
