"""Fetching one public set: its files are downloaded, verified, unpacked and laid out.

This happens in a hidden folder beside the set's own, which is renamed when it is complete. Each part of the set (most
sets have one) is downloaded, laid out and noted in `state.json`; then its download is removed. A fetch that was killed
continues with the part at which it was interrupted. In the finished folder, `fetched.json` records the address and the
SHA-256 of each file. If only this record is left in the folder, a later fetch accepts only the same files again.
"""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tsmu.errors import DataError
from tsmu.files import read_json_object, remove, sync, write_json
from tsmu.public_data.archives import is_archive, unpack
from tsmu.public_data.catalogue import CHECKSUM_UNKNOWN, PublicFile, PublicSet
from tsmu.public_data.download import Download, Downloaded, Say, verify
from tsmu.public_data.layouts import LaidOut, lay_out

RECORD = "fetched.json"
# From the label of a step to a context, which gives a function that is called with the work done, all work and a note.
Progress = Callable[[str], AbstractContextManager[Callable[[int, int, str], None]]]


def _no_progress(label: str) -> AbstractContextManager[Callable[[int, int, str], None]]:
    """A `Progress` that shows nothing."""
    del label
    return nullcontext(lambda *_: None)


@dataclass(frozen=True)
class FetchedSet:
    """A public set on disk.

    Attributes:
        folder: the folder of the set.
        chips: the number of chips in each folder below it (`.` is the folder itself); for a map of regions, the number
            1 under the name of its layer's file.
        left_out: how many files were left out, for each reason.
        was_there: whether the set was complete before the call, so that nothing was fetched.
    """

    folder: Path
    chips: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    was_there: bool = False


def fetch_set(
    public_set: PublicSet,
    folder: Path,
    *,
    files: Path | None = None,
    say: Say = lambda _: None,
    progress: Progress = _no_progress,
    pause: float = 1.0,
) -> FetchedSet:
    """Fetch a public set into a folder.

    Args:
        public_set: an entry of the catalogue.
        folder: the folder that the set will have; it must be missing, empty, or made by an earlier fetch of this set.
        files: a folder that holds the set's files, downloaded by hand; they are verified and not moved.
        say: called with sentences that inform the user.
        progress: called with the label of each long step; see `Progress`.
        pause: seconds before a failed request is made again.

    Returns:
        The set as it lies in the folder now.

    Raises:
        DataError: the set cannot be fetched or laid out; the message says what to do.

    Example:
        >>> gvlm = find_set("gvlm", read_catalogue())
        >>> fetch_set(gvlm, Path("chips"), files=Path("GVLM_CD")).chips
        {'.': 12}
    """
    record = read_json_object(folder / RECORD)
    if _is_complete(folder, record, public_set):
        return FetchedSet(folder, record["chips"], record["left_out"], was_there=True)
    if public_set.by_hand and files is None:
        raise DataError(f"{public_set.name}: {public_set.by_hand}")
    work = folder.with_name(f".{folder.name}.fetching")
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", timeout=0):
            fetching = _Fetching(public_set, folder, work, record, say, progress, pause)
            return fetching.run(files)
    except Timeout:
        raise DataError(f"{work}: another process is fetching this set; wait for it") from None


