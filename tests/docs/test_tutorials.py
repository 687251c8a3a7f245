"""The tutorials: every code block of every page runs, in the order of the page, and prints what the page says.

One after the other in one folder, because later pages go on with what earlier ones made.
"""

from pathlib import Path
from typing import Any

import pytest

from docs.scripts.review import review
from docs.scripts.tutorials import TUTORIALS, PageRunner, read_blocks
from tsmu.synthetic import write_practice


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> PageRunner:
    """One folder for all pages, with the data that `tsmu demo --data-only` writes."""
    folder = tmp_path_factory.mktemp("tutorials")
    write_practice(folder / "practice")
    return PageRunner(folder, while_serving=lambda _, address: review(browser, address))


HEAVY = "10_many_machines"  # processes that each load torch anew: `make soak` runs it with all others
LIGHT = [page for page in TUTORIALS if page.stem != HEAVY]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", LIGHT, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page: Path, runner: PageRunner) -> None:
    runner.run(page)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_tutorials_do_what_they_say_with_all_their_steps(tmp_path: Path, browser: Any) -> None:
    write_practice(tmp_path / "practice")
    whole = PageRunner(tmp_path, quick=False, while_serving=lambda _, address: review(browser, address))
    for page in TUTORIALS:
        whole.run(page)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_shows_pictures_and_runs_most_of_what_it_shows(page: Path) -> None:
    """Only a cluster, another program or the internet are excuses for a block that is not run."""
    text = page.read_text(encoding="utf-8")
    languages = [block.language for block in read_blocks(page)]
    assert "![" in text, "no picture"
    assert languages.count("sh") + languages.count("python") >= 2
    assert languages.count("console") <= (4 if "cluster" in text else 2)
