"""Helpers of the inventory tests."""

from pathlib import Path

import pytest

from tsmu.inventory import ImportedInventory, import_inventory
from tsmu.issues import IssueLog


class Read:
    """Imports what is handed to it as a file; keeps the log of the last import."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = IssueLog(folder)

    def __call__(
        self, content: str | bytes | Path, source: str | None = None, columns: dict[str, str] | None = None,
        name: str = "events.csv", strict: bool = False,
    ) -> ImportedInventory:  # fmt: skip
        file = content if isinstance(content, Path) else self.folder / name
        if not isinstance(content, Path):
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        self.log = IssueLog(file, strict=strict)
        return import_inventory(file, source, columns, self.log)

    @property
    def rows(self) -> list[tuple[int | None, str]]:
        """Row and severity of each issue."""
        return [(issue.row, issue.severity) for issue in self.log]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return Read(tmp_path)
