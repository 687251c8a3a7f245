"""What a worker does with a scene: begin its run, compute some of its rows of tiles, finish its map.

The steps take and return values that travel between machines; pixels stay on the storage that all of them see.
"""

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from tsmu.errors import TsmuError
from tsmu.mapping.mapped_scene import MappedScene, ScenePlan
from tsmu.mapping.options import MapOptions
from tsmu.mapping.scene.requests import SceneRequest
from tsmu.mapping.session import MapSession
from tsmu.workspace_folder import WorkspaceFolder

_ONE_SCENE = threading.Lock()  # workers with several threads would have several scenes in memory

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class CommandSetup:
    """What all steps of a command share.

    Attributes:
        options: how scenes are mapped.
        root: the workspace.
        command: a random text, so that workers do not take the session of an earlier command for this one's.
    """

    options: MapOptions
    root: Path
    command: str


@dataclass(frozen=True)
class SceneStart:
    """A scene whose run has begun: its plan, and the numbers of the rows of tiles that have to be computed."""

    plan: ScenePlan
    missing: list[int]


def _return_errors(step: Callable[P, T]) -> Callable[P, T | TsmuError | OSError]:
    """Make a step return its errors, without their causes: GDAL's errors cannot travel between processes."""

    @functools.wraps(step)
    def returning(*arguments: P.args, **keywords: P.kwargs) -> T | TsmuError | OSError:
        try:
            return step(*arguments, **keywords)
        except TsmuError as error:
            return type(error)(str(error))
        except OSError as error:
            return type(error)(error.errno, error.strerror, error.filename)

    return returning


@_return_errors
def begin(
    setup: CommandSetup, request: SceneRequest, folder: Path, plan: ScenePlan | None, _rows: tuple[int, ...]
) -> SceneStart:
    """Begin the run of a scene, or continue it; the first step."""
    with _ONE_SCENE, _session(setup).open_scene(request, folder, plan) as scene:
        return SceneStart(scene.plan, scene.run.begin(force=scene.force))


@_return_errors
def compute(setup: CommandSetup, request: SceneRequest, folder: Path, plan: ScenePlan, rows: tuple[int, ...]) -> None:
    """Compute some rows of tiles, and store them."""
    with _ONE_SCENE, _session(setup).open_scene(request, folder, plan) as scene:
        scene.run.compute_rows(rows)


@_return_errors
def finish(
    setup: CommandSetup, request: SceneRequest, folder: Path, plan: ScenePlan, _rows: tuple[int, ...]
) -> MappedScene:
    """Stitch the rows of tiles together and write the files; the last step."""
    with _ONE_SCENE, _session(setup).open_scene(request, folder, plan) as scene:
        return scene.complete(scene.run.finish(force=scene.force))


@functools.lru_cache(1)
def _session(setup: CommandSetup) -> MapSession:
    """The session of a command, whose engines stay loaded from one step to the next."""
    return MapSession(setup.options, WorkspaceFolder.open(setup.root))
