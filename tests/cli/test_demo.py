"""The demo: the whole way by the commands a user types."""

import json
from functools import partial
from pathlib import Path

import pyogrio
import pytest
import rasterio

from tests.conftest import Tsmu
from tsmu import synthetic


def test_it_goes_from_chips_to_database(tmp_path: Path, tsmu: Tsmu, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a world of fewer and smaller chips than a user gets."""
    small = partial(synthetic.write_world, chips=16, chip_size=32, scene_size=192)
    monkeypatch.setattr(synthetic, "write_world", small)
    done = tsmu("demo", tmp_path / "demo", "--steps", 3)
    assert done.returncode == 0, done.stderr
    space = tmp_path / "demo" / "tsmu"
    assert (space / "report.html").stat().st_size > 10_000
    with rasterio.open(space / "maps" / "eastern_forests" / "probability.tif") as dataset:
        assert dataset.crs.is_projected
    assert set(pyogrio.read_dataframe(space / "landslides.gpkg", layer="landslide")["region"]) <= {"eastern_forests"}
    assert "$ tsmu update north_deserts" in done.stdout
    assert "tsmu import chips FOLDER" in done.stdout
    assert json.loads((space / "report.json").read_text())["regions"][0] == "eastern_forests"
    again = tsmu("demo", tmp_path / "demo", "--steps", 3)
    assert again.returncode == 2
    assert "Traceback" not in again.stderr


def test_the_data_of_the_tutorials_alone(tmp_path: Path, tsmu: Tsmu, monkeypatch: pytest.MonkeyPatch) -> None:
    small = partial(synthetic.write_practice, chips=4, chip_size=32, pairs=4, pair_size=64, scene_size=64)
    monkeypatch.setattr(synthetic, "write_practice", small)
    done = tsmu("demo", tmp_path / "practice", "--data-only")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Made-up data in {tmp_path / 'practice'}: ")
    assert {path.name for path in (tmp_path / "practice").iterdir()} >= {"screenshots", "inventory.csv", "catalogue"}
    again = tsmu("demo", tmp_path / "practice", "--data-only")
    assert again.returncode == 2
    assert "exists already" in again.stderr


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_fine_tuning_forgets_and_the_update_does_not(tmp_path: Path, tsmu_process: Tsmu) -> None:
    done = tsmu_process("demo", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    assert "NOT AS PROMISED" not in done.stdout
