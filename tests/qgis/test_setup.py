"""Where tsmu is missing, broken or too old the plugin says what to do; and it makes an environment, here offline."""

import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.qgis.conftest import InQgis, finish
from tsmu import __version__

PROGRAMS = {
    "broken": "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'tsmu'\" >&2\nexit 1\n",
    "old": "#!/bin/sh\necho tsmu 0.0.9\n",
    "ancient": "#!/bin/sh\necho 'Error: No such option: --version' >&2\nexit 2\n",
    "good": f"#!/bin/sh\necho tsmu {__version__}\n",
}
TO_DO = "Plugins > tsmu > Settings"


def write_wheel(folder: Path) -> None:
    """Write a package named tsmu, as small as can be, whose program prints a version."""
    info = f"tsmu-{__version__}.dist-info"
    files = {
        "tsmu/__init__.py": f"def main():\n    print('tsmu {__version__}')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tsmu\nVersion: {__version__}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntsmu = tsmu:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"tsmu-{__version__}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)


@pytest.fixture(scope="module")
def seen(start_in_qgis: InQgis, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the plugin said."""
    folder = tmp_path_factory.mktemp("setup")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    write_wheel(folder)
    python = str(Path(sys.executable).resolve())
    profile = tmp_path_factory.mktemp("profile")
    process = start_in_qgis(
        Path(__file__).parent / "setup_driver.py", folder, python, folder / "seen.json",
        QGIS_CUSTOM_CONFIG_PATH=str(profile), HOME=str(profile),
    )  # fmt: skip
    answer: dict[str, Any] = finish(process, folder / "seen.json")
    if pictures := os.environ.get("TSMU_PICTURES"):
        shutil.copy(folder / "settings.png", pictures)
    return answer


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("missing", "no such program"), ("broken", "does not run (ModuleNotFoundError: No module named 'tsmu')"),
        ("old", "tsmu 0.0.9 is too old"), ("ancient", "tsmu ? is too old"), ("nowhere", "tsmu is not installed"),
    ],
)  # fmt: skip
def test_a_program_that_does_not_fit_is_one_line_that_says_what_to_do(
    seen: dict[str, Any], program: str, says: str
) -> None:
    line = seen["lines"][program]
    assert says in line and TO_DO in line and "\n" not in line


def test_a_program_that_fits_is_taken(seen: dict[str, Any]) -> None:
    assert seen["lines"]["good"].startswith("ready: ")
    assert seen["dialog"].startswith("tsmu is not installed")
    assert seen["package"] == f"tsmu=={__version__}"


def test_an_environment_is_made_offline_and_used(seen: dict[str, Any]) -> None:
    made = seen["made"]
    assert (made["ended"], made["version"]) == ("completed", __version__), made
    assert made["progress"] == sorted(made["progress"]) and made["progress"][-1] == 100
    assert seen["found"] and seen["after"].startswith("ready: ")


def test_what_fails_or_is_cancelled_changes_nothing(seen: dict[str, Any]) -> None:
    assert seen["failed"]["ended"] == "terminated" and "nothing.whl" in seen["failed"]["error"]
    assert not seen["exists_after_failure"]
    assert seen["cancelled"]["ended"] == "terminated"
    assert seen["cancelled"]["error"] == "cancelled; nothing was changed"
    assert seen["stays"]
