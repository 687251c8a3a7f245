"""Jobs of SLURM: the resources they request (`slurm.toml`), their scripts, and putting one back into the queue."""

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

NOTICE_S = 120  # a job gets SIGUSR1 so many seconds before its time is over, or before it has to leave its machine
_MEGABYTES = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT])(?:i?B)?", re.IGNORECASE)


def _check_memory(text: str) -> str:
    """Refuse a memory size without a unit, or with an unknown one."""
    if not _MEMORY.fullmatch(text):
        raise ValueError("must be a number and a unit of K, M, G or T, such as 8GB")
    return text


class SlurmSettings(Section):
    """The contents of a `slurm.toml`: the resources that SLURM is asked for, for each process that computes.

    When mapping, each process is a job of its own, a worker. When training, all of them are tasks of one job.

    Example:
        >>> SlurmSettings(cores=8, memory="16GB", directives=["--gres=gpu:1"]).memory_mb
        16384
    """

    jobs: int = Field(1, ge=1)  # number of workers that map; a training is always one job
    cores: int = Field(4, ge=1)  # CPU cores of each process
    memory: Annotated[str, AfterValidator(_check_memory)] = "4GB"  # memory of each process, with its unit
    walltime: str = "01:00:00"  # time after which SLURM ends a job, HH:MM:SS
    queue: str | None = None
    account: str | None = None
    interface: str | None = None  # network interface between the machines, such as ib0
    prologue: list[str] = Field([])  # shell commands that run before the processes start, such as module load
    directives: list[str] = Field([])  # further options of sbatch, such as --gres=gpu:1

    @property
    def memory_mb(self) -> int:
        """The memory of each process in SLURM's megabytes, of 1024 x 1024 bytes."""
        match = _MEMORY.fullmatch(self.memory)
        assert match
        return math.ceil(float(match[1]) * _MEGABYTES[match[2].upper()])


@dataclass(frozen=True)
class SubmittedJob:
    """A job that was submitted to SLURM's queue.

    Attributes:
        number: the job's id in SLURM.
        script: the file that was submitted.
        log: the file that gets what the processes print, once the job runs.
    """

    number: str
    script: Path
    log: Path


@dataclass(frozen=True)
class SlurmJob:
    """A job of one command, which SLURM starts once for each process.

    Shortly before the job's time is over, or before it has to leave its machines, its processes get SIGUSR1. A process
    that then calls `requeue_job` lets the job run again later, with the same number and the same log.

    Attributes:
        settings: the resources that each process needs.
        name: name of the job, as `squeue` shows it; its script and log are named by it, too.
        command: the words of the command.
        folder: the folder of script and log, an absolute path.
        nodes: number of machines.
        processes: number of processes on each machine.

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
            error: the class of the error that is raised.

        Raises:
            TsmuError: SLURM refuses the job; the error is of the class `error`.
        """
        script = self.folder / f"{self.name}.sh"
        write_text(script, self.text())
        result = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True, check=False)
        if result.returncode:
            reason = " ".join(result.stderr.split()) or f"exit code {result.returncode}"
            raise error(f"{script}: sbatch refuses the job ({reason}); correct what --cluster asks for")
        number = result.stdout.strip().partition(";")[0]  # sbatch prints NUMBER or NUMBER;CLUSTER
        return SubmittedJob(number, script, self.folder / f"{self.name}-{number}.log")

    def text(self) -> str:
        """The text of the job's script, as sbatch takes it."""
        settings = self.settings
        lines = ["#!/bin/bash", *(f"#SBATCH {directive}" for directive in self._directives()), ""]
        # The shell that submits this job may itself belong to another job, with the address of that job's first process
        # in its environment.
        lines += ["unset MASTER_ADDR MASTER_PORT", f"export OMP_NUM_THREADS={settings.cores}"]
        if settings.interface:  # by it the processes find each other: Gloo on CPUs, NCCL on GPUs
            name = shlex.quote(settings.interface)
            lines += [f"export GLOO_SOCKET_IFNAME={name} NCCL_SOCKET_IFNAME={name}"]
        # A process that fails ends the others. One that has finished does not end them (--wait=0: no time limit).
        # The number of cores is given to srun, too, because since SLURM 22.05 it does not take it from the job.
        srun = ["srun", "--kill-on-bad-exit=1", "--wait=0", f"--cpus-per-task={settings.cores}"]
        return "\n".join([*lines, *settings.prologue, "", shlex.join([*srun, *self.command]), ""])

    def _directives(self) -> list[str]:
        """The options for sbatch; the user's own come last, so that they win over ours."""
        settings = self.settings
        options = {
            "job-name": self.name,
            "chdir": str(Path.cwd()),
            "output": str(self.folder / self.name).replace("%", "%%") + "-%j.log",
            "open-mode": "append",  # a job that runs again appends to its log
            "nodes": str(self.nodes),
            "ntasks-per-node": str(self.processes),
            "cpus-per-task": str(settings.cores),
            "mem": f"{settings.memory_mb * self.processes}M",  # for each machine
            "time": settings.walltime,
            "partition": settings.queue,
            "account": settings.account,
            "signal": f"USR1@{NOTICE_S}",
        }
        given = [f"--{name}={shlex.quote(value)}" for name, value in options.items() if value is not None]
        return [*given, "--requeue", *settings.directives]


def require_sbatch(file: Path, error: type[TsmuError]) -> None:
    """Refuse to submit jobs on a machine that has no `sbatch`.

    Args:
        file: the file of settings, which the message names.
        error: the class of the error that is raised.

    Raises:
        TsmuError: there is no `sbatch`; the error is of the class `error`.
    """
    if not shutil.which("sbatch"):
        raise error(f"{file}: this machine has no sbatch; run it where SLURM jobs can be submitted")


def requeue_job() -> str:
    """Put the SLURM job that this process belongs to back into the queue, so that it runs again later.

    Returns:
        What was done, or what the user has to do outside a job, as the end of a sentence.

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
