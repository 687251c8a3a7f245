"""What all tests share: the real data, and how a missing part is reported."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


def require(present: bool, what: str) -> None:
    """Skip, naming what is missing; fail instead where TSMU_REQUIRE=all says it must be there."""
    if not present:
        if os.environ.get("TSMU_REQUIRE") == "all":
            pytest.fail(f"missing, though TSMU_REQUIRE=all: {what}")
        pytest.skip(f"left out, missing: {what}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real test data, beside the repository."""
    require(SHARED_DATA.is_dir(), "real data in ../shared/data")
    return SHARED_DATA
