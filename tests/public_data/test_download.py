"""A file comes whole and verified, or not at all, however badly its server behaves."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.public_data.file_server import FileServer, serve_files
from tsmu.errors import DataError
from tsmu.public_data.download import Download, Downloaded

CONTENT = b"PK" + random.Random(0).randbytes(300_000)
MD5 = ("md5", hashlib.md5(CONTENT, usedforsecurity=False).hexdigest())


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files({"set.zip": CONTENT}) as started:
        yield started


def fetch(
    server: FileServer, folder: Path, checksum: tuple[str, str] | None = None, said: list[str] | None = None
) -> Downloaded:
    sentences: list[str] = [] if said is None else said
    target = folder / "set.zip"
    return Download(server.address("set.zip"), target, checksum=checksum, say=sentences.append, pause=0.01).run()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("checksum", [None, MD5])
def test_a_connection_that_is_cut_is_gone_on_with(
    server: FileServer, tmp_path: Path, checksum: tuple[str, str] | None
) -> None:
    server.cut_after = 70_000
    downloaded = fetch(server, tmp_path, checksum)
    assert downloaded.path.read_bytes() == CONTENT
    assert (downloaded.verified, downloaded.sha256) == (checksum is not None, hashlib.sha256(CONTENT).hexdigest())
    assert [asked for _, asked in server.log] == ["", *(f"bytes={n * 70_000}-" for n in range(1, 5))]
    assert server.sent == len(CONTENT)
    assert left(tmp_path) == ["set.zip"]


def test_progress_is_shown_in_megabytes(server: FileServer, tmp_path: Path) -> None:
    server.files["set.zip"] = CONTENT * 10
    steps: list[tuple[int, int, str]] = []
    Download(server.address("set.zip"), tmp_path / "set.zip", show=lambda *step: steps.append(step)).run()
    assert steps[-1] == (3, 3, "MB of set.zip")
    assert [done for done, _, _ in steps] == sorted(done for done, _, _ in steps)


def test_a_server_without_ranges_is_asked_again_from_the_beginning(server: FileServer, tmp_path: Path) -> None:
    server.ranges, server.cut_after, server.cuts = False, 100_000, 2
    said: list[str] = []
    assert fetch(server, tmp_path, MD5, said).path.read_bytes() == CONTENT
    assert any("the server cannot go on in the middle of a file" in sentence for sentence in said)


@pytest.mark.parametrize("heeds_if_range", [True, False])
def test_a_file_that_changes_in_between_is_never_mixed(
    server: FileServer, tmp_path: Path, heeds_if_range: bool
) -> None:
    """The fetch is interrupted in the middle, and the next one finds another file at the address."""
    server.files["set.zip"], server.heeds_if_range = CONTENT * 5, heeds_if_range
    server.cut_after, server.cuts = 100_000, 1

    def interrupt(*_: object) -> None:
        if len(server.log) == 2:  # the second request is for the rest
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Download(server.address("set.zip"), tmp_path / "set.zip", show=interrupt, pause=0.01).run()
    assert left(tmp_path) == ["set.zip.part", "set.zip.part.json"]
    server.files["set.zip"] = other = b"PK" + random.Random(1).randbytes(len(CONTENT) * 5 - 2)
    said: list[str] = []
    assert fetch(server, tmp_path, None, said).path.read_bytes() == other
    asked = [ranges for _, ranges in server.log[2:]]
    assert asked[0].startswith("bytes=1")
    assert asked[1:] == ([] if heeds_if_range else [""])
    if heeds_if_range:
        assert said == ["set.zip: it has changed at its address; it is downloaded from its beginning"]


def test_a_finished_file_that_was_damaged_since_is_downloaded_again(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"damaged")
    assert fetch(server, tmp_path, MD5).verified


def test_without_a_version_and_a_checksum_nothing_is_put_together(server: FileServer, tmp_path: Path) -> None:
    server.validators, server.cut_after, server.cuts = False, 100_000, 1
    said: list[str] = []
    assert fetch(server, tmp_path, None, said).path.read_bytes() == CONTENT
    assert [asked for _, asked in server.log] == ["", ""]
    assert any("cannot tell whether it has changed" in sentence for sentence in said)
    (tmp_path / "set.zip").unlink()
    server.cuts = 1
    assert fetch(server, tmp_path, MD5).path.read_bytes() == CONTENT  # the checksum decides
    assert server.log[-1][1] == "bytes=100000-"


def test_pieces_that_do_not_fit_together_are_downloaded_anew(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(b"PK" + b"x" * 99_998)
    server.validators = False
    (tmp_path / "set.zip.part.json").write_text(
        f'{{"address": "{server.address("set.zip")}", "total": {len(CONTENT)}}}'
    )
    said: list[str] = []
    assert fetch(server, tmp_path, MD5, said).path.read_bytes() == CONTENT
    assert said == ["set.zip: its pieces do not fit together; it is downloaded anew"]


def test_a_wrong_checksum_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"its md5 is .* and 0{32} was expected.*nothing of it was kept"):
        fetch(server, tmp_path, ("md5", "0" * 32))
    assert left(tmp_path) == []
    assert len(server.log) == 1  # the same bytes again would be as wrong


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_page_to_log_in_is_no_file(server: FileServer, tmp_path: Path, kind: str) -> None:
    server.files["set.zip"], server.kind = b"\n<!DOCTYPE html><title>Sign in</title>", kind
    with pytest.raises(DataError, match=r"a page for people, perhaps to log in.*by hand"):
        fetch(server, tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "says"), [(401, "asks for a login"), (403, "asks for a login"), (404, "status 404"), (410, "status 410")]
)
def test_what_no_further_attempt_changes_is_told_at_once(
    server: FileServer, tmp_path: Path, status: int, says: str
) -> None:
    server.statuses = [status] * 9
    with pytest.raises(DataError, match=f"{says}.*`files`"):
        fetch(server, tmp_path)
    assert len(server.log) == 1


def test_a_busy_server_is_asked_again_and_given_up_after_some_time(server: FileServer, tmp_path: Path) -> None:
    server.statuses = [503, 429, 500]
    assert fetch(server, tmp_path).bytes == len(CONTENT)
    (tmp_path / "set.zip").unlink()
    server.statuses = [503] * 99
    with pytest.raises(DataError, match=r"does not give it .status 503., 0 bytes are kept"):
        fetch(server, tmp_path)
    assert len(server.statuses) == 99 - 6


def test_a_redirection_is_followed_and_a_slow_answer_waited_for(server: FileServer, tmp_path: Path) -> None:
    server.moved["set.zip"], server.delay = server.address("new.zip"), 0.05
    server.files["new.zip"] = CONTENT
    assert fetch(server, tmp_path, MD5).verified


def test_more_than_the_disk_holds_is_refused_before_anything_is_written(server: FileServer, tmp_path: Path) -> None:
    server.claimed = 10**15
    with pytest.raises(DataError, match=r"needs 1000000.0 GB more, and .* GB are free"):
        fetch(server, tmp_path)
    assert left(tmp_path) == []


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with serve_files({}) as gone:
        pass
    with pytest.raises(DataError, match="does not give it"):
        fetch(gone, tmp_path)
