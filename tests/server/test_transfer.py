"""How answers travel: compressed where that helps, and kept by the browser as long as they stay the same."""

from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.server.conftest import Client
from tsmu.database import Database
from tsmu.server import ServerContext, make_app
from tsmu.server.tiles.web_mercator import to_unit_square
from tsmu.workspace_folder import WorkspaceFolder


@pytest.fixture
def page(records: Database, survey: WorkspaceFolder, tmp_path: Path) -> TestClient:
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>hello")
    (folder / "assets" / "index-C3a9.js").write_text("let a = 1;\n" * 5000)
    return TestClient(make_app(ServerContext(records, survey), folder), base_url="http://localhost")


def test_hashed_files_are_kept_and_the_page_itself_is_asked_for_by_its_tag(page: TestClient) -> None:
    script = page.get("/assets/index-C3a9.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["vary"] == "Accept-Encoding"
    assert script.text == "let a = 1;\n" * 5000
    assert page.get("/assets/missing.js").headers["cache-control"] == "no-store"
    first = page.get("/")
    assert first.headers["cache-control"] == "no-cache"
    again = page.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"
    plain = page.get("/assets/index-C3a9.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == script.text


def test_json_is_compressed_and_pictures_are_not(client: Client) -> None:
    with client() as browser:
        collection = browser.get("/api/landslides")
        assert collection.headers["content-encoding"] == "gzip"
        assert collection.headers["cache-control"] == "no-store"
        assert int(collection.headers["content-length"]) < 0.5 * len(collection.content)
        [scene] = browser.get("/api/scenes").json()
        middle = np.array(scene["bounds"]).reshape(2, 2).mean(axis=0)
        x, y = (to_unit_square(middle[None])[0] * 2**14).astype(int)
        picture = browser.get(f"/api/scenes/{scene['id']}/post/14/{x}/{y}.png")
        assert picture.headers["content-type"] == "image/png"
        assert "content-encoding" not in picture.headers
