"""A folder for images, and servers that are waited for shortly."""

from pathlib import Path

import pytest

from tsmu.imagery.stac import catalogue, retry, scene_reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait hundredths of seconds, not seconds."""
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(catalogue, "RETRY", catalogue.RETRY.new(backoff_factor=0.01))
    monkeypatch.setitem(scene_reader.HTTP_OPTIONS, "GDAL_HTTP_RETRY_DELAY", 0.01)
