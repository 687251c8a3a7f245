"""The base map below the images: the one thing that the page loads from elsewhere."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.server.conftest import Client, Open
from tests.server.page_actions import intercept, press
from tests.server.serving import serving
from tsmu.errors import ReviewError
from tsmu.server import BaseMap
from tsmu.workspace_folder import WorkspaceFolder

ORIGIN = "https://tiles.example.org:8443"
TILES = f"{ORIGIN}/{{z}}/{{x}}/{{y}}.png?key=a"


def policy(answer: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in parts}


def test_the_policy_allows_exactly_the_base_maps_host(client: Client) -> None:
    without, present = (client(basemap=basemap).get("/api/info") for basemap in (None, BaseMap(TILES, "by us")))
    assert without.json()["basemap"] is None
    assert present.json()["basemap"] == {"url": TILES, "credit": "by us"}
    before, after = policy(without), policy(present)
    assert "'self'" in before["connect-src"]
    assert not any("http" in source for sources in before.values() for source in sources)
    added = {name: set(after[name]) - set(before[name]) for name in after if after[name] != before[name]}
    assert added == {"img-src": {ORIGIN}, "connect-src": {ORIGIN}}


@pytest.mark.parametrize(
    "url",
    [
        "tiles.example.org/{z}/{x}/{y}",
        "ftp://a/{z}/{x}/{y}",
        "https://a b/{z}/{x}/{y}",
        "https://a;script-src */{z}/{x}/{y}",
        "https://me:secret@a/{z}/{x}/{y}",
        "https://*/{z}/{x}/{y}",
        "https:///{z}/{x}/{y}",
        "https://[::1/{z}/{x}/{y}",
        "https://a/tile.png",
        "https://a/{z}/{x}",
        "",
    ],
)
def test_what_is_no_address_of_tiles_is_refused(url: str) -> None:
    with pytest.raises(ReviewError, match="basemap"):
        BaseMap(url)


def test_a_wms_is_one() -> None:
    assert BaseMap("http://a/wms?bbox={bbox-epsg-3857}&width=256&height=256").origin == "http://a"


def test_the_page_shows_it_and_sends_it_no_token(survey: WorkspaceFolder, tmp_path: Path, open_page: Open) -> None:
    people = tmp_path / "tokens"
    people.write_text("eva reviewer 0123456789abcdef0123456789abcdef\n")
    people.chmod(0o600)
    options = ("--token-file", str(people), "--basemap", TILES, "--basemap-credit", "A map of theirs")
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), "red").save(picture, "PNG")
    asked = []

    def answer(route: Any) -> None:
        asked.append(route.request)
        allowed = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(body=picture.getvalue(), content_type="image/png", headers=allowed)

    with serving(survey, *options) as (address, _):
        page = open_page(address, ready=False)
        intercept(page, f"{ORIGIN}/**", answer)
        page.locator("#login input").fill("0123456789abcdef0123456789abcdef")
        press(page, "Enter")
        page.wait_for_selector("body[data-ready=yes]")
        expect(page.locator("#credit")).to_have_text("A map of theirs")
        page.locator("#map[aria-busy=false]").wait_for()
        assert asked
        assert not any("authorization" in request.headers for request in asked)
        press(page, "6")
        expect(page.locator("#credit")).to_have_text("")
        expect(page.get_by_label("Base map")).not_to_be_checked()
