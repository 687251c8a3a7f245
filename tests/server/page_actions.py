"""What a reviewer does on the page, and how a test waits until the page has done it."""

import io
import math
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tsmu.database import Database, Filters, query


def current(page: Any) -> str:
    """Id of the landslide that is decided on."""
    return str(page.locator("#record .id").text_content())


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def decide(page: Any, *keys: str) -> str:
    """Decide by keys, and wait until the next one is there; gives the id of what was decided on."""
    landslide_id = current(page)
    press(page, *keys)
    gone_on(page, landslide_id)
    return landslide_id


def gone_on(page: Any, landslide_id: str) -> None:
    expect(page.locator("#record .id")).not_to_have_text(landslide_id, timeout=30_000)


def gone_back(page: Any, landslide_id: str) -> None:
    expect(page.locator("#record .id")).to_have_text(landslide_id, timeout=30_000)


# Two frames are drawn, however slow the machine is.
_FRAMES = "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


def still(page: Any) -> None:
    """Wait until the map has stopped moving: it tells where its middle is on every frame that it moves."""
    before, same = "", 0
    while same < 3:
        page.wait_for_timeout(60)
        page.evaluate(_FRAMES)
        now = page.locator("#coordinates").text_content()
        before, same = now, same + 1 if now == before else 0


def arrived(page: Any, longitude: float, latitude: float) -> None:
    """Wait until a place, in degrees, is the middle of the map."""
    until = time.monotonic() + 20
    while True:
        (north, n, east, e) = re.findall(r"[\d.]+|[NSEW]", page.locator("#coordinates").text_content())
        middle = float(east) * (1 if e == "E" else -1), float(north) * (1 if n == "N" else -1)
        if math.dist(middle, (longitude, latitude)) < 1e-4:
            return
        assert time.monotonic() < until, (middle, longitude, latitude)
        page.wait_for_timeout(50)


def moved(page: Any, key: str) -> None:
    """Move the map by an arrow, and wait until it has got there."""
    before = page.locator("#coordinates").text_content()
    press(page, key)
    expect(page.locator("#coordinates")).not_to_have_text(before)
    still(page)


def intercept(page: Any, address: str | re.Pattern[str], answer: Callable[[Any], object]) -> None:
    """Let `answer` have the page's requests to an address (Playwright's `page.route`), and wait until it has them.

    Chromium tells the process of the page only after `page.route` has returned that requests go another way. A request
    made before that reaches the server, and Playwright tells nobody of it.
    """
    page.route(address, answer)
    page.route("**/icon.svg?intercepted", lambda route: route.fulfill(status=204))
    until = time.monotonic() + 20
    while page.evaluate("fetch('icon.svg?intercepted').then(({ status }) => status)") != 204:
        assert time.monotonic() < until, "the requests are not intercepted"
        page.wait_for_timeout(20)


def saved(page: Any) -> None:
    expect(page.locator("#connection")).to_have_text("all saved", timeout=30_000)


def progress(page: Any) -> int:
    """How many are decided."""
    return int(page.locator("#progress-text").text_content().split()[0])


def status(records: Database) -> dict[str, str]:
    table = query(records, Filters(status=("candidate", "confirmed", "rejected", "merged")))
    return dict(zip(table["id"], table["status"], strict=True))


def picture(page: Any) -> np.ndarray:
    """The map without what lies over it, (H, W, 3)."""
    former = b""
    while True:
        page.wait_for_timeout(400)  # what a key began has begun to load
        page.locator("#map[aria-busy=false]").wait_for()
        now = page.locator("#map canvas").screenshot()
        if now == former:  # what has arrived is drawn
            return np.asarray(Image.open(io.BytesIO(now)).convert("RGB"), dtype=int)[60:600]
        former = now
