"""What all pages say is there: commands and their options, and figures of the results that are stored."""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from docs.scripts import figures
from docs.scripts.tutorials import ROOT
from tsmu.cli import app
from tsmu.workspace.next_steps import FIRST_STEPS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LARGEST_PICTURE = 150_000  # bytes


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every line of a page, in a block or in backticks, that begins with tsmu and a command."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^(?: {4}|\t)?(?:\s*)(tsmu [a-z].*)$", text, re.MULTILINE) + re.findall(
        r"`(tsmu [a-z][^`\n]*)`", text
    )
    for line in lines:
        for part in re.split(r"\s&&\s|\s\|\s", line.split(" #")[0]):
            try:
                words = shlex.split(part)
            except ValueError:  # an apostrophe of plain text
                continue
            if words and words[0] == "tsmu":
                yield words[1:]


@cache
def application() -> Any:
    """The commands of tsmu, with what they take."""
    return typer.main.get_command(app)


def unknown(words: list[str]) -> str | None:
    """What in a command line the application does not know."""
    command = application()
    while getattr(command, "commands", None):
        if not words or not re.fullmatch("[a-z][a-z-]*", words[0]):
            return None  # a group by its name alone, as in `tsmu db ...`
        if words[0] not in command.commands:
            return words[0]
        command, words = command.commands[words[0]], words[1:]
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
    return next((w for w in words if re.match("--[a-z]", w) and w.split("=")[0].rstrip(",.;") not in options), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_and_options_exist(page: Path) -> None:
    wrong = {" ".join(words): found for words in commands(page) if (found := unknown(list(words)))}
    assert not wrong


def test_an_unknown_option_is_noticed() -> None:
    assert unknown(["map", "post.tif", "--pree", "pre.tif"]) == "--pree"
    assert unknown(["maps"]) == "maps"
    assert unknown(["db", "query", "--bbox", "7,46,8,47"]) is None


def test_the_first_steps_that_a_new_workspace_names_exist() -> None:
    assert [found for step in FIRST_STEPS.values() if (found := unknown(shlex.split(step)[1:]))] == []


def test_figures_are_of_the_stored_results() -> None:
    drawn = json.loads((figures.TARGET / "sources.json").read_text(encoding="utf-8"))
    assert drawn == figures.digests(), "draw them anew: python -m docs.scripts.figures"


def test_pictures_are_small() -> None:
    pictures = [p for folder in ("tutorials/pictures", "figures") for p in (ROOT / "docs" / folder).glob("*.[jp][pn]g")]
    assert pictures
    assert {p.name: p.stat().st_size for p in pictures if p.stat().st_size > LARGEST_PICTURE} == {}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900
