"""QGIS edits, `tsmu map` writes and people review, all in one GeoPackage at the same time: nothing is lost."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.qgis.conftest import InQgis, finish, review_workspace
from tsmu.database import check, history, info, open_database, query, reviews

SECONDS = float(os.environ.get("TSMU_SOAK_SECONDS", "60"))
VERDICTS = ("accept", "reject", "unsure")


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """A review server of its own; gives its address."""
    command = [sys.executable, "-m", "tsmu", "serve", "--write", "--port", "0", "--workspace", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        found = re.search(r"http://\S+:\d+/", child.stdout.readline())
        assert found
        try:
            yield found[0]
        finally:
            child.terminate()


def ask(address: str, path: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"X-Tsmu": "1", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{address}api/{path}", content, headers), timeout=60) as answer:
        return json.load(answer)


def decide(address: str, landslide: str, action: str) -> tuple[str, str] | None:
    """Decide as the dock does; None where somebody else was first."""
    version = ask(address, f"landslides/{landslide}")["feature"]["properties"]["version"]
    body = {"id": str(uuid.uuid4()), "action": action, "landslides": {landslide: version}, "by": "eva"}
    try:
        ask(address, "decisions", body)
    except urllib.error.HTTPError as error:
        assert error.code in (409, 503), error.read()
        return None
    return landslide, action


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_nothing_is_lost(start_in_qgis: InQgis, tmp_path: Path) -> None:
    root = review_workspace(tmp_path / "survey")
    with open_database(root / "landslides.gpkg") as database:
        ids = sorted(query(database)["id"])
    until = time.monotonic() + SECONDS
    script = Path(__file__).parent / "edit_driver.py"
    editing = start_in_qgis(script, root / "landslides.gpkg", SECONDS, tmp_path / "edits.json")
    decisions, conflicts, scenes = [], 0, tmp_path / "scenes.json"
    mapping = subprocess.Popen(
        [sys.executable, "-m", "tests.qgis.keep_mapping", root, str(SECONDS), scenes], cwd=Path(__file__).parents[2]
    )
    with serving(root) as address:
        number = 0
        while time.monotonic() < until:
            made = decide(address, ids[number % len(ids)], VERDICTS[number % 3])
            decisions += [made] if made else []
            conflicts += made is None
            number += 1
            time.sleep(0.05)
        edits = finish(editing, tmp_path / "edits.json")
        assert mapping.wait(timeout=400) == 0
    mapped, failed = json.loads(scenes.read_text())
    with open_database(root / "landslides.gpkg") as database:
        assert check(database).empty
        stored = [row["action"] for landslide in ids for _, row in reviews(database, landslide).iterrows()]
        regions = {landslide: set(history(database, landslide)["region"]) for landslide in ids}
        runs = info(database)["rows"]["run"]
    lost = [(landslide, value) for landslide, value in edits["saved"] if value not in regions[landslide]]
    figures = {
        "seconds": SECONDS, "edits": len(edits["saved"]), "refused edits": edits["refused"],
        "decisions": len(decisions), "conflicts": conflicts, "mapped": len(mapped), "failed": len(failed),
    }  # fmt: skip
    print(figures)
    assert not lost, figures
    assert sum(action in VERDICTS for action in stored) == len(decisions), figures
    assert runs == 1 + len(mapped) and not failed, (figures, failed)
    assert min(figures["edits"], figures["decisions"], figures["mapped"]) > 0, figures
