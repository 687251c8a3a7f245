"""An update as a job of SLURM, of one process for each device."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tsmu.errors import UpdateError
from tsmu.slurm import SlurmJob, SlurmSettings, SubmittedJob, require_sbatch
from tsmu.update.plan import chips_to_learn
from tsmu.update.strategies import strategy_named
from tsmu.update.training.loggers import require_logger
from tsmu.update.training.settings import TrainingResources, TrainingSettings
from tsmu.workspace_folder import WorkspaceFolder


def submit_update(
    workspace: WorkspaceFolder,
    region: str,
    strategy_name: str,
    settings: TrainingSettings,
    resources: TrainingResources,
    cluster: Path,
    options: Mapping[str, object],
) -> SubmittedJob:
    """Write the script of a job that runs `tsmu update`, and submit it.

    What can be checked without reading images is checked before the job is submitted; whatever else is wrong ends the
    job, and is in its log. A job that SLURM interrupts goes back into the queue, and goes on where it stopped.

    Args:
        workspace: has the region's chips; on storage that all machines see under this path.
        region: to be learned.
        strategy_name: how to learn.
        settings: steps, batch size, seed.
        resources: number of devices of each machine (not `auto`), number of machines, and the training's logger.
        cluster: file with what SLURM is asked for (`SlurmSettings`).
        options: options for `tsmu update`, by their names in Python, such as `batch_size`; those that are None or
            False are left out.

    Raises:
        UpdateError: the update cannot be done so, or SLURM refuses the job.
        WorkspaceError: the settings in the file are wrong.

    Example:
        >>> settings, resources = TrainingSettings(steps=300, batch_size=16, seed=0), TrainingResources(2)
        >>> options = {"steps": 300, "devices": 2}
        >>> submit_update(  # doctest: +SKIP
        ...     workspace, "alps", "isolate", settings, resources, Path("slurm.toml"), options
        ... ).number
        '4711'
    """
    slurm_settings = SlurmSettings.read(cluster)
    if resources.devices == "auto":
        raise UpdateError(
            "--devices auto: this machine does not know the GPUs of the cluster's; give their number on each machine, "
            "as the directives in the settings of --cluster ask for them"
        )
    if resources.devices < 1 or resources.nodes < 1:
        raise UpdateError(f"{resources.devices} devices on {resources.nodes} nodes: give at least 1 of both")
    settings.require_equal_shares(resources.devices * resources.nodes)
    strategy_named(strategy_name)
    require_logger(resources.logger)
    chips_to_learn(workspace, region)
    require_sbatch(cluster, UpdateError)
    command = [sys.executable, "-m", "tsmu", "update", region, *_words(options), "--workspace", str(workspace.root)]
    job = SlurmJob(slurm_settings, f"update-{region}", command, workspace.jobs, resources.nodes, resources.devices)
    return job.submit(UpdateError)


def _words(options: Mapping[str, object]) -> list[str]:
    """Options as the words of a command line.

    Example:
        >>> _words({"batch_size": 8, "keep_validation": True, "weights": None})
        ['--batch-size', '8', '--keep-validation']
    """
    words = list[str]()
    for name, value in options.items():
        if value is not None and value is not False:
            flag = f"--{name.replace('_', '-')}"
            words += [flag] if value is True else [flag, str(value)]
    return words
