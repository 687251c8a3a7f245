"""Updates as jobs of SLURM: what the script asks for, and that a job that is interrupted goes on where it stopped."""

import doctest
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.commands import COMMANDS, takes
from tests.networks import NETWORK, NETWORK_OPTIONS
from tests.room_examples import examples, run_example
from tests.update.fake_slurm import FakeSlurm
from tests.update.networks import chips_of
from tsmu.chips import add_to_index
from tsmu.errors import UpdateError, WorkspaceError
from tsmu.model import bundle_versions
from tsmu.slurm import SlurmSettings
from tsmu.update import lead
from tsmu.update.training.interruption import TrainingPreemptedError
from tsmu.workspace import Report, Workspace

LONGEST_S = 250  # that two processes may take to load their libraries and to train, on a machine with other work
SETTINGS = """
cores = 1
memory = "1.5GB"
walltime = "02:00:00"
queue = "gpu"
account = "geo"
interface = "ib0"
prologue = ["module load cuda"]
directives = ["--gres=gpu:2", "--time=08:00:00"]
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return FakeSlurm.install(tmp_path / "slurm", monkeypatch)


@pytest.fixture
def work(tmp_path: Path, bright_chips: Path) -> Workspace:
    """A workspace with chips, in a folder whose name needs quotes."""
    workspace = Workspace(tmp_path / "eva's 100 % survey")
    add_to_index(workspace.folder, chips_of(bright_chips, "bright"))
    return workspace


def write_settings(folder: Path, text: str) -> Path:
    (folder / "slurm.toml").write_text(text)
    return folder / "slurm.toml"


def submit(work: Workspace, settings: Path, **options: Any) -> Report:
    report = work.update("bright", cluster=settings, **options)
    assert isinstance(report, Report)
    return report


def value_of(option: Any) -> Any:
    """A value of an option that is not its default."""
    if takes(bool, option):
        return True
    values = {"steps": "auto", "devices": 2, "batch_size": 36, "strategy": "isolate", "logger": "csv"}
    return values.get(option.name, 3 if takes(int, option) else "a b")


def test_the_script_asks_for_what_the_settings_say(tmp_path: Path, work: Workspace, slurm: FakeSlurm) -> None:
    others = {"region", "cluster", "dry_run", "workspace", "as_json"}
    options = {option.name: value_of(option) for option in COMMANDS["update"].params if option.name not in others}
    report = submit(work, write_settings(tmp_path, SETTINGS), **options)
    script, log = (Path(report.outputs[name]) for name in ("script", "log"))
    job = report.details["job"]
    assert script.parent == log.parent == work.folder.jobs
    assert (script.name, log.name) == ("update-bright.sh", f"update-bright-{job}.log")
    assert all(word in str(report) for word in (job, str(script), str(log), "the same command goes on"))
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    asked = slurm.options(job)
    assert (asked.nodes, asked.ntasks_per_node, asked.cpus_per_task, asked.mem) == (3, 2, "1", "3072M")
    assert (asked.time, asked.partition, asked.account, asked.gres) == ("08:00:00", "gpu", "geo", "gpu:2")
    assert (asked.requeue, asked.open_mode, asked.signal) == (True, "append", "USR1@120")
    assert slurm.log(job) == log
    *before, last = script.read_text().splitlines()
    exports = [
        "unset MASTER_ADDR MASTER_PORT",
        "export OMP_NUM_THREADS=1",
        "export GLOO_SOCKET_IFNAME=ib0 NCCL_SOCKET_IFNAME=ib0",
    ]
    assert [line for line in before if line and not line.startswith("#")] == [*exports, "module load cuda"]
    words = ["srun", "--kill-on-bad-exit=1", "--wait=0", "--cpus-per-task=1"]
    words += [sys.executable, "-m", "tsmu", "update", "bright"]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    assert shlex.split(last) == [*words, "--workspace", str(work.folder.root)]


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ("", {"devices": "auto"}, "`devices=auto`: this machine does not know the GPUs"),
        ("", {"devices": 0}, "at least 1"),
        ("", {"devices": 3, "batch_size": 4}, "multiple of 3"),
        ("", {"strategy": "nonsense"}, "nonsense"),
        ("", {"logger": "paper"}, "`logger=paper`: not known"),
        ("", {"steps": 1}, "at least 2"),
        ('queue = "closed"', {}, "sbatch refuses the job .*Invalid partition name"),
        ('memory = "8"', {}, "memory = '8': .* a number and a unit"),
        ("nodes = 2", {}, "unknown key nodes"),
    ],
)
def test_what_cannot_be_done_is_refused_before_it_waits_in_the_queue(
    tmp_path: Path, work: Workspace, slurm: FakeSlurm, settings: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises((UpdateError, WorkspaceError), match=words) as raised:
        submit(work, write_settings(tmp_path, settings), **options)
    assert "\n" not in str(raised.value)
    assert [path.name for path in slurm.folder.iterdir()] == ["bin"]
    assert work.folder.jobs.exists() == ("closed" in settings)


def test_without_sbatch_or_chips_there_is_no_job(
    tmp_path: Path, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = write_settings(tmp_path, "")
    with pytest.raises(UpdateError, match="nowhere: no chips of this region"):
        work.update("nowhere", cluster=settings)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UpdateError, match=r"slurm\.toml: this machine has no sbatch"):
        submit(work, settings)
    with pytest.raises(WorkspaceError, match=r"other\.toml: no such file"):
        submit(work, tmp_path / "other.toml")
    assert not work.folder.jobs.exists()


@pytest.mark.parametrize("example", examples("tsmu.slurm"))
def test_an_example_gives_what_it_says(example: doctest.DocTest) -> None:
    run_example(example)


def test_memory_is_in_the_units_of_slurm() -> None:
    sizes = {"8GB": 8192, "1.5 GiB": 1536, "700m": 700, "1T": 1048576, "100K": 1}
    assert {size: SlurmSettings(memory=size).memory_mb for size in sizes} == sizes


def wait_for_checkpoint(work: Workspace, job: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + LONGEST_S
    while not list(work.folder.runs.glob("*/last.ckpt")):
        assert job.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.timeout(3 * LONGEST_S)
def test_a_preempted_job_of_two_tasks_is_requeued_and_goes_on(
    tmp_path: Path, work: Workspace, slurm: FakeSlurm
) -> None:
    """SLURM ends all tasks as soon as one has failed, and the job once it is requeued; the checkpoint is whole."""
    report = submit(work, write_settings(tmp_path, "cores = 1"), steps=40, batch_size=4, devices=2, **NETWORK)
    job, log = report.details["job"], Path(report.outputs["log"])
    first = slurm.start(job)
    wait_for_checkpoint(work, first)
    slurm.signal_tasks(job, signal.SIGUSR1)
    first.wait(LONGEST_S)
    assert slurm.is_requeued(job), log.read_text()
    # What the leader says then is not looked for: srun may end it as soon as the requeued follower has ended.
    assert bundle_versions(work.folder.models) == []
    second = slurm.start(job)
    assert second.wait(LONGEST_S) == 0, log.read_text()
    assert not slurm.is_requeued(job)
    continued = log.read_text().partition("Goes on after step ")[2].partition(" of 40")[0]
    assert 20 <= int(continued) < 40
    assert log.read_text().count("v001 has learned bright") == 1
    assert [path.name for path in bundle_versions(work.folder.models)] == ["v001"]
    assert list(work.folder.runs.iterdir()) == []


def test_followers_end_where_their_leader_is_refused(work: Workspace, slurm: FakeSlurm) -> None:
    """By themselves, for not every srun ends all processes as soon as one of them fails."""
    job = "4711"
    (slurm.folder / job).mkdir()
    command = ["srun", sys.executable, "-m", "tsmu", "update", "nowhere", "--devices", "2", *NETWORK_OPTIONS]
    nodes = {"SLURM_JOB_ID": job, "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1"}
    done = subprocess.run(
        [*command, "--workspace", work.folder.root], env=os.environ | nodes | {"SLURM_NODELIST": "localhost"},
        capture_output=True, text=True, check=False, timeout=LONGEST_S,
    )  # fmt: skip
    assert "nowhere: no chips of this region" in done.stderr
    assert "srun: task 0: exit code 2\nsrun: task 1: exit code 0" in done.stderr


@pytest.mark.parametrize(
    ("number", "job", "words"),
    [
        ("4711", "4711", "job 4711 is back in the queue"),
        ("4712", "4711", "job 4712 could not be requeued .*not running"),
        (None, None, "run it again"),
    ],
)
def test_what_is_under_way_besides_a_training_is_given_up_and_requeued(
    slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch, number: str | None, job: str | None, words: str
) -> None:
    if job:
        (slurm.folder / job).mkdir()
        (slurm.folder / job / "tasks").write_text(str(os.getpid()))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    if number:
        monkeypatch.setenv("SLURM_JOB_ID", number)
    with pytest.raises(TrainingPreemptedError, match=f"^stopped while no step was under way.*; {words}"), lead():
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(60)
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
