"""The documentation site builds without warnings, and works when opened from the disk without internet."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make docs` builds it; links to what is not there are warnings, and a warning ends the build."""
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    return folder


@pytest.fixture
def reader(browser: Any) -> Iterator[Any]:
    """A phone without internet, and the addresses and errors that must not be: in `unwanted`."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    page.unwanted = []
    page.on("request", lambda request: page.unwanted.append(request.url) if request.url.startswith("http") else None)
    page.on("pageerror", lambda error: page.unwanted.append(str(error)))
    page.on("console", lambda said: page.unwanted.append(said.text) if said.type == "error" else None)
    yield page
    context.close()


def test_it_is_read_on_a_phone_without_internet(site: Path, reader: Any) -> None:
    pages = [path for path in sorted(site.rglob("*.html")) if "repository" not in path.parts]
    pages.remove(site / "404.html")  # which servers show, with the addresses of their root
    assert len(pages) > 15
    for path in pages[:: max(1, len(pages) // 8)]:
        reader.goto(path.as_uri(), wait_until="domcontentloaded")
        wide = reader.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide == 0, f"{path.name} is {wide} px wider than a phone"
    reader.goto((site / "index.html").as_uri())
    reader.locator("label[for=__search]").first.click()
    reader.locator("input[name=query]").press_sequentially("GeoPackage")
    reader.locator(".md-search-result__item").first.wait_for()
    assert reader.unwanted == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r"<(?:script|img|link|iframe)\b[^>]*(?:src|href)=[\"']?https?:")
    for path in site.rglob("*.html"):
        found = [tag for tag in loaded.findall(path.read_text(encoding="utf-8")) if "canonical" not in tag]
        assert not found, f"{path.relative_to(site)}: {found}"


def test_every_command_is_in_the_reference(site: Path) -> None:
    text = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for words in ("tsmu init", "tsmu import pairs", "tsmu db export", "tsmu models pin"):
        assert f">{words}<" in text
    assert "--min-probability" in text
    assert "GET /api/queue" in (site / "reference" / "http.html").read_text(encoding="utf-8")
    assert "batch_size" in (site / "reference" / "settings.html").read_text(encoding="utf-8")
