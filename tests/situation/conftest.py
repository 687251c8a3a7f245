"""The made-up event and its report."""

import pytest

from tests.situation.made_situation import make_situation
from tsmu.situation import ReportFiles, Situation, write_report


@pytest.fixture(scope="session")
def situation(tmp_path_factory: pytest.TempPathFactory) -> Situation:
    return make_situation(tmp_path_factory.mktemp("event"))


@pytest.fixture(scope="session")
def report(situation: Situation, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write_report(situation, tmp_path_factory.mktemp("reports") / "report")
