"""The responses to one event: where they lie in a workspace, and what each of them mapped."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tsmu.errors import WorkspaceError
from tsmu.files import read_json_object, write_json

RECORD_FILE = "responses.json"
FOLDER = "responses"  # of a workspace


@dataclass(frozen=True)
class Response:
    """What one call of `respond` used and mapped.

    Attributes:
        imagery: name of the dated folder of its imagery.
        scenes: names of the scenes that were mapped, as the database knows them.
    """

    imagery: str
    scenes: tuple[str, ...]


class ResponseFolder:
    """The folder of an event in a workspace: its imagery, its reports, and the record of its responses.

    Args:
        root: of the workspace.
        name: of the event.

    Raises:
        WorkspaceError: the record is damaged.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.path = root / FOLDER / name
        self.imagery = self.path / "imagery"
        self._file = self.path / RECORD_FILE
        stored = read_json_object(self._file)["responses"] if self._file.exists() else []
        try:
            self.responses = [Response(str(one["imagery"]), tuple(one["scenes"])) for one in stored]
        except (KeyError, TypeError):
            raise WorkspaceError(f"{self._file}: damaged; remove it, and earlier responses are not compared") from None

    def report(self, imagery: str) -> Path:
        """The folder of the report of the response with this imagery."""
        return self.path / f"report-{imagery}"

    def earlier(self, imagery: str) -> Sequence[Response]:
        """The responses with other imagery, the oldest first."""
        return [one for one in self.responses if one.imagery != imagery]

    def add(self, response: Response) -> None:
        """Record a response; one with the same imagery is replaced."""
        self.responses = [*self.earlier(response.imagery), response]
        write_json(self._file, {"responses": [asdict(one) for one in self.responses]})
