"""Runs the code blocks of a page in the order of the page, as a reader would, and compares what they print.

Fenced blocks are told apart by their language:

    sh        commands, one a line; `cd` holds for the rest of the page, and `tsmu serve` runs until the page ends
    python    Python, in one namespace for the whole page
    text      what the block before it prints: its lines, in order; `...` stands for anything
    console   is not run: it needs the internet, another machine, or a window

A command must end with exit code 0 or 3, unless what it is said to print begins with `tsmu: `, as refusals do.
"""

import io
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("[0-9]*.md"))
"""The pages, in the order in which they build on each other."""

QUICK = {  # options with which commands are run where nobody waits for a model that is any good
    "update": (("--steps", "2"), ("--batch-size", "2")),
    "map": (("--engine", "torch"),),
}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which it begins."""

    language: str
    text: str
    line: int


def read_blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, those in lists and notes included."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    fences = [token for token in tokens if token.type == "fence"]
    return [Block(token.info.strip().split(" ")[0], token.content, (token.map or [0])[0] + 1) for token in fences]


class PageError(AssertionError):
    """A block does not do what its page says."""


@dataclass
class PageRunner:
    """Runs pages in one folder, so that later pages find what earlier ones made.

    Attributes:
        folder: where every page begins.
        quick: whether trainings are cut to two steps.
        while_serving: called with the page's name and the address of a review server that a page started, for what a
            reader does there.
    """

    folder: Path
    quick: bool = True
    while_serving: Callable[[str, str], None] | None = None
    _codes: list[int] = field(default_factory=list)

    def run(self, page: Path) -> None:
        """Run the blocks of a page.

        Raises:
            PageError: a block fails, or prints something else than the page says.
        """
        here, names, printed = self.folder, {"__name__": "__main__"}, ""
        with ExitStack() as servers:
            blocks = read_blocks(page)
            for block, after in zip(blocks, [*blocks[1:], None], strict=True):
                where = f"{page.name}, line {block.line}"
                says = after.text if after and after.language == "text" else ""
                if block.language == "sh":
                    here, printed = self._shell(block.text, here, page.stem, servers)
                    refused = says.startswith("tsmu: ")
                    if not set(self._codes) <= ({0, 2, 3} if refused else {0, 3}):
                        raise PageError(f"{where}: exit codes {self._codes}\n{printed}")
                elif block.language == "python":
                    printed = _python(block.text, here, names, where)
                elif block.language == "text":
                    _compare(block.text, printed, where)
                elif block.language not in ("console", "toml", "json"):
                    raise PageError(f"{where}: a block of language {block.language!r}")

    def _shell(self, text: str, here: Path, name: str, servers: ExitStack) -> tuple[Path, str]:
        """Run commands; the folder afterwards, and what they printed."""
        self._codes, printed = [], ""
        for line in re.sub(r"\\\n\s*", "", text).splitlines():
            words = shlex.split(line, comments=True)
            if not words:
                continue
            if words[0] == "cd":
                here = (here / words[1]).resolve(strict=True)
            elif words[:2] == ["tsmu", "serve"]:
                address = servers.enter_context(serving(words[2:], here))
                if self.while_serving:
                    self.while_serving(name, address)
            elif words[0] == "tsmu":
                code, output = _tsmu(self._shortened(words), here)
                self._codes.append(code)
                printed += output
            else:
                done = subprocess.run(["bash", "-c", line], cwd=here, capture_output=True, text=True, check=False)
                self._codes.append(done.returncode)
                printed += done.stdout + done.stderr
        return here, printed

    def _shortened(self, words: list[str]) -> list[str]:
        """A command as it is run: where it is quick, with fewer steps and without preparing a faster engine."""
        for option, value in QUICK.get(words[1], ()) if self.quick else ():
            if option in words:
                words[words.index(option) + 1] = value
            else:
                words += [option, value]
        return words


def _tsmu(words: list[str], here: Path) -> tuple[int, str]:
    """Run a command of tsmu in this process: loading torch and GDAL anew takes longer than most of them."""
    from tsmu.cli import main

    outlet = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    former, sys.argv = sys.argv, words
    code: Any = 0
    try:
        with chdir(here), redirect_stdout(outlet), redirect_stderr(outlet):
            main()
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.argv = former
    outlet.flush()
    return int(code), outlet.buffer.getvalue().decode()


def _python(code: str, here: Path, names: dict[str, Any], where: str) -> str:
    """Run Python in a page's namespace; what it printed."""
    outlet = io.StringIO()
    try:
        with chdir(here), redirect_stdout(outlet):
            exec(compile(code, where, "exec"), names)
    except Exception as error:
        raise PageError(f"{where}: {type(error).__name__}: {error}") from error
    return outlet.getvalue()


def _compare(says: str, printed: str, where: str) -> None:
    """Every line that the page shows must be printed, in that order."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    for expected in says.splitlines():
        words = " ".join(expected.split())
        if words in ("", "..."):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in re.split(r" ?\.\.\. ?", words)))
        if not any(pattern.fullmatch(line) for line in lines):
            raise PageError(f"{where}: {words!r} is not printed, or not in this order; what is:\n{printed}")


@contextmanager
def serving(options: list[str], here: Path) -> Iterator[str]:
    """A review server in a process of its own, on a port that is free; it answers."""
    words = [sys.executable, "-m", "tsmu", "serve", *options, "--port", "0"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(words, cwd=here, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0].rstrip("/")
        with urllib.request.urlopen(f"{address}/api/info", timeout=60) as answer:
            json.load(answer)
        yield address
    finally:
        process.terminate()
        process.wait(30)
