"""Composes the made event in processes of its own, which a test kills.

Everything is imported once; each line on standard input, `FOLDER URL`, makes one more process, whose number is printed.
When it has ended, its exit code is printed.
"""

import os
import sys
from pathlib import Path

from tests.imagery.made_event import AREA, DAY
from tsmu.imagery import AreaOfInterest, CompositeOptions, compose_event
from tsmu.imagery.composites import zone_tiles
from tsmu.imagery.stac import catalogue, retry, scene_reader
from tsmu.issues import IssueLog

TILE_SIDE = 128


def compose(folder: Path, url: str) -> None:
    area = AreaOfInterest.from_box(*AREA)
    compose_event(area, DAY, CompositeOptions(url, "scenes", workers=2), folder, IssueLog("event"))


def main() -> None:
    zone_tiles.TILE_SIDES = (TILE_SIDE,)  # type: ignore[assignment]
    retry.FIRST_WAIT = 0.01
    catalogue.RETRY = catalogue.RETRY.new(backoff_factor=0.01)
    scene_reader.HTTP_OPTIONS["GDAL_HTTP_RETRY_DELAY"] = 0.01
    for line in sys.stdin:
        folder, url = line.split()
        child = os.fork()
        if child == 0:
            compose(Path(folder), url)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
