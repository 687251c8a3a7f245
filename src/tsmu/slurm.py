"""SLURM: what a job asks for (`slurm.toml`), the script that starts one, and how it goes back into the queue."""

import math
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from tsmu.errors import TsmuError
from tsmu.files import write_text
from tsmu.workspace_folder import Section

NOTICE_S = 120  # before its time is over, or its machine is needed, a job gets SIGUSR1
_MEGABYTES = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT])(?:i?B)?", re.IGNORECASE)


def _check_memory(text: str) -> str:
    """Refuse a memory size without a unit, or with an unknown one."""
    if not _MEMORY.fullmatch(text):
        raise ValueError("must be a number and a unit of K, M, G or T, such as 8GB")
    return text


class SlurmSettings(Section):
    """A `slurm.toml`: what SLURM is asked for, for each process that computes.

    When mapping, each process is a job of its own, a worker. When training, all of them are tasks of one job.

    Example:
        >>> SlurmSettings(cores=8, memory="16GB", directives=["--gres=gpu:1"]).memory_mb
        16384
    """

    jobs: int = Field(1, ge=1)  # workers that map; a training is always one job
    cores: int = Field(4, ge=1)  # of each process
    memory: Annotated[str, AfterValidator(_check_memory)] = "4GB"  # of each process
    walltime: str = "01:00:00"
    queue: str | None = None
    account: str | None = None
    interface: str | None = None  # of the network between the machines, such as ib0
    prologue: list[str] = Field([])  # lines of shell before the processes start, such as module load
    directives: list[str] = Field([])  # more of #SBATCH, such as --gres=gpu:1

    @property
    def memory_mb(self) -> int:
        """The memory of each process in SLURM's megabytes, of 1024 x 1024 bytes."""
        match = _MEMORY.fullmatch(self.memory)
        assert match
        return math.ceil(float(match[1]) * _MEGABYTES[match[2].upper()])


@dataclass(frozen=True)
class SubmittedJob:
    """A job that waits in SLURM's queue.

    Attributes:
        number: by which SLURM knows it.
        script: the file that was submitted.
        log: what the processes print, once the job runs.
    """

    number: str
    script: Path
    log: Path


@dataclass(frozen=True)
class SlurmJob:
    """A job of one command, which SLURM starts once for each process.

    Shortly before its time is over, or its machines are needed, its processes get SIGUSR1; a job that then calls
    `requeue_job` runs again later, with the same number and the same log.

    Attributes:
        settings: what is asked for, for each process.
        name: of the job, as `squeue` shows it, and of its files.
        command: words of the command.
        folder: for script and log; absolute.
        nodes: machines.
        processes: on each of them.

    Example:
        >>> command = ["tsmu", "update", "alps", "--devices", "2"]
        >>> job = SlurmJob(SlurmSettings(cores=8), "update-alps", command, Path("/survey/jobs"), nodes=1, processes=2)
        >>> print(job.text().splitlines()[-1])
        srun --kill-on-bad-exit=1 --wait=0 --cpus-per-task=8 tsmu update alps --devices 2
    """

    settings: SlurmSettings
    name: str
    command: Sequence[str]
    folder: Path
    nodes: int
    processes: int

    def submit(self, error: type[TsmuError]) -> SubmittedJob:
        """Write the job's script into its folder, and submit it to run in the current folder.

        Args:
            error: which error is raised.

        Raises:
            TsmuError: of the class `error`, where SLURM refuses the job.
        """
        script = self.folder / f"{self.name}.sh"
        write_text(script, self.text())
        result = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True, check=False)
        if result.returncode:
            reason = " ".join(result.stderr.split()) or f"exit code {result.returncode}"
            raise error(f"{script}: sbatch refuses the job ({reason}); correct what --cluster asks for")
        number = result.stdout.strip().partition(";")[0]  # behind it the cluster, where there are several
        return SubmittedJob(number, script, self.folder / f"{self.name}-{number}.log")

    def text(self) -> str:
        """The text of the job's script, as sbatch takes it."""
        settings = self.settings
        lines = ["#!/bin/bash", *(f"#SBATCH {directive}" for directive in self._directives()), ""]
        # The address of another job's first process may be in the shell from which this one is submitted.
        lines += ["unset MASTER_ADDR MASTER_PORT", f"export OMP_NUM_THREADS={settings.cores}"]
        if settings.interface:  # by which the processes find each other, on CPUs and on GPUs
            name = shlex.quote(settings.interface)
            lines += [f"export GLOO_SOCKET_IFNAME={name} NCCL_SOCKET_IFNAME={name}"]
        # A process that fails ends the others; one that is done is not the end of them (--wait=0: no time limit).
        # The number of cores is repeated because srun does not take it from the job since SLURM 22.05.
        srun = ["srun", "--kill-on-bad-exit=1", "--wait=0", f"--cpus-per-task={settings.cores}"]
        return "\n".join([*lines, *settings.prologue, "", shlex.join([*srun, *self.command]), ""])

    def _directives(self) -> list[str]:
        """What sbatch is asked for; the user's own come last, so that they count where two contradict each other."""
        settings = self.settings
        asked = {
            "job-name": self.name,
            "chdir": str(Path.cwd()),
            "output": str(self.folder / self.name).replace("%", "%%") + "-%j.log",
            "open-mode": "append",  # a job that runs again goes on with its log
            "nodes": str(self.nodes),
            "ntasks-per-node": str(self.processes),
            "cpus-per-task": str(settings.cores),
            "mem": f"{settings.memory_mb * self.processes}M",  # of each machine
            "time": settings.walltime,
            "partition": settings.queue,
            "account": settings.account,
            "signal": f"USR1@{NOTICE_S}",
        }
        options = [f"--{name}={shlex.quote(value)}" for name, value in asked.items() if value is not None]
        return [*options, "--requeue", *settings.directives]


def require_sbatch(file: Path, error: type[TsmuError]) -> None:
    """Refuse to submit jobs where that is not possible.

    Args:
        file: the settings, for the message.
        error: which error is raised.

    Raises:
        TsmuError: of the class `error`, where there is no `sbatch`.
    """
    if not shutil.which("sbatch"):
        raise error(f"{file}: this machine has no sbatch; run it where SLURM jobs can be submitted")


def requeue_job() -> str:
    """Put the job of SLURM that this process belongs to back into the queue, where it waits to run again.

    Returns:
        What was done, as the end of a sentence for the user.

    Example:
        >>> requeue_job()  # doctest: +SKIP
        'job 4711 is back in the queue'
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return "run it again"
    try:
        result = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"job {job} could not be requeued (scontrol: {error.strerror}); submit it again"
    if result.returncode:
        return f"job {job} could not be requeued ({' '.join(result.stderr.split())}); submit it again"
    return f"job {job} is back in the queue"
