"""Which `tsmu` is run, and whether it fits this plugin."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

from qgis.core import QgsApplication

from .. import settings
from ..translation import tr
from .environment import child_environment, creation_flags

MINIMUM_VERSION = "0.1.0"  # the first one with --version and TSMU_PROGRESS
LONGEST_CHECK_S = 120  # a first start on a slow disk

_checked: dict[tuple[str, int], str] = {}  # versions by program and the moment when its file was changed


class ProgramError(Exception):
    """There is no `tsmu` that can be run; the text is one line that says what to do."""


def plugin_version() -> str:
    """The version of this plugin, from its metadata."""
    metadata = ConfigParser(interpolation=None)
    metadata.read(Path(__file__).parents[1] / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


def own_environment() -> Path:
    """The folder of the environment that the plugin makes; it belongs to the user's profile."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "tsmu" / "environment"


def script_in(environment: Path, name: str) -> Path:
    """A program of a Python environment, on any system."""
    return environment / "Scripts" / f"{name}.exe" if os.name == "nt" else environment / "bin" / name


def find_program() -> str:
    """The path of the `tsmu` to run: the one that was pointed to, the plugin's own, or the one on the PATH.

    Raises:
        ProgramError: there is none.
    """
    chosen = settings.program()
    if chosen:
        if Path(chosen).is_dir():
            chosen = str(script_in(Path(chosen), "tsmu"))
        if shutil.which(chosen) is None:
            raise ProgramError(
                tr(
                    "{path}: no such program; choose another in Plugins > tsmu > Settings, or set it up there",
                    path=chosen,
                )
            )
        return chosen
    own = script_in(own_environment(), "tsmu")
    found = str(own) if own.is_file() else shutil.which("tsmu")
    if not found:
        raise ProgramError(
            tr("tsmu is not installed: open Plugins > tsmu > Settings, and press Set up tsmu or point to yours")
        )
    return found


def checked_program() -> str:
    """The path of a `tsmu` that runs and is new enough.

    Raises:
        ProgramError: it is missing, broken or too old.
    """
    found = find_program()
    version_of(found)
    return found


def version_of(found: str) -> str:
    """The version of a `tsmu`; asked once as long as its file stays the same.

    Raises:
        ProgramError: it is broken or too old.
    """
    path = shutil.which(found) or found
    key = (path, Path(path).stat().st_mtime_ns)
    if key not in _checked:
        _checked[key] = _ask_version(path)
    return _checked[key]


def _ask_version(path: str) -> str:
    try:
        done = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8",
            errors="replace", timeout=LONGEST_CHECK_S, check=False, env=child_environment(),
            creationflags=creation_flags(),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise ProgramError(_broken(path, str(error))) from None
    answer = re.fullmatch(r"tsmu (\d+(?:\.\d+)*)\S*", done.stdout.strip())
    if answer and _numbers(answer[1]) >= _numbers(MINIMUM_VERSION):
        return answer[1]
    if answer or "--version" in done.stderr:  # the first versions had no such option
        return _too_old(path, answer[1] if answer else "?")
    lines = done.stderr.strip().splitlines() or [tr("it says nothing")]
    raise ProgramError(_broken(path, lines[-1]))


def _too_old(path: str, version: str) -> str:
    raise ProgramError(
        tr(
            "{path}: tsmu {version} is too old for this plugin, which needs {minimum}; press Set up tsmu in "
            "Plugins > tsmu > Settings, or update it with pip",
            path=path,
            version=version,
            minimum=MINIMUM_VERSION,
        )
    )


def _broken(path: str, reason: str) -> str:
    return tr(
        "{path}: tsmu does not run ({reason}); press Set up tsmu in Plugins > tsmu > Settings, or mend it",
        path=path, reason=reason,
    )  # fmt: skip


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
