"""Maps one small scene after the other with `tsmu map`, each in a process of its own, for some time.

Words: the workspace, for how many seconds, and the JSON file to write: the scenes that were mapped, and what was said
of the others.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from rasterio.transform import from_origin

from tests.conftest import write_raster
from tests.workspace.learned.conftest import PLACE, scene_pixels


def map_scenes(root: Path, until: float) -> tuple[list[str], list[str]]:
    """Map one scene after the other by its change; the names of those in the database, and what was said otherwise."""
    mapped, failed, number = [], [], 0
    while time.monotonic() < until or not mapped:
        place = PLACE | {"transform": from_origin(500_000 + 2_000 * number, 5_000_000, 10, 10)}
        post = write_raster(root / "scenes" / f"post{number}.tif", scene_pixels(80, 120, seed=number), **place)
        pre = write_raster(root / "scenes" / f"pre{number}.tif", scene_pixels(80, 120, seed=99).clip(0, 130), **place)
        done = subprocess.run(
            [sys.executable, "-m", "tsmu", "map", post, "--pre", pre, "--by", "change", "--name", f"s{number}",
             "--workspace", root, "--json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        (mapped if done.returncode in (0, 3) else failed).append(f"s{number}" if not done.returncode else done.stderr)
        number += 1
    return mapped, failed


if __name__ == "__main__":
    workspace, seconds, answer = sys.argv[1:]
    result = map_scenes(Path(workspace), time.monotonic() + float(seconds))
    Path(answer).write_text(json.dumps(result))
