"""`tsmu update`: what the first region's encoder starts from, and for how long a training goes on."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Tsmu, write_raster
from tests.networks import NETWORK_OPTIONS
from tsmu.update.training import settings as training


@pytest.fixture
def survey(tmp_path: Path, bright_chips: Path, tsmu: Tsmu) -> Path:
    """A workspace with the chips of one region."""
    space = tmp_path / "survey"
    assert tsmu("init", space).returncode == 0
    assert tsmu("import", "chips", bright_chips, "--region", "alps", "--workspace", space).returncode == 0
    return space


def one_line(refused: "subprocess.CompletedProcess[str]") -> str:
    """The one line by which a command says why it was not done, which may follow a progress bar."""
    assert refused.returncode == 2, refused.stderr
    (line,) = [line for line in refused.stderr.splitlines() if line.strip() and not line.startswith("Learning")]
    return line


def test_a_new_workspace_starts_from_pretrained_weights_and_says_which(survey: Path, tsmu: Tsmu) -> None:
    done = tsmu("update", "alps", "--steps", 2, "--batch-size", 2, "--workspace", survey)
    assert done.returncode == 0, done.stderr
    assert "Encoder timm-tf_efficientnet_lite0, started from ImageNet, from the package" in done.stdout
    assert "chips: the mean of eight views, tsmu map --tta, is better than one view" in done.stdout
    assert "warning" not in done.stdout
    record = json.loads((survey / "models" / "v001" / "bundle.json").read_text())["properties"]["tsmu:bundle"]
    assert (record["weights"], len(record["weights_digest"])) == ("imagenet", 64)
    assert "started from: ImageNet" in (survey / "models" / "v001" / "card.md").read_text()
    other = tsmu("update", "alps", "--weights", "none", "--workspace", survey)
    assert (other.returncode, "began with weights imagenet, asked for none" in other.stderr) == (2, True)


def test_random_weights_that_nobody_asked_for_are_announced(survey: Path, tsmu: Tsmu) -> None:
    options = ("--encoder", "tu-test_resnet", "--steps", 2, "--batch-size", 2, "--workspace", survey)
    done = tsmu("update", "alps", *options)
    first = done.stdout.splitlines()[0]
    assert first.startswith(
        "warning: this machine has no pretrained weights for tu-test_resnet, so it starts from rand"
    )


def test_validation_chips_choose_the_number_of_steps(survey: Path, tsmu: Tsmu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "AUTO_STEPS", 2)
    monkeypatch.setattr(training, "AUTO_ROUNDS", 3)
    options = ("--batch-size", 2, *NETWORK_OPTIONS, "--workspace", survey)
    done = tsmu("update", "alps", "--steps", "auto", "--json", *options)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"] in (2, 4, 6)
    assert found["rounds"] == 3
    assert "chosen by validation" in (survey / "models" / "v001" / "card.md").read_text()
    for wrong in ("one", "1", "-5"):
        refused = tsmu("update", "alps", f"--steps={wrong}", *options)
        assert f"--steps {wrong}: must be a number of at least 2, or auto" in one_line(refused)


def test_a_region_without_validation_chips_neither_chooses_steps_nor_stops_later_updates(
    tmp_path: Path, bright_chips: Path, dark_chips: Path, tsmu: Tsmu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "AUTO_STEPS", 2)
    space = tmp_path / "survey"
    assert tsmu("init", space).returncode == 0
    for kind in ("images", "masks"):
        (tmp_path / "two" / kind).mkdir(parents=True)
        for number in range(2):
            shutil.copy(bright_chips / kind / f"chip_{number}.png", tmp_path / "two" / kind)
    for region, chips in (("two", tmp_path / "two"), ("andes", dark_chips)):
        assert tsmu("import", "chips", chips, "--region", region, "--workspace", space).returncode == 0
    options = ("--batch-size", 2, *NETWORK_OPTIONS, "--workspace", space)
    done = tsmu("update", "two", "--steps", "auto", *options)
    assert done.returncode == 0, done.stderr
    assert "Steps: 2; there are no validation chips to choose by" in done.stdout
    assert "chosen by validation" not in (space / "models" / "v001" / "card.md").read_text()
    assert tsmu("update", "andes", "--steps", 2, *options).returncode == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--weights", "missing.safetensors"), "missing.safetensors: no such file of weights"),
        (("--encoder", "nonsense"), "encoder nonsense: not known"),
        (("--encoder", "tu-test_resnet", "--weights", "half.pth"), "half.pth: cannot be read as weights"),
    ],
)
def test_weights_that_cannot_be_had_are_one_line_and_nothing_is_written(
    survey: Path, tsmu: Tsmu, options: tuple[str, ...], told: str
) -> None:
    (survey / "half.pth").write_bytes(b"PK\x03\x04 no more of it")
    done = tsmu("update", "alps", "--steps", 2, *options, cwd=survey)
    assert told in one_line(done)
    assert not (survey / "models").exists()
    assert not list(survey.glob("runs/*"))


def test_bands_without_names_are_refused_before_anything_is_written(tmp_path: Path, tsmu: Tsmu) -> None:
    random = np.random.default_rng(0)
    for number in range(6):
        pixels = random.integers(0, 200, (4, 32, 32), dtype=np.uint16)
        write_raster(tmp_path / "chips" / "images" / f"{number}.tif", pixels, photometric="minisblack")
        mask = np.zeros((32, 32), np.uint8)
        mask[8:16, 8:16] = 1
        write_raster(tmp_path / "chips" / "masks" / f"{number}.tif", mask)
    space = tmp_path / "survey"
    assert tsmu("init", space).returncode == 0
    assert tsmu("import", "chips", tmp_path / "chips", "--region", "alps", "--workspace", space).returncode == 0
    done = tsmu("update", "alps", "--steps", 2, "--workspace", space)
    assert "without names nothing says which of them is red, green or blue" in one_line(done)
    assert not (space / "models").exists()
    assert tsmu("update", "alps", "--steps", 2, *NETWORK_OPTIONS, "--workspace", space).returncode == 0
