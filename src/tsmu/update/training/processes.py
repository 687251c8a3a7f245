"""The processes of a training: this one alone, or several that train one network together (DDP).

The first process leads. It plans the update, reads checkpoints, reports progress and writes everything that is
written; the others, its followers, only train on their share of each batch. They are started in one of two ways:

    on one machine      the leader starts the others itself (`python -m tsmu.update.training.follower`)
    on several          SLURM (`srun`) or `torchrun` starts `tsmu update` once for each device; all but the first
                        come to `follow` before they touch the workspace

Either way all processes form a group (`torch.distributed`), the leader sends the others a `TrainingJob`, and all of
them run the same `Trainer`.
"""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

import torch

from tsmu.errors import UpdateError
from tsmu.model import cores_per_process, device_in_use, precision_in_use
from tsmu.update.training.fabric import (
    ClusterEnvironment,
    DDPStrategy,
    Fabric,
    Logger,
    SLURMEnvironment,
    TorchElasticEnvironment,
    find_free_network_port,
)
from tsmu.update.training.local_followers import LocalEnvironment, LocalFollowers
from tsmu.update.training.settings import TrainingResources

TIMEOUT = timedelta(minutes=30)  # how long a process waits for the others; one may still be scoring validation chips
RELEASE_TIMEOUT = timedelta(minutes=5)  # how long the leader waits for followers that it only tells to end


def is_follower() -> bool:
    """Whether SLURM or torchrun has started this process as one that follows the first.

    Example:
        >>> is_follower()
        False
    """
    environment = _launcher_environment()
    return environment is not None and environment.global_rank() > 0


def resolve_devices(resources: TrainingResources) -> int:
    """The number of training processes on each machine.

    Raises:
        UpdateError: this machine has fewer GPUs, or several machines were not started as such.

    Example:
        >>> resolve_devices(TrainingResources(devices=2))
        2
    """
    gpus = torch.cuda.device_count() if device_in_use() == "cuda" else 0
    devices, nodes = max(gpus, 1) if resources.devices == "auto" else resources.devices, resources.nodes
    if devices < 1 or nodes < 1:
        raise UpdateError(f"{devices} devices on {nodes} nodes: give at least 1 of both")
    if gpus and devices > gpus:
        raise UpdateError(f"{devices} devices: this machine has {gpus}; give at most that many, or auto")
    environment = _launcher_environment()
    if environment is None and nodes > 1:
        raise UpdateError(
            f"{nodes} nodes: start the command on all of them with srun or torchrun, "
            "or let tsmu do it with --cluster slurm.toml"
        )
    if environment is not None and (_node_count(), environment.world_size()) != (nodes, devices * nodes):
        raise UpdateError(
            f"{environment.world_size()} processes were started on {_node_count()} nodes, for {devices} devices on "
            f"each of {nodes}; start one for each device (srun --ntasks-per-node, torchrun --nproc-per-node)"
        )
    return devices


@contextmanager
def training_processes(resources: TrainingResources, logger: Logger | None = None) -> Iterator[Fabric]:
    """Bring the processes of a training together, and lead them.

    Args:
        resources: devices and machines.
        logger: of this process, the only one that has one.

    Yields:
        The Fabric of this process, the first. What it broadcasts first must be the `TrainingJob`.

    Raises:
        UpdateError: there are fewer devices, or one of the processes has ended.
    """
    devices, environment = resolve_devices(resources), _launcher_environment()
    count = devices * resources.nodes
    with ExitStack() as stack:
        stack.enter_context(_quiet_lightning())
        if count == 1:
            yield _launch_fabric(LocalEnvironment(0, 1, 0), 1, 1, precision_in_use(), logger=logger)
            return
        stack.enter_context(_shared_cores(devices))
        followers = LocalFollowers()
        if environment is not None:
            _meet_followers()
        else:
            port = find_free_network_port()
            stack.callback(followers.end)
            followers.start(count, port, precision_in_use())
            environment = LocalEnvironment(0, count, port)
        with followers.errors_in_one_line():
            stack.callback(_leave_group)
            yield _launch_fabric(environment, devices, resources.nodes, precision_in_use(), logger=logger)
        followers.wait()


