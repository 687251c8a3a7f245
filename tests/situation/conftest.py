"""The made-up event, its report, and a browser."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import require
from tests.situation.made_situation import make_situation
from tsmu.situation import ReportFiles, Situation, write_report

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="session")
def situation(tmp_path_factory: pytest.TempPathFactory) -> Situation:
    return make_situation(tmp_path_factory.mktemp("event"))


@pytest.fixture(scope="session")
def report(situation: Situation, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write_report(situation, tmp_path_factory.mktemp("reports") / "report")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    require(CHROMIUM is not None, "a browser for the page (Debian: chromium)")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()
