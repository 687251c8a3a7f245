"""Many processes map the same scenes: to the same bytes as one, whoever of them dies."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from tests.conftest import write_raster
from tests.mapping.conftest import blur, content, engine, ground
from tests.mapping.slow_worker import Slowly
from tests.mapping.test_map_command import PLACE, space, tsmu
from tsmu.errors import MapError, WorkspaceError
from tsmu.mapping import decoder_mapper
from tsmu.mapping.cluster.workers import connect_cluster, slurm_cluster
from tsmu.slurm import SlurmSettings
from tsmu.workspace_folder import WorkspaceFolder

__all__ = ["space"]  # the fixture

BANDS, TILE, OVERLAP = 8, 128, 32


def noted(log: Path, what: str) -> list[tuple[int, int]]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [(int(row), int(process)) for kind, row, process in map(str.split, lines) if kind == what]


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a cluster of two processes, and where they write down what they do."""
    log = tmp_path_factory.mktemp("cluster") / "log"
    with LocalCluster(
        2, threads_per_worker=1, dashboard_address=":0", memory_limit=0, plugins=[Slowly(log)]
    ) as cluster:
        yield cluster.scheduler_address, log


def test_a_killed_worker_costs_its_band_and_the_bytes_are_those_of_one_process(
    tmp_path: Path, space: WorkspaceFolder, two_workers: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, log = two_workers
    monkeypatch.setattr(decoder_mapper, "choose_engine", lambda *_: engine(blur))
    scene = write_raster(tmp_path / "scene.tif", ground(780, 300), **PLACE)
    how = ("--region", "alps", "--tile", TILE, "--overlap", OVERLAP, "--tta", "--json")
    command = ("map", scene, *how, "--workspace", space.root)
    killed: list[tuple[int, int]] = []
    over = threading.Event()

    def kill() -> None:
        """As soon as three bands are stored and another one is computed but not stored."""
        while not (killed or over.is_set()):
            stored = noted(log, "stored")
            if len(stored) >= 3 and (waiting := set(noted(log, "computed")) - set(stored)):
                killed.append(waiting.pop())
                os.kill(killed[0][1], signal.SIGKILL)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    done = tsmu(*command, "--out", tmp_path / "shared", "--cluster", address)
    over.set()
    killer.join()
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["bands"] == answer["bands_computed"] == BANDS
    assert len(killed) == 1
    stored, computed = noted(log, "stored"), noted(log, "computed")
    assert killed[0] not in stored
    assert sorted(row for row, _ in stored) == list(range(BANDS))
    assert Counter(row for row, _ in computed) == Counter(range(BANDS)) + Counter([killed[0][0]])
    assert len({process for _, process in computed}) >= 2
    alone = json.loads(tsmu(*command, "--out", tmp_path / "alone").stdout)
    assert content(tmp_path / "shared") == content(tmp_path / "alone")
    assert alone["run_already_there"]
    assert set(content(tmp_path / "shared")) == {"probability.tif", "deviation.tif", "polygons.parquet"}


def write_scenes(folder: Path) -> Path:
    """A table of three scenes that can be mapped and two that cannot."""
    write_raster(folder / "a.tif", ground(300, 200), **PLACE)
    write_raster(folder / "b.tif", ground(200, 300), **PLACE)
    write_raster(folder / "pixel.tif", np.full((3, 1, 1), 100, np.uint8), **PLACE)
    blocks = {"tiled": True, "blockxsize": 128, "blockysize": 128}
    broken = write_raster(folder / "broken.tif", ground(600, 200), **blocks, **PLACE)
    broken.write_bytes(broken.read_bytes()[:-200_000])
    write_raster(folder / "empty.tif", np.zeros((3, 80, 80), np.uint8), nodata=0, **PLACE)
    (folder / "scenes.csv").write_text("post\na.tif\nbroken.tif\nempty.tif\nb.tif\npixel.tif\n")
    return folder / "scenes.csv"


def check_scenes(table: Path, space: WorkspaceFolder, cluster: str, *how: object) -> None:
    """Several scenes are mapped by a cluster as by one process, and the same is told of the broken ones."""
    command = ("map", table, "--region", "alps", "--tile", 128, "--json", *how, "--workspace")
    alone = WorkspaceFolder.create(table.parent / "alone")
    alone.models.symlink_to(space.models)
    expected = json.loads(tsmu(*command, alone.root).stdout)
    done = tsmu(*command, space.root, "--cluster", cluster)
    assert done.exit_code == 3, done.stderr
    answer = json.loads(done.stdout)
    assert {scene["scene"] for scene in answer["scenes"]} == {"a", "b", "pixel"}
    told, as_alone = ({(i["row"], i["problem"]) for i in given["issues"]} for given in (answer, expected))
    assert told == as_alone
    assert answer["left_out"] == 2
    assert answer["records"] == expected["records"]
    assert content(space.maps) == content(alone.maps)


def test_broken_scenes_do_not_keep_a_cluster_from_the_others(
    tmp_path: Path, space: WorkspaceFolder, two_workers: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_mapper, "choose_engine", lambda *_: engine(blur))
    check_scenes(write_scenes(tmp_path), space, two_workers[0])


@pytest.mark.soak
@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_processes_of_this_machine_map_with_the_real_engines(tmp_path: Path, space: WorkspaceFolder, name: str) -> None:
    check_scenes(write_scenes(tmp_path), space, "local:2", "--engine", name)


def test_processes_of_this_machine_share_its_cores() -> None:
    with connect_cluster("local:2") as client:
        found = list(client.run(lambda: (os.sched_getaffinity(0), os.environ["OMP_NUM_THREADS"])).values())
    (first, threads), (second, _) = found
    cores = os.sched_getaffinity(0)
    assert first | second == cores
    assert not first & second or len(cores) == 1
    assert int(threads) == max(len(cores) // 2, 1)


def test_the_job_that_slurm_gets(tmp_path: Path) -> None:
    file = tmp_path / "slurm.toml"
    file.write_text(
        'jobs = 8\ncores = 16\nmemory = "8GB"\nwalltime = "02:00:00"\nqueue = "cpu"\naccount = "geo"\n'
        'prologue = ["module load gdal"]\ndirectives = ["--constraint=avx512"]\n'
    )
    with slurm_cluster(SlurmSettings.read(file)) as cluster:
        lines = cluster.job_script().splitlines()
    asked = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")}
    assert asked >= {"-p cpu", "-A geo", "-n 1", "--cpus-per-task=16", "--mem=8G", "-t 02:00:00", "--constraint=avx512"}
    worker = next(line for line in lines if "dask" in line)
    assert "--nthreads 1 " in worker
    assert "tcp://" in worker
    assert lines.index("export OMP_NUM_THREADS=16") < lines.index("module load gdal") < lines.index(worker)


def test_what_is_no_cluster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "slurm.toml"
    file.write_text("jobs = 2\nwall = 3\n")
    with (
        pytest.raises(WorkspaceError, match=r"slurm\.toml: unknown key wall; the nearest known one is walltime"),
        connect_cluster(str(file)),
    ):
        pass
    file.write_text("jobs = 2\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MapError, match=r"slurm\.toml: this machine has no sbatch"), connect_cluster(str(file)):
        pass
    with pytest.raises(MapError, match="local:0`: must be local, or local: and a number"), connect_cluster("local:0"):
        pass
    monkeypatch.setattr("tsmu.mapping.cluster.workers.CONNECT_S", 1)
    with (
        pytest.raises(MapError, match=r"tcp://127\.0\.0\.1:9`: cannot be reached"),
        connect_cluster("tcp://127.0.0.1:9"),
    ):
        pass
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MapError, match=r"distributed is not installed; in tsmu.s folder"), connect_cluster("local"):
        pass
