"""Many machines: scenes cut into runs of bands, computed by the workers of a Dask cluster.

It is the mapping of one process, shared out. A worker begins a scene's run, workers compute its bands
ahead into the run's state on disk, and one finishes it, which takes those bands as it takes the bands of
a run that was killed. So the storage has to be the workers' and this process's alike; results come to
lie there, and only a few numbers travel. A worker that dies costs the band that it was at.
"""

import functools
import math
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tsmu.errors import MapError, TsmuError
from tsmu.files import remove
from tsmu.mapping.map_run import alone_in
from tsmu.mapping.scene.requests import SceneOrder
from tsmu.mapping.session import MappedScene, Plan, SceneOpener, Wanted
from tsmu.mapping.tiling.checkpoints import FOLDER
from tsmu.mapping.tiling.scene_job import HopelessError, Progress
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    from distributed import Client, Future

PIECES = 4  # per worker: so many runs of bands, so that none waits long for the last one

P = ParamSpec("P")
T = TypeVar("T")
Outcome = MappedScene | TsmuError | OSError


@dataclass(frozen=True)
class _Setup:
    """What all tasks of a command share; `command` keeps workers from taking an older one's for it."""

    wanted: Wanted
    root: Path
    command: str


@dataclass
class _Scene:
    """A scene on its way."""

    order: SceneOrder
    folder: Path
    locked: ExitStack = field(default_factory=ExitStack)
    plan: Plan | None = None
    missing: list[int] = field(default_factory=list)
    waiting: int = 0  # runs of bands that are to be computed or are being computed
    under_way: int = 0
    error: TsmuError | OSError | None = None


@dataclass(frozen=True)
class _Task:
    """A step of a scene; with `rows` these bands are computed."""

    scene: _Scene
    function: Any
    rows: tuple[int, ...] = ()


