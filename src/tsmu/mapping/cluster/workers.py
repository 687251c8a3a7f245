"""Where the workers of a cluster come from: a running scheduler, this machine, or SLURM."""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmu.errors import MapError
from tsmu.model import available_cores
from tsmu.slurm import SlurmSettings, require_sbatch

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
CORES_PER_WORKER = 4  # where no number of workers is given; not tuned, for want of a larger machine
CONNECT_S = 30


@contextmanager
def connect_cluster(cluster: str) -> Iterator["Client"]:
    """Connect to a cluster, or start one that ends with the `with` block.

    Args:
        cluster: the address of a Dask scheduler; `local` or `local:N` for N processes on this machine;
            or a TOML file with what SLURM is asked for.

    Yields:
        The Dask client of the cluster.

    Raises:
        MapError: Dask is not installed, or there is no such cluster.
        WorkspaceError: the settings in the file are wrong.

    Example:
        >>> with connect_cluster("local:1") as client:  # doctest: +SKIP
        ...     scenes = [(request, space.maps / request.name)]
        ...     for request, outcome in Dispatcher(client, MapOptions(), space, scenes, print).run():
        ...         print(request.name, outcome)
    """
    for package in ("distributed", *(["dask_jobqueue"] if cluster.endswith(".toml") else [])):
        if importlib.util.find_spec(package) is None:
            raise MapError(
                f"--cluster {cluster}: {package} is not installed; in tsmu's folder: pip install '.[cluster]'"
            )
    from distributed import Client

    with ExitStack() as stack:
        try:
            scheduler: Any = cluster
            if cluster.endswith(".toml"):
                scheduler = stack.enter_context(_slurm(Path(cluster)))
            elif cluster.partition(":")[0] == LOCAL:
                scheduler = stack.enter_context(_local(cluster))
            client = stack.enter_context(Client(scheduler, timeout=CONNECT_S))
        except (OSError, ValueError, RuntimeError) as error:
            raise MapError(
                f"--cluster {cluster}: cannot be reached or started ({str(error).splitlines()[0]}); give the address "
                "of a Dask scheduler, such as tcp://host:8786, or local, or a .toml file"
            ) from None
        yield client


def slurm_cluster(settings: SlurmSettings) -> Any:
    """Make a cluster of SLURM jobs, none of them submitted yet; each job is a worker that does one step at a time."""
    from dask_jobqueue import SLURMCluster

    return SLURMCluster(
        cores=1,
        processes=1,
        job_cpu=settings.cores,
        memory=settings.memory,
        walltime=settings.walltime,
        queue=settings.queue,
        account=settings.account,
        interface=settings.interface,
        job_name="tsmu-map",
        job_script_prologue=[f"export OMP_NUM_THREADS={settings.cores}", *settings.prologue],
        job_extra_directives=settings.directives,
        scheduler_options={"dashboard_address": ":0"},
        silence_logs="critical",
    )


def _local(cluster: str) -> Any:
    """Start processes on this machine that share its cores."""
    from distributed import LocalCluster

    from tsmu.mapping.cluster.core_affinity import CoreAffinity

    cores = available_cores()
    number = cluster.partition(":")[2]
    if number and not (number.isdecimal() and int(number)):
        raise MapError(f"--cluster {cluster}: must be {LOCAL}, or {LOCAL}: and a number of processes")
    count = int(number) if number else max(2, cores // CORES_PER_WORKER)
    return LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        memory_limit=0,  # a worker keeps to its own bounds; Dask's would end it for the system's file cache
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
        env={"OMP_NUM_THREADS": str(max(cores // count, 1))},
        plugins=[CoreAffinity(count)],
    )


def _slurm(file: Path) -> Any:
    """Submit the SLURM jobs that a file describes."""
    settings = SlurmSettings.read(file)
    require_sbatch(file, MapError)
    cluster = slurm_cluster(settings)
    cluster.adapt(minimum_jobs=settings.jobs, maximum_jobs=settings.jobs)  # a job that ends is submitted again
    return cluster
