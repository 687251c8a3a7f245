"""Build the review page whenever a wheel is built; an editable checkout gets it from `make`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):
    """Runs web/build.py with the Node among the build requirements."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling calls it so
        """Build the page before the files of the wheel are gathered."""
        if version != "editable":
            subprocess.run([sys.executable, Path(self.root) / "web" / "build.py"], check=True)
