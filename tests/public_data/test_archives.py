"""An archive is unpacked as it is, or refused as a whole where it could do harm."""

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.public_data.made_sets import tarred, zipped
from tsmu.errors import DataError
from tsmu.public_data.archives import unpack


def write(folder: Path, name: str, content: bytes) -> Path:
    (folder / "in").mkdir(exist_ok=True)
    path = folder / "in" / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("name", "pack"), [("a.zip", zipped), ("a.tar.gz", tarred)])
def test_files_come_out_as_they_went_in(tmp_path: Path, name: str, pack: object) -> None:
    files = {"a/images/1.png": b"one", "a/masks/1.png": b"two", "__MACOSX/a/._1.png": b"", "a/._x": b""}
    archive = write(tmp_path, name, pack(files))  # type: ignore[operator]
    assert unpack(archive, tmp_path / "out") == 2
    found = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")
    }
    assert found == {"a/images/1.png": b"one", "a/masks/1.png": b"two"}


@pytest.mark.parametrize("name", ["../up.txt", "a/../../up.txt", "/tmp/up.txt", "..\\up.txt", "C:\\up.txt"])
@pytest.mark.parametrize(("suffix", "pack"), [(".zip", zipped), (".tar.gz", tarred)])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, name: str, suffix: str, pack: object) -> None:
    archive = write(tmp_path, f"slip{suffix}", pack({name: b"x", "good.txt": b"y"}))  # type: ignore[operator]
    with pytest.raises(DataError, match=r"would lie outside the folder; it is not unpacked"):
        unpack(archive, tmp_path / "out")
    assert not list(tmp_path.rglob("up.txt"))


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    linked = zipfile.ZipInfo("data")
    linked.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(linked, "/etc")
        archive.writestr("data/passwd", "x")
    archives = [write(tmp_path, "link.zip", buffer.getvalue())]
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as packed:
            info = tarfile.TarInfo("data")
            info.type, info.linkname = kind, "/etc"
            packed.addfile(info)
        archives.append(write(tmp_path, f"link{kind.decode()}.tar", buffer.getvalue()))
    for archive in archives:
        with pytest.raises(DataError, match=r"is a link"):
            unpack(archive, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*"))


def test_an_absurd_size_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(100_000_000))
    with pytest.raises(DataError, match=r"gives more than 0\.1 GB"):
        unpack(write(tmp_path, "bomb.zip", buffer.getvalue()), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*"))


def test_damaged_and_foreign_archives_are_told(tmp_path: Path) -> None:
    good = zipped({"a.bin": os.urandom(1000)})
    for name, content in (
        ("cut.zip", good[:600]),
        ("changed.zip", good.replace(good[300:400], bytes(100))),
        ("cut.tar.gz", tarred({"a.bin": os.urandom(100_000)})[:50_000]),
        ("text.tar.gz", b"no archive"),
    ):
        with pytest.raises(DataError, match=r"cannot be unpacked .*; fetch it again"):
            unpack(write(tmp_path, name, content), tmp_path / "out")
    with pytest.raises(DataError, match=r"unpack it by hand"):
        unpack(write(tmp_path, "a.7z", b""), tmp_path / "out")
