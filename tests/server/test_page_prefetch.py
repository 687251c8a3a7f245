"""While a reviewer looks at one landslide, the images of the next ones are loaded into the browser's cache."""

from typing import Any

import sqlalchemy as sa

from tests.server.conftest import Open
from tests.server.page_actions import current, gone_on, press, still
from tests.server.serving import serving
from tsmu.database import open_database
from tsmu.workspace_folder import WorkspaceFolder

LANDSLIDES = 8  # at most that are looked at until the images of one were loaded ahead
# The tiles of images that were asked for since a moment, and the bytes of each that came from the server.
TILES = """begin => performance.getEntriesByType("resource")
  .filter(({ name, startTime }) => startTime > begin && /\\/(pre|post)\\/\\d+\\//.test(name))
  .map(({ name, transferSize }) => [name, transferSize])"""


def image_tiles(page: Any, begin: float = 0) -> list[tuple[str, int]]:
    return [(name, size) for name, size in page.evaluate(TILES, begin)]


def until_nothing_is_loaded(page: Any) -> None:
    """Wait until the map shows all that it has to show, and no more is loaded ahead."""
    still(page)
    page.locator("#map[aria-busy=false]").wait_for()
    former = -1
    while (count := len(image_tiles(page))) != former:
        former = count
        page.wait_for_timeout(500)


def test_the_images_of_the_next_landslide_come_from_the_cache(survey: WorkspaceFolder, open_page: Open) -> None:
    with open_database(survey.database) as records, records.write() as connection:
        connection.execute(sa.text("UPDATE scene SET gsd_m = 0.5"))  # small pixels, so that a landslide has many tiles
    with serving(survey, "--write") as (address, _):
        page = open_page(address)
        page.evaluate("performance.setResourceTimingBufferSize(5000)")
        press(page, "g")  # close to the landslide, so that the next one has other tiles
        for _ in range(LANDSLIDES):
            until_nothing_is_loaded(page)
            seen, begin = {name for name, _ in image_tiles(page)}, page.evaluate("performance.now()")
            landslide_id = current(page)
            press(page, "r")
            gone_on(page, landslide_id)
            still(page)
            page.locator("#map[aria-busy=false]").wait_for()
            ahead = [(name, size) for name, size in image_tiles(page, begin) if name in seen]
            if ahead:
                break
        assert ahead
        assert {size for _, size in ahead} == {0}
