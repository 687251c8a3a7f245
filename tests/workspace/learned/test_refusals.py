"""Whatever cannot be done as asked is one line of a TsmuError, before anything is opened or written."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tsmu.errors import TsmuError
from tsmu.workspace import LandslideDatabase, Workspace

PICTURE = np.zeros((3, 8, 8))
REFUSED: dict[str, Callable[[Workspace], Any]] = {
    "path: none": lambda _: Workspace(None),  # type: ignore[arg-type]
    "path: file": lambda work: Workspace(work.folder.chips),
    "path: below a file": lambda work: Workspace(work.folder.chips / "deeper"),
    "chips: region": lambda work: work.add_chips("alps", region=None),  # type: ignore[arg-type]
    "inventory: columns": lambda work: work.add_inventory("e.csv", columns="date=When"),  # type: ignore[arg-type]
    "labels: classes": lambda work: work.add_labels("alps", classes=["slide"]),  # type: ignore[arg-type]
    "pairs: terrain": lambda work: work.add_pairs("alps", dem="dem.tif", terrain=5),  # type: ignore[arg-type]
    "build: text": lambda work: work.build_chips(size="64"),  # type: ignore[arg-type]
    "update: strategy": lambda work: work.update("alps", strategy=["isolate"]),  # type: ignore[arg-type]
    "update: batch": lambda work: work.update("alps", batch_size=2.5),  # type: ignore[arg-type]
    "update: weights": lambda work: work.update("alps", weights=Path("gone.safetensors")),
    "estimate: devices": lambda work: work.estimate_update("alps", devices=1.5),  # type: ignore[arg-type]
    "map: array": lambda work: work.map(PICTURE),  # type: ignore[call-overload]
    "map: nothing": lambda work: work.map(None),  # type: ignore[call-overload]
    "map: region": lambda work: work.map("post.tif", region=["alps"]),  # type: ignore[arg-type]
    "map: name": lambda work: work.map("post.tif", name=5),  # type: ignore[arg-type]
    "map: table": lambda work: work.map("post.tif", aoi=work.database.query()),  # type: ignore[arg-type]
    "map: day": lambda work: work.map("post.tif", date_post=2024),  # type: ignore[arg-type]
    "predict: region": lambda work: work.model().predict(PICTURE, region=["alps"]),  # type: ignore[arg-type]
    "predict: no region": lambda work: work.model().predict(PICTURE, region=""),
    "query: box": lambda work: work.database.query(bbox=(1, 2, None, 4)),  # type: ignore[arg-type]
    "query: text as box": lambda work: work.database.query(bbox="1,2,3,4"),  # type: ignore[arg-type]
    "query: years": lambda work: work.database.query(dates=(2024, 2025)),  # type: ignore[arg-type]
    "query: status": lambda work: work.database.query(status=5),  # type: ignore[arg-type]
    "query: regions": lambda work: work.database.query(region=["alps"]),  # type: ignore[arg-type]
    "review: nobody": lambda work: work.database.review("x", status="confirmed", by=None, why="w"),  # type: ignore[arg-type]
    "database: none": lambda _: LandslideDatabase(None),  # type: ignore[arg-type]
    "database: folder": lambda work: LandslideDatabase(work.folder.root).info(),
    "copy: below a file": lambda work: work.database.copy(work.folder.chips / "copy.gpkg"),
    "backup: below a file": lambda work: work.database.backup(work.folder.chips / "copy.gpkg"),
    "export: below a file": lambda work: work.database.export(work.folder.chips / "copy.geojson"),
    "density: below a file": lambda work: work.database.density(work.folder.chips / "copy.tif"),
    "serve: port": lambda work: work.serve(port=99_999),
}


@pytest.fixture(scope="module")
def whole(surveyed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which nothing of this is done."""
    return Workspace(shutil.copytree(surveyed, tmp_path_factory.mktemp("refusals") / "survey"))


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_one_line(whole: Workspace, refused: Callable[[Workspace], Any]) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.folder.root.rglob("*") if path.is_file()}
    with pytest.raises(TsmuError, match=r"^[^\n]+$"):
        refused(whole)
    after = {path: path.stat().st_mtime_ns for path in whole.folder.root.rglob("*") if path.is_file()}
    assert {path for path, changed in after.items() if before.get(path) != changed} <= {
        whole.folder.root / ".tsmu.lock"
    }


def test_a_port_that_is_taken_is_one_line(whole: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(TsmuError, match="give another `port`"):
        whole.serve(port=taken.getsockname()[1])
