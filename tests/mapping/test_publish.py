"""Finished maps on a server: whole, once, and again when they changed; an FTP server stands for any storage."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

from tests.conftest import write_raster
from tests.mapping.conftest import blur, content, engine, ground
from tests.mapping.test_map_command import PLACE, space, tsmu
from tsmu.mapping import decoder_mapper
from tsmu.workspace_folder import WorkspaceFolder

__all__ = ["space"]  # the fixture


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """An FTP server's address, its folder, and the files that it received, by the names they came under."""
    received: list[str] = []

    class Handler(FTPHandler):  # type: ignore[misc]
        def on_file_received(self, file: str) -> None:
            received.append(Path(file).name)

    folder = tmp_path / "storage"
    folder.mkdir()
    Handler.authorizer = DummyAuthorizer()
    Handler.authorizer.add_user("survey", "secret", str(folder), perm="elradfmw")
    server = ThreadedFTPServer(("127.0.0.1", 0), Handler)
    running = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.1}, daemon=True)
    running.start()
    yield f"ftp://survey:secret@127.0.0.1:{server.socket.getsockname()[1]}", folder, received
    server.close_all()
    running.join()


def map_to(url: str, space: WorkspaceFolder, *more: object) -> dict[str, object]:
    scene = space.root / "slopes.tif"
    if not scene.exists():
        write_raster(scene, ground(150, 130), **PLACE)
    how = ("--region", "alps", "--engine", "torch", "--tile", 64, "--overlap", 32, "--json")
    done = tsmu("map", scene, *how, "--publish", url, "--workspace", space.root, *more)
    assert done.exit_code == 0, done.output
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def published(space: WorkspaceFolder) -> dict[str, bytes]:
    return {name: file for name, file in content(space.maps / "slopes").items() if not name.startswith(".")}


def test_a_map_is_copied_whole_and_only_what_changed_again(
    storage: tuple[str, Path, list[str]], space: WorkspaceFolder
) -> None:
    url, folder, received = storage
    answer = map_to(f"{url}/maps/", space)
    assert answer["outputs"]["published"] == f"{url}/maps/slopes".replace("survey:secret@", "")  # type: ignore[index]
    assert content(folder / "maps" / "slopes") == published(space)
    assert len(received) == 2
    assert all(name.startswith(".") for name in received)  # never under the final name before it is whole
    map_to(f"{url}/maps", space)
    assert len(received) == 2
    (folder / "maps" / "slopes" / "polygons.parquet").unlink()
    map_to(f"{url}/maps", space)
    assert len(received) == 3
    map_to(f"{url}/maps", space, "--threshold", 30)
    assert content(folder / "maps" / "slopes") == published(space)
    assert len(received) == 5


def test_workers_publish_what_they_finish(
    storage: tuple[str, Path, list[str]], space: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder, _ = storage
    monkeypatch.setattr(decoder_mapper, "choose_engine", lambda *_: engine(blur))  # a worker need not load torch
    map_to(url, space, "--cluster", "local:1")
    assert content(folder / "slopes") == published(space)


@pytest.mark.parametrize(("url", "reason"), [("ftp://127.0.0.1:9/maps", "refused"), ("hdfs://a/b", "")])
def test_where_it_cannot_be_written_the_map_is_there_and_the_command_says_so(
    space: WorkspaceFolder, url: str, reason: str
) -> None:
    write_raster(space.root / "slopes.tif", np.full((3, 64, 64), 120, np.uint8), **PLACE)
    how = ("--region", "alps", "--engine", "torch", "--publish", url, "--workspace", space.root)
    done = tsmu("map", space.root / "slopes.tif", *how)
    assert done.exit_code == 2
    assert f"{url}/slopes: cannot be written" in done.stderr
    assert reason in done.stderr
    assert published(space).keys() == {"probability.tif", "polygons.parquet"}


def test_an_address_of_no_known_kind_is_refused_before_anything_is_mapped(space: WorkspaceFolder) -> None:
    done = tsmu("map", space.root / "gone.tif", "--publish", "nowhere://maps", "--workspace", space.root)
    assert done.exit_code == 2
    assert "--publish nowhere://maps: cannot be written to (Protocol not known: nowhere)" in done.stderr
    assert not space.maps.exists()


def test_a_wrong_password_is_one_line_that_does_not_repeat_it(
    storage: tuple[str, Path, list[str]], space: WorkspaceFolder
) -> None:
    url = storage[0].replace("secret", "guessed")
    write_raster(space.root / "slopes.tif", np.full((3, 64, 64), 120, np.uint8), **PLACE)
    how = ("--region", "alps", "--engine", "torch", "--publish", url, "--workspace", space.root)
    done = tsmu("map", space.root / "slopes.tif", *how)
    assert (done.exit_code, "cannot be written" in done.stderr, "guessed" in done.stderr) == (2, True, False)


def test_a_folder_is_a_place_to_publish_to(space: WorkspaceFolder, tmp_path: Path) -> None:
    map_to(str(tmp_path / "share"), space)
    assert content(tmp_path / "share" / "slopes") == published(space)
