"""A SLURM of one machine: `sbatch`, `srun` and `scontrol` as far as jobs of tsmu use them, written from the manual.

`FakeSlurm` puts the three programs on PATH. `sbatch` only keeps a job; the test runs it, and signals its tasks as
SLURM does. Run as a script this file is the three programs: `fake_slurm.py PROGRAM FOLDER ARGUMENTS`.
"""

import argparse
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("sbatch", "srun", "scontrol")


@dataclass
class FakeSlurm:
    """Where the programs and the jobs lie.

    Attributes:
        folder: of this SLURM.
    """

    folder: Path

    @classmethod
    def install(cls, folder: Path, monkeypatch: pytest.MonkeyPatch) -> "FakeSlurm":
        """Put the programs on PATH."""
        (folder / "bin").mkdir(parents=True)
        for program in PROGRAMS:
            words = [sys.executable, __file__, program, str(folder)]
            file = folder / "bin" / program
            file.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
        return cls(folder)

    def options(self, job: str) -> argparse.Namespace:
        """What the script of a job asks for."""
        return options_of((self.folder / job / "script").read_text())

    def log(self, job: str) -> Path:
        """The file that a job prints into."""
        return Path(self.options(job).output.replace("%j", job).replace("%%", "%"))

    def start(self, job: str) -> "subprocess.Popen[bytes]":
        """Run the script of a job on this machine, as the only node of its allocation."""
        (self.folder / job / "requeued").unlink(missing_ok=True)
        (self.folder / job / "tasks").unlink(missing_ok=True)
        options = self.options(job)
        tasks = options.nodes * options.ntasks_per_node
        environment = {
            "SLURM_JOB_ID": job, "SLURM_JOB_NAME": options.job_name, "SLURM_NNODES": options.nodes,
            "SLURM_NTASKS": tasks, "SLURM_NTASKS_PER_NODE": options.ntasks_per_node, "SLURM_NODELIST": "localhost",
            "SLURM_PROCID": 0, "SLURM_LOCALID": 0, "SLURM_NODEID": 0,
        }  # fmt: skip
        with self.log(job).open("ab" if options.open_mode == "append" else "wb") as log:
            return subprocess.Popen(
                ["bash", str(self.folder / job / "script")], cwd=options.chdir, stdout=log, stderr=subprocess.STDOUT,
                env=os.environ | {name: str(value) for name, value in environment.items()},
            )  # fmt: skip

    def signal_tasks(self, job: str, number: int) -> None:
        """Send a signal to all tasks of a job's step, as `--signal` without `B:` does."""
        for pid in (self.folder / job / "tasks").read_text().split():
            os.kill(int(pid), number)

    def is_requeued(self, job: str) -> bool:
        """Whether the job is back in the queue."""
        return (self.folder / job / "requeued").exists()


def options_of(script: str) -> argparse.Namespace:
    """The directives of a script, of which the manual lets the last of two that are equal count."""
    lines = [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH ")]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("job-name", "chdir", "output", "open-mode", "cpus-per-task", "mem", "time", "signal", "gres"):
        parser.add_argument(f"--{name}")
    for name in ("partition", "account"):
        parser.add_argument(f"--{name}")
    for name in ("nodes", "ntasks-per-node"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--requeue", action="store_true")
    return parser.parse_args([word for line in lines for word in shlex.split(line)])


def sbatch(folder: Path, arguments: list[str]) -> int:
    """Keep a job until it is run, and print its number."""
    flag, file = arguments
    assert flag == "--parsable"
    script = Path(file).read_text()
    if options_of(script).partition == "closed":
        print("sbatch: error: Batch job submission failed:\nInvalid partition name specified", file=sys.stderr)
        return 1
    job = free_job_number()
    (folder / job).mkdir()
    (folder / job / "script").write_text(script)
    print(f"{job};here")
    return 0


def free_job_number() -> str:
    """A number that nobody has, and by which Lightning finds a free port."""
    while True:
        number = random.randrange(1000, 10000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", 15000 + number))
            return str(number)


def srun(folder: Path, arguments: list[str]) -> int:
    """Run a command once for each task; where one fails, end the others if that is asked for."""
    count = next(number for number, word in enumerate(arguments) if not word.startswith("--"))
    options, command = arguments[:count], arguments[count:]
    cores = [word.partition("=")[2] for word in options if word.startswith("--cpus-per-task=")]
    number = int(os.environ["SLURM_NTASKS"])
    step = {"SLURM_STEP_NUM_TASKS": number, "SLURM_CPUS_PER_TASK": cores[0] if cores else 1}
    tasks = []
    for rank in range(number):
        own = step | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank, "SLURM_NODEID": 0}
        tasks.append(subprocess.Popen(command, env=os.environ | {name: str(value) for name, value in own.items()}))
    (folder / os.environ["SLURM_JOB_ID"] / "tasks").write_text(" ".join(str(task.pid) for task in tasks))
    while any(task.poll() is None for task in tasks):
        failed = [rank for rank, task in enumerate(tasks) if task.poll()]
        if failed and "--kill-on-bad-exit=1" in options:
            for task in tasks:
                task.kill()
        time.sleep(0.05)
    for rank, task in enumerate(tasks):
        print(f"srun: task {rank}: exit code {task.wait()}", file=sys.stderr)
    return max(abs(task.wait()) for task in tasks)


def scontrol(folder: Path, arguments: list[str]) -> int:
    """Put a job back into the queue, which ends its tasks by SIGTERM."""
    action, job = arguments
    assert action == "requeue"
    if not (folder / job / "tasks").exists():
        print(f"Job {job} is not running", file=sys.stderr)
        return 1
    (folder / job / "requeued").touch()
    for pid in (folder / job / "tasks").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGTERM)
    return 0


if __name__ == "__main__":
    sys.exit({"sbatch": sbatch, "srun": srun, "scontrol": scontrol}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3:]))
