"""Put the review page into every wheel and sdist; an editable checkout gets it from `make`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("src/tsmu/server/page/index.html")


class PageHook(BuildHookInterface):
    """Runs web/build.py with the Node among the build requirements."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling calls it so
        """Build the page before files are gathered, unless it is newer than its sources, as it is in an sdist."""
        root = Path(self.root)
        if version != "editable" and _is_stale(root / PAGE, root / "web"):
            subprocess.run([sys.executable, root / "web" / "build.py"], check=True)


def _is_stale(page: Path, sources: Path) -> bool:
    """Whether the page is missing, or older than a file that it is made of."""
    files = [path for path in sources.rglob("*") if path.is_file() and "node_modules" not in path.parts]
    return not page.exists() or page.stat().st_mtime < max((path.stat().st_mtime for path in files), default=0.0)