class _Fetching:
    """One fetch of a set."""

    def __init__(
        self,
        public_set: PublicSet,
        folder: Path,
        work: Path,
        record: dict[str, Any],
        say: Say,
        progress: Progress,
        pause: float,
    ) -> None:
        self.set, self.folder, self.work = public_set, folder, work
        self._say, self._progress, self._pause = say, progress, pause
        self._earlier = {name: entry["sha256"] for name, entry in record.get("files", {}).items()}
        self._state_file = work / "state.json"
        self._chips = work / "chips"
        state = read_json_object(self._state_file)
        # The parts that were laid out by an interrupted fetch; those of another set or catalogue cannot be used.
        self._parts: dict[str, Any] = state.get("parts", {}) if state.get("set") == self._identity() else {}
        if not self._parts:
            remove(self._chips)

    def run(self, files: Path | None) -> FetchedSet:
        """Fetch the parts that are missing, and rename the folder when it is complete.

        Args:
            files: a folder that holds the files, downloaded by hand; None downloads them.
        """
        parts = self.set.parts or {"": []}
        if self._parts:
            self._say(f"{len(self._parts)} of {len(parts)} parts are there; going on")
        for part, members in parts.items():
            if part not in self._parts:
                self._fetch_part(part, members, files)
        laid_out = LaidOut()
        for entry in self._parts.values():
            laid_out.add(LaidOut(Counter(entry["chips"]), Counter(entry["left_out"])))
        if not laid_out.chips:
            raise DataError(f"{self.set.name}: its files gave no chip; they are other files than the set's own")
        self._finish(laid_out)
        return FetchedSet(self.folder, dict(laid_out.chips), dict(laid_out.left_out))

    def _fetch_part(self, part: str, members: list[PublicFile], files: Path | None) -> None:
        """Download the files of a part, lay them out, and note that it is done."""
        downloads, source = self.work / "downloads", self.work / "unpacked"
        remove(source)
        source.mkdir()
        entries = {}
        for member in members:
            downloaded = self._verify_given(member, files) if files else self._download(member, downloads)
            self._compare(member, downloaded)
            entries[member.name] = _entry(member, downloaded)
            with self._progress(f"Unpacking {member.name}"):
                try:
                    _unpack_or_link(downloaded.path, source)
                except DataError:
                    if not files:  # unpacking the same bytes again would fail again
                        remove(downloaded.path)
                    raise
        label = f"Laying out {self.set.name}{f', part {part}' if part else ''}"
        made = self.work / "part"
        remove(made)
        made.mkdir()
        with self._progress(label) as show:
            laid_out = lay_out(
                self.set.layout, source if members or files is None else files, made, lambda n, of: show(n, of, "")
            )
        _move_into(made, self._chips)
        self._parts[part] = {"files": entries, "chips": dict(laid_out.chips), "left_out": dict(laid_out.left_out)}
        write_json(self._state_file, {"set": self._identity(), "parts": self._parts})
        remove(source)
        if not files:
            remove(downloads)

    def _download(self, member: PublicFile, folder: Path) -> Downloaded:
        """Download a file of the set, or the rest of it if a part was downloaded before."""
        with self._progress(f"Fetching {self.set.name}") as show:
            return Download(
                str(member.address),
                folder / member.name,
                checksum=member.checksum,
                say=self._say,
                show=show,
                pause=self._pause,
            ).run()

    def _verify_given(self, member: PublicFile, files: Path) -> Downloaded:
        """Verify a file of the set that was downloaded by hand."""
        found = files / member.name
        if not found.is_file():
            raise DataError(f"{files}: has no file {member.name}; download it from {member.address}")
        return verify(found, member.checksum)

    def _compare(self, member: PublicFile, downloaded: Downloaded) -> None:
        """Compare a file without a published checksum with the record of an earlier fetch into this folder.

        Raises:
            DataError: the record has another checksum.
        """
        if downloaded.verified:
            return
        earlier = self._earlier.get(member.name)
        if earlier and earlier != downloaded.sha256:
            if downloaded.path.parent.parent == self.work:
                remove(downloaded.path)
            raise DataError(
                f"{member.address}: its SHA-256 is {downloaded.sha256}, and that of what was fetched before is "
                f"{earlier} ({self.folder / RECORD}): the file has changed; remove {RECORD} if you want the new one"
            )
        same = "; it is the same as before" if earlier else ""
        self._say(f"{member.name}: {CHECKSUM_UNKNOWN} ({downloaded.sha256[:12]}...){same}")

    def _finish(self, laid_out: LaidOut) -> None:
        """Write the record, give the folder its final name, and remove the hidden folder."""
        files = {name: entry for part in self._parts.values() for name, entry in part["files"].items()}
        write_json(
            self._chips / RECORD,
            {
                **json.loads(
                    self.set.model_dump_json(include={"name", "title", "licence", "licence_source", "citation"})
                ),
                "page": str(self.set.page),
                "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
                "files": files,
                "chips": laid_out.chips,
                "left_out": laid_out.left_out,
                "unconfirmed": self.set.unconfirmed,
            },
        )
        remove(self.folder)  # holds at most the record of an earlier fetch
        self._chips.replace(self.folder)
        for left in ("state.json", "downloads", "unpacked", "part"):
            remove(self.work / left)
        (self.work / "lock").unlink(missing_ok=True)
        self.work.rmdir()

    def _identity(self) -> str:
        """A text that is equal for two fetches only if they fetch and lay out the same files."""
        return json.dumps([self.set.name, self.set.layout, [file.model_dump_json() for file in self.set.files]])


def _is_complete(folder: Path, record: dict[str, Any], public_set: PublicSet) -> bool:
    """Whether a set is complete in a folder.

    Args:
        folder: the folder of the set.
        record: the content of the folder's `fetched.json`; empty if it has none.
        public_set: the set.

    Raises:
        DataError: the path is a file, the folder holds other files, or something is missing in it.
    """
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise DataError(f"{folder}: is a file, and a folder is needed there; name another place")
    inside = {path.name for path in folder.iterdir()}
    if inside and record.get("name") != public_set.name:
        raise DataError(f"{folder}: holds other files than {public_set.name}; name a new folder")
    missing = [name for name in record.get("chips", {}) if not (folder / name).exists()]
    if inside > {RECORD} and missing:
        raise DataError(f"{folder}: {missing[0]} is missing in it; remove all but {RECORD}, and fetch the set again")
    return inside > {RECORD}


def _unpack_or_link(path: Path, source: Path) -> None:
    """Unpack a file into a folder if it is an archive; else link it there."""
    if is_archive(path):
        unpack(path, source)
    else:
        (source / path.name).symlink_to(path.resolve())


def _move_into(made: Path, folder: Path) -> None:
    """Move files to the same relative paths below another folder, after making sure that they are on the disk."""
    sync(made)
    for path in [path for path in made.rglob("*") if path.is_file()]:
        place = folder / path.relative_to(made)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    remove(made)


def _entry(member: PublicFile, downloaded: Downloaded) -> dict[str, Any]:
    """The entry of a file in the record `fetched.json`."""
    return {
        "address": str(member.address),
        "bytes": downloaded.bytes,
        "sha256": downloaded.sha256,
        "verified": downloaded.verified,
    }
