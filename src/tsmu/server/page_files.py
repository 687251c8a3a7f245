"""Serve the files of the built review page, and say how long a browser may keep each of them."""

import os
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

HASHED_FOLDER = "assets"  # files in this folder have a hash of their content in their names
KEEP_FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"  # the browser keeps the file, but asks each time whether it has changed


class PageFiles(StaticFiles):
    """Serves the page; a browser keeps files with a hash in their names for ever, and revalidates all others.

    Args:
        folder: the folder of the built page.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True)
        self._hashed = folder.resolve() / HASHED_FOLDER

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Answer with a file of the page, or with status 304 if the browser has the same file already."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        is_hashed = Path(full_path).is_relative_to(self._hashed)
        response.headers["Cache-Control"] = KEEP_FOR_EVER if is_hashed else ASK_EACH_TIME
        return response