def release_followers() -> None:
    """Let the processes that SLURM or torchrun has started beside this one end, if they still wait for a training."""
    environment = _launcher_environment()
    if environment is None or environment.global_rank() > 0 or _followers_are_met:
        return
    _meet_followers()
    with suppress(RuntimeError):  # they have ended already
        join_processes(environment, precision_in_use(), RELEASE_TIMEOUT).broadcast(None)
    _leave_group()


def join_processes(environment: ClusterEnvironment | None, precision: str, timeout: timedelta = TIMEOUT) -> Fabric:
    """Join the processes of a training.

    Args:
        environment: of this process; None for that of SLURM or torchrun.
        precision: in which it computes.
        timeout: for which it waits for the others.

    Returns:
        The Fabric of this process. The first broadcast of the one that leads gives the others the `TrainingJob`, or
        None where there is nothing to do.
    """
    nodes = 1 if environment else _node_count()
    environment = environment or _launcher_environment()
    assert environment is not None
    devices = environment.world_size() // nodes
    torch.set_num_threads(cores_per_process(devices))
    with _quiet_lightning():
        return _launch_fabric(environment, devices, nodes, precision, timeout=timeout)


def _launch_fabric(
    environment: ClusterEnvironment,
    devices: int,
    nodes: int,
    precision: str,
    *,
    timeout: timedelta = TIMEOUT,
    logger: Logger | None = None,
) -> Fabric:
    """Launch the Fabric of a process, and wait until all processes have joined the group."""
    fabric = Fabric(
        accelerator=device_in_use(),
        devices=devices,
        num_nodes=nodes,
        strategy=DDPStrategy(timeout=timeout) if devices * nodes > 1 else "auto",
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
        plugins=[environment],
        loggers=logger,
    )
    with _environment_restored("MASTER_ADDR", "MASTER_PORT"):
        fabric.launch()
    return fabric


@contextmanager
def _environment_restored(*names: str) -> Iterator[None]:
    """Restore variables that Lightning sets in the environment: a job submitted later would inherit them."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _launcher_environment() -> ClusterEnvironment | None:
    """The environment of SLURM or torchrun, where one of them has started several processes of this command.

    Raises:
        UpdateError: srun was not told how many there are on each machine.
    """
    if TorchElasticEnvironment.detect():  # srun may start torchrun, but not the other way round
        return TorchElasticEnvironment() if int(os.environ["WORLD_SIZE"]) > 1 else None
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) == 1:  # set by srun alone: the batch script has no such step
        return None
    if "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise UpdateError("srun has started several processes; say how many on each machine with --ntasks-per-node")
    return SLURMEnvironment(auto_requeue=False)


def _node_count() -> int:
    """The number of machines on which SLURM or torchrun has started this command."""
    return int(os.environ["GROUP_WORLD_SIZE" if TorchElasticEnvironment.detect() else "SLURM_NNODES"])


# Whether this process has already joined a group with the followers that SLURM or torchrun has started, to train with
# them or to tell them to end. Either happens only once, since they end afterwards.
_followers_are_met = False


def _meet_followers() -> None:
    """Note that the followers that SLURM or torchrun has started are used now, after which they end.

    Raises:
        UpdateError: they were used before, and have ended.
    """
    global _followers_are_met
    if _followers_are_met:
        raise UpdateError("the other processes have ended after the first training; use srun or torchrun once for each")
    _followers_are_met = True


def _leave_group() -> None:
    """Leave the group of processes, so that a later training can make another."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@contextmanager
def _shared_cores(processes: int) -> Iterator[None]:
    """Compute with this process's part of the machine's cores, which it shares with the others."""
    before = torch.get_num_threads()
    torch.set_num_threads(cores_per_process(processes))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep Lightning's hints from the user, who can do nothing about them."""
    for name in ("lightning_fabric", "pytorch_lightning"):  # Fabric reports through either
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning_fabric|pytorch_lightning")
        yield
