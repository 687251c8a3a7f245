"""The cores that this process may compute on."""

import os


def available_cores() -> int:
    """The number of cores that this process may use, which on a cluster are fewer than the machine has.

    Example:
        >>> available_cores() >= 1
        True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores_per_process(processes: int) -> int:
    """The number of cores that one of several processes on this machine may use.

    Tasks of SLURM's `srun` have cores of their own (`--cpus-per-task`); others share those that there are.

    Args:
        processes: on this machine, this one among them.

    Example:
        >>> 1 <= cores_per_process(2) <= available_cores()
        True
    """
    is_one_task_of_many = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1
    if is_one_task_of_many and "SLURM_CPUS_PER_TASK" in os.environ:
        return min(int(os.environ["SLURM_CPUS_PER_TASK"]), available_cores())
    return max(available_cores() // processes, 1)
