"""Scenes mapped by the workers of a Dask cluster: their rows of tiles are shared out among the workers.

It is the mapping of one process, divided: a worker begins the run of a scene, workers compute its rows of
tiles in advance into the run's checkpoints on disk, and one worker finishes it, which uses those rows as it
uses the rows of a run that was killed. So the storage has to be the same for the workers and this
process; results lie there, and only a few numbers travel. A worker that dies costs the row that it was
computing.
"""

import math
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmu.errors import MapError, TsmuError
from tsmu.files import remove
from tsmu.mapping.cluster.steps import CommandSetup, SceneStart, begin, compute, finish
from tsmu.mapping.map_run import lock_map_folder
from tsmu.mapping.mapped_scene import MappedScene, ScenePlan
from tsmu.mapping.options import MapOptions
from tsmu.mapping.scene.requests import SceneRequest
from tsmu.mapping.tiling.checkpoints import FOLDER
from tsmu.mapping.tiling.scene_job import Progress, UnmappableSceneError
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    from distributed import Client, Future

SHARES_PER_WORKER = 4  # so many shares of the rows of tiles, so that no worker waits long for the last one

SceneOutcome = MappedScene | TsmuError | OSError


@dataclass
class _SceneProgress:
    """A scene, and how far it is.

    Attributes:
        request, folder: what is mapped, and where its map goes.
        lock: holds the lock of the folder.
        plan, missing: as of the `SceneStart`.
        shares_left: shares of the rows of tiles that wait or are being computed.
        running: steps of the scene that are being done.
        error: the first error, after which no step of the scene is started.
    """

    request: SceneRequest
    folder: Path
    lock: ExitStack = field(default_factory=ExitStack)
    plan: ScenePlan | None = None
    missing: list[int] = field(default_factory=list)
    shares_left: int = 0
    running: int = 0
    error: TsmuError | OSError | None = None


@dataclass(frozen=True)
class _Task:
    """A step of a scene that waits or is being done; `rows` are the rows of tiles that it computes."""

    scene: _SceneProgress
    step: Any
    rows: tuple[int, ...] = ()


class Dispatcher:
    """Gives the steps of scenes to the workers of a cluster, one step to each at a time.

    Args:
        client: of the cluster.
        options: how scenes are mapped; its paths must be absolute.
        space: the workspace, on storage that all workers see under the same path.
        scenes: each scene with absolute paths, and the folder for its map.
        progress: called with (rows of tiles done, rows of tiles of the scenes that were begun).

    Example:
        See `connect_cluster`.
    """

    def __init__(
        self,
        client: "Client",
        options: MapOptions,
        space: WorkspaceFolder,
        scenes: Iterable[tuple[SceneRequest, Path]],
        progress: Progress,
    ) -> None:
        self._client = client
        self._setup = CommandSetup(options, space.root, uuid.uuid4().hex)
        self._scenes = deque(_SceneProgress(*scene) for scene in scenes)
        self._tasks: deque[_Task] = deque()
        self._running: dict[Future, _Task] = {}
        self._progress = progress
        self._rows_done = self._rows_begun = 0

    def run(self) -> Iterator[tuple[SceneRequest, SceneOutcome]]:
        """Map the scenes; yield each when it is finished, with its map or with its error.

        Raises:
            MapError: the cluster is gone.
        """
        from distributed import CancelledError, wait

        try:
            while self._scenes or self._tasks or self._running:
                workers = max(len(self._client.nthreads()), 1)
                while len(self._running) < workers and (self._tasks or self._scenes):
                    if not self._tasks:
                        yield from self._start(self._scenes.popleft())
                    else:
                        self._submit(self._tasks.popleft())
                if self._running:
                    for future in wait(list(self._running), return_when="FIRST_COMPLETED").done:
                        yield from self._complete(self._running.pop(future), future, workers)
        except (CancelledError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise MapError(f"the cluster is gone ({reason}); the same command continues where it stopped") from None
        finally:
            for task in (*self._running.values(), *self._tasks):
                task.scene.lock.close()
            with suppress(CancelledError, OSError):
                self._client.cancel(list(self._running), force=True)

    def _start(self, scene: _SceneProgress) -> Iterator[tuple[SceneRequest, SceneOutcome]]:
        """Lock the folder of a scene and queue its first step; yields only if the folder is locked."""
        try:
            scene.lock.enter_context(lock_map_folder(scene.folder))
        except MapError as error:
            yield scene.request, error
        else:
            self._tasks.append(_Task(scene, begin))

    def _submit(self, task: _Task) -> None:
        """Give a step to the cluster."""
        scene = task.scene
        scene.running += 1
        arguments = self._setup, scene.request, scene.folder, scene.plan, task.rows
        self._running[self._client.submit(task.step, *arguments, pure=False)] = task

    def _complete(self, task: _Task, future: "Future", workers: int) -> Iterator[tuple[SceneRequest, SceneOutcome]]:
        """Take the result of a step and queue what follows; yields the scene if it is finished or has failed."""
        scene = task.scene
        scene.running -= 1
        try:
            result = _step_result(scene, future)
        except (TsmuError, OSError) as error:
            self._give_up(scene, error)
        else:
            if isinstance(result, MappedScene):
                counted = replace(result.result, bands_computed=len(scene.missing))
                yield scene.request, replace(result, result=counted)
                scene.lock.close()
            elif isinstance(result, SceneStart):
                self._share_out(scene, result, workers)
            else:
                self._count_rows(scene, len(task.rows))
        if scene.error and not scene.running:
            if isinstance(scene.error, UnmappableSceneError):
                remove(scene.folder / FOLDER)
            yield scene.request, scene.error
            scene.lock.close()

    def _share_out(self, scene: _SceneProgress, start: SceneStart, workers: int) -> None:
        """Divide the missing rows of tiles into shares: the fewer scenes wait, the smaller."""
        scene.plan, scene.missing = start.plan, start.missing
        rows_left = len(start.missing) * (1 + len(self._scenes))
        length = max(math.ceil(rows_left / (SHARES_PER_WORKER * workers)), 1)
        shares = [tuple(start.missing[first : first + length]) for first in range(0, len(start.missing), length)]
        scene.shares_left = len(shares)
        self._tasks.extend(_Task(scene, compute, share) for share in shares)
        self._rows_begun += len(start.missing)
        if not shares:
            self._tasks.appendleft(_Task(scene, finish))

    def _count_rows(self, scene: _SceneProgress, rows: int) -> None:
        """Count rows of tiles that are computed; after the last of a scene it can be finished."""
        scene.shares_left -= 1
        if not scene.shares_left and not scene.error:
            self._tasks.appendleft(_Task(scene, finish))
        self._rows_done += rows
        self._progress(self._rows_done, self._rows_begun)

    def _give_up(self, scene: _SceneProgress, error: TsmuError | OSError) -> None:
        """Start no more steps of a scene; those being done come to their end."""
        scene.error = scene.error or error
        self._tasks = deque(task for task in self._tasks if task.scene is not scene)


def _step_result(scene: _SceneProgress, future: "Future") -> Any:
    """Give the result of a step, or raise its error."""
    from distributed import KilledWorker

    try:
        result = future.result()
    except KilledWorker:
        raise MapError(
            f"{scene.request.post}: several workers ended while they mapped it, perhaps for lack of memory; "
            "give them more, or map it with a smaller --tile"
        ) from None
    except (ImportError, AttributeError) as error:
        raise MapError(
            f"workers have another version of tsmu, or none ({error}); install the same on all machines"
        ) from None
    if isinstance(result, Exception):
        raise result
    return result