class Dispatcher:
    """Hands the scenes' steps to a cluster's workers, to each one at a time.

    Args:
        client: of the cluster.
        wanted: how the scenes are to be mapped; its paths absolute.
        space: the workspace, on storage that all workers see under the same name.
        scenes: what is to be mapped, by absolute paths, and into which folders.
        progress: called with (bands done, bands of the scenes that were begun).
    """

    def __init__(
        self,
        client: "Client",
        wanted: Wanted,
        space: WorkspaceFolder,
        scenes: Iterable[tuple[SceneOrder, Path]],
        progress: Progress,
    ) -> None:
        self._client = client
        self._setup = _Setup(wanted, space.root, uuid.uuid4().hex)
        self._scenes = deque(_Scene(*scene) for scene in scenes)
        self._tasks: deque[_Task] = deque()
        self._under_way: dict[Future, _Task] = {}
        self._progress = progress
        self._done = self._all = 0

    def run(self) -> Iterator[tuple[SceneOrder, Outcome]]:
        """Map the scenes; yields each when it is done, with its map or with what went wrong.

        Raises:
            MapError: the cluster is gone.
        """
        from distributed import CancelledError, wait

        try:
            while self._scenes or self._tasks or self._under_way:
                workers = max(len(self._client.nthreads()), 1)
                while len(self._under_way) < workers and (self._tasks or self._scenes):
                    if not self._tasks:
                        yield from self._start(self._scenes.popleft())
                    else:
                        self._submit(self._tasks.popleft())
                if self._under_way:
                    for future in wait(list(self._under_way), return_when="FIRST_COMPLETED").done:
                        yield from self._take(self._under_way.pop(future), future, workers)
        except (CancelledError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise MapError(f"the cluster is gone ({reason}); the same command goes on where it stopped") from None
        finally:
            for task in (*self._under_way.values(), *self._tasks):
                task.scene.locked.close()
            with suppress(CancelledError, OSError):
                self._client.cancel(list(self._under_way), force=True)

    def _start(self, scene: _Scene) -> Iterator[tuple[SceneOrder, Outcome]]:
        try:
            scene.locked.enter_context(alone_in(scene.folder))
        except MapError as error:
            yield scene.order, error
        else:
            self._tasks.append(_Task(scene, begin))

    def _submit(self, task: _Task) -> None:
        scene = task.scene
        scene.under_way += 1
        arguments = self._setup, scene.order, scene.folder, scene.plan, task.rows
        self._under_way[self._client.submit(task.function, *arguments, pure=False)] = task

    def _take(self, task: _Task, future: "Future", workers: int) -> Iterator[tuple[SceneOrder, Outcome]]:
        scene = task.scene
        scene.under_way -= 1
        try:
            found = _result(scene, future)
        except (TsmuError, OSError) as error:
            self._give_up(scene, error)
        else:
            if isinstance(found, MappedScene):
                computed = replace(found.result, bands_computed=len(scene.missing))
                yield scene.order, replace(found, result=computed)
                scene.locked.close()
            elif isinstance(found, Begun):
                self._share_out(scene, found, workers)
            else:
                self._computed(scene, len(task.rows))
        if scene.error and not scene.under_way:
            if isinstance(scene.error, HopelessError):
                remove(scene.folder / FOLDER)
            yield scene.order, scene.error
            scene.locked.close()

    def _share_out(self, scene: _Scene, begun: "Begun", workers: int) -> None:
        """Cut what is to be computed into runs of bands: the fewer scenes are left, the shorter."""
        scene.plan, scene.missing = begun.plan, begun.missing
        left = len(begun.missing) * (1 + len(self._scenes))
        length = max(math.ceil(left / (PIECES * workers)), 1)
        runs = [tuple(begun.missing[first : first + length]) for first in range(0, len(begun.missing), length)]
        scene.waiting = len(runs)
        self._tasks.extend(_Task(scene, compute, run) for run in runs)
        self._all += len(begun.missing)
        if not runs:
            self._tasks.appendleft(_Task(scene, finish))

    def _computed(self, scene: _Scene, bands: int) -> None:
        scene.waiting -= 1
        if not scene.waiting and not scene.error:
            self._tasks.appendleft(_Task(scene, finish))
        self._done += bands
        self._progress(self._done, self._all)

    def _give_up(self, scene: _Scene, error: TsmuError | OSError) -> None:
        """Compute no more of a scene; what is under way comes to its end."""
        scene.error = scene.error or error
        self._tasks = deque(task for task in self._tasks if task.scene is not scene)


def _result(scene: _Scene, future: "Future") -> Any:
    from distributed import KilledWorker

    try:
        found = future.result()
    except KilledWorker:
        raise MapError(
            f"{scene.order.post}: worker after worker ended at it, perhaps for want of memory; give them more, "
            "or map it with a smaller --tile"
        ) from None
    except (ImportError, AttributeError) as error:
        raise MapError(f"workers have another tsmu, or none ({error}); install the same on all machines") from None
    if isinstance(found, Exception):
        raise found
    return found


@dataclass(frozen=True)
class Begun:
    """A scene whose run has begun: how it is mapped, and which bands are to be computed."""

    plan: Plan
    missing: list[int]


_ALONE = threading.Lock()  # workers with several threads would have several scenes in memory


def _told(step: Callable[P, T]) -> Callable[P, T | TsmuError | OSError]:
    """Give a step's errors as its result, without what caused them: GDAL's errors cannot travel."""

    @functools.wraps(step)
    def told(*arguments: P.args, **named: P.kwargs) -> T | TsmuError | OSError:
        try:
            return step(*arguments, **named)
        except TsmuError as error:
            return type(error)(str(error))
        except OSError as error:
            return type(error)(error.errno, error.strerror, error.filename)

    return told


@_told
def begin(setup: _Setup, order: SceneOrder, folder: Path, plan: Plan | None, _rows: tuple[int, ...]) -> Begun:
    """Begin a scene's run; what workers do first."""
    with _ALONE, _opener(setup).opened(order, folder, plan) as scene:
        return Begun(scene.plan, scene.run.begin(force=setup.wanted.force))


@_told
def compute(setup: _Setup, order: SceneOrder, folder: Path, plan: Plan, rows: tuple[int, ...]) -> None:
    """Compute some bands ahead."""
    with _ALONE, _opener(setup).opened(order, folder, plan) as scene:
        scene.run.compute_ahead(rows)


@_told
def finish(setup: _Setup, order: SceneOrder, folder: Path, plan: Plan, _rows: tuple[int, ...]) -> MappedScene:
    """Put the bands together and write the files; what workers do last."""
    with _ALONE, _opener(setup).opened(order, folder, plan) as scene:
        return scene.finished(scene.run.finish(force=setup.wanted.force))


@functools.lru_cache(1)
def _opener(setup: _Setup) -> SceneOpener:
    """The opener of a command, with its engines ready from one task to the next."""
    return SceneOpener(setup.wanted, WorkspaceFolder.open(setup.root))
