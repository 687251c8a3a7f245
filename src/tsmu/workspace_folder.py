"""The paths of all files of a workspace folder, its lock, and its settings file tsmu.toml."""

import difflib
import json
import os
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, cast

import filelock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tsmu.errors import WorkspaceError
from tsmu.files import atomic_write, write_text

SETTINGS_FILE = "tsmu.toml"
SETTINGS_TEMPLATE = """\
# Settings of this tsmu workspace. Options given on the command line win over them.

[model]
encoder = "timm-tf_efficientnet_lite0"  # any encoder of segmentation_models_pytorch; timm's are named tu-<name>
weights = "auto"         # auto: pretrained ones that need no download; or none, a name such as imagenet, or a file

[update]
strategy = "isolate"     # how a new region is learned
steps = 400              # optimisation steps per region; "auto": as many as the validation chips ask for
batch_size = 16          # chips per step

[map]
tile = "auto"            # pixels per side of one network input; auto: as the memory allows
overlap = "auto"         # pixels that neighbouring tiles share; auto: as far as the network looks, measured

[database]
address = "landslides.gpkg"  # a GeoPackage, or postgresql://user@host/name for many writers
"""


class Section(BaseModel):
    """Settings that are read from a TOML file or from one section of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a settings file.

        Raises:
            WorkspaceError: the file cannot be read, is not valid TOML, or has a wrong value or an unknown key; the
                error names the most similar known key.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise WorkspaceError(f"{path}: {reason}; name a file of settings that can be read") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise WorkspaceError(f"{path}: not valid TOML ({error}); correct it") from None
        except ValidationError as error:
            raise WorkspaceError(f"{path}: {_explain(error, cls)}") from None


class ModelSettings(Section):
    """The network that the first update creates."""

    encoder: str = "timm-tf_efficientnet_lite0"
    weights: str = "auto"


class UpdateSettings(Section):
    """How a region is learned, unless the command says otherwise."""

    strategy: str = "isolate"
    steps: Literal["auto"] | Annotated[int, Field(ge=2)] = 400
    batch_size: int = Field(16, ge=2)


class MapSettings(Section):
    """How a scene is cut into network inputs; pixels."""

    tile: Literal["auto"] | Annotated[int, Field(ge=64, multiple_of=32)] = "auto"
    overlap: Literal["auto"] | Annotated[int, Field(ge=0)] = "auto"

    @property
    def side(self) -> int | None:
        """The side of a tile in pixels; None if it is chosen by the available memory."""
        return None if self.tile == "auto" else self.tile

    @property
    def shared(self) -> int | None:
        """The overlap of neighbouring tiles in pixels; None if it is measured on the network."""
        return None if self.overlap == "auto" else self.overlap


class DatabaseSettings(Section):
    """The address of the landslide database: a GeoPackage's path, relative to the workspace, or a server's address."""

    address: str = "landslides.gpkg"


class Settings(Section):
    """The whole of tsmu.toml."""

    model: ModelSettings = ModelSettings()
    update: UpdateSettings = UpdateSettings()
    map: MapSettings = MapSettings()
    database: DatabaseSettings = DatabaseSettings()


def _explain(error: ValidationError, settings: type[BaseModel]) -> str:
    """Write pydantic's errors about the first wrong key as one line.

    A key whose value may have several forms, such as a number or `auto`, has one error for each form.
    """
    first, *others = error.errors()
    if first["type"] != "extra_forbidden":
        path = _key_path(first["loc"])
        about = [first, *(other for other in others if _key_path(other["loc"]) == path)]
        return f"{'.'.join(path)} = {first['input']!r}: {', or '.join(one['msg'].lower() for one in about)}"
    *parents, key = (str(part) for part in first["loc"])
    name = ".".join([*parents, key])
    for parent in parents:
        settings = cast(type[BaseModel], settings.model_fields[parent].annotation)
    known = list(settings.model_fields)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return f"unknown key {name}; the nearest known one is {'.'.join([*parents, near[0]])}"


def _key_path(place: tuple[int | str, ...]) -> list[str]:
    """The names of section and key in a location of pydantic, which also names the form of value that was tried."""
    return [part for part in map(str, place) if part.isidentifier()]


@dataclass(frozen=True)
class WorkspaceFolder:
    """A folder with a tsmu.toml; its properties are the paths of everything that tsmu reads or writes in it."""

    root: Path
    settings: Settings

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make a folder a workspace; a folder that is a workspace already is only opened."""
        settings_file = folder / SETTINGS_FILE
        if not settings_file.exists():
            with atomic_write(settings_file) as temporary:
                temporary.write_text(SETTINGS_TEMPLATE, encoding="utf-8")
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the workspace whose root is `folder`, and no parent of it.

        Raises:
            WorkspaceError: the folder is no workspace, or its settings are not valid.
        """
        settings_file = folder / SETTINGS_FILE
        if not settings_file.is_file():
            raise WorkspaceError(
                f"{folder}: not a workspace (no {SETTINGS_FILE}); make it one with: tsmu init {folder}"
            )
        return cls(folder.resolve(), Settings.read(settings_file))

    @classmethod
    def find(cls, start: Path) -> Self:
        """Open the workspace that contains `start`: the first of it and its parent folders that has a tsmu.toml.

        Raises:
            WorkspaceError: none of them has one, or its settings are not valid.
        """
        for folder in (start.resolve(), *start.resolve().parents):
            if (folder / SETTINGS_FILE).is_file():
                return cls.open(folder)
        raise WorkspaceError(
            f"{start.resolve()}: not inside a workspace; make one with: tsmu init, or name one with --workspace DIR"
        )

    @property
    def regions(self) -> Path:
        """The ecoregion map."""
        return self.root / "regions.gpkg"

    @property
    def events(self) -> Path:
        """The imported landslide inventories."""
        return self.root / "events.gpkg"

    @property
    def pairs(self) -> Path:
        """The table of the image pairs."""
        return self.root / "pairs.parquet"

    @property
    def pair_files(self) -> Path:
        """The folder of files made for pairs: georeferences of images without one, resampled pre-event images."""
        return self.root / "pairs"

    @property
    def fetched(self) -> Path:
        """The folder of images fetched from catalogues: one folder per event, and a table that lists the pairs."""
        return self.root / "fetched"

    @property
    def labels(self) -> Path:
        """The table of the pairs' labels."""
        return self.root / "labels.parquet"

    @property
    def label_files(self) -> Path:
        """The folder of the pairs' masks."""
        return self.root / "labels"

    @property
    def chips(self) -> Path:
        """The index of the training chips."""
        return self.root / "chips.parquet"

    @property
    def blocks(self) -> Path:
        """The table of the blocks into which ground was divided for training, validation and test."""
        return self.root / "blocks.parquet"

    @property
    def sides(self) -> Path:
        """The table of all splits (training, validation, test) that chips have been in, also in earlier builds."""
        return self.root / "sides.parquet"

    @property
    def models(self) -> Path:
        """The folder of the bundle versions."""
        return self.root / "models"

    @property
    def kept(self) -> Path:
        """The folder of validation chips that `--keep-validation` copied, with one folder per region."""
        return self.root / "kept"

    @property
    def runs(self) -> Path:
        """The folder of checkpoints of updates that have not finished."""
        return self.root / "runs"

    @property
    def jobs(self) -> Path:
        """The folder of scripts and logs of SLURM jobs."""
        return self.root / "jobs"

    @property
    def logs(self) -> Path:
        """The folder of losses and scores of trainings with a logger, one folder per training."""
        return self.root / "logs"

    @property
    def cache(self) -> Path:
        """The folder of results that can be computed again, and may be deleted."""
        return self.root / "cache"

    @property
    def maps(self) -> Path:
        """The folder of maps, with one folder per mapped scene."""
        return self.root / "maps"

    def map_folders(self, scene: str) -> list[Path]:
        """The folders in which the map of a scene of this name may lie, the newest map's first.

        They are the folder that `tsmu map --out` was given last, and the one in `maps`. Scenes of one name may have
        maps in both.

        Args:
            scene: name of the scene.

        Example:
            >>> [folder.relative_to(space.root).as_posix() for folder in space.map_folders("ridge")]
            ['maps/ridge']
        """
        note = self._map_note(scene)
        elsewhere = [self.root / note.read_text(encoding="utf-8")] if note.is_file() else []
        return [*elsewhere, self.maps / scene]

    def note_map_folder(self, scene: str, folder: Path) -> None:
        """Note where a scene was mapped, so that `map_folders` finds its map.

        Args:
            scene: name of the scene.
            folder: the folder of its map.
        """
        note = self._map_note(scene)
        if folder.resolve() == (self.maps / scene).resolve():
            note.unlink(missing_ok=True)
        else:
            write_text(note, self.stored_path(folder))

    def _map_note(self, scene: str) -> Path:
        """The file that names the folder of a scene's map, if that folder is not in `maps`."""
        return self.maps / ".elsewhere" / scene

    @property
    def database(self) -> Path | str:
        """The landslide database: a GeoPackage's path, or a server's address."""
        address = self.settings.database.address
        return address if "://" in address else self.root / address

    @property
    def issues(self) -> Path:
        """The issue log."""
        return self.root / "issues.csv"

    def stored_path(self, path: Path) -> str:
        """Write a path for a table: relative to the workspace if it lies inside, otherwise absolute."""
        path = path.resolve()
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    @contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Keep other processes from writing into this workspace while the `with` block runs.

        The operating system releases the lock when the process that holds it ends, for whatever reason.

        Args:
            command: the command that writes, which the error of another process names.

        Raises:
            WorkspaceError: another process holds the lock; the error names its command.
        """
        writer = self.root / ".tsmu-writer.json"
        lock = filelock.FileLock(self.root / ".tsmu.lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise WorkspaceError(
                f"{self.root}: {_describe_writer(writer)} is writing here; wait for it, or use another workspace"
            ) from None
        try:
            writer.write_text(json.dumps({"command": command, "pid": os.getpid(), "host": socket.gethostname()}))
            yield
        finally:
            writer.unlink(missing_ok=True)
            lock.release()


def _describe_writer(path: Path) -> str:
    """Name the command and process that hold the lock, from the JSON file that they have written."""
    try:
        writer = json.loads(path.read_text())
        return f"`{writer['command']}` (process {writer['pid']} on {writer['host']})"
    except (OSError, ValueError, KeyError):
        return "another tsmu command"
