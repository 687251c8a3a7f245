"""The processes that the leader of a training starts on its own machine (`python -m tsmu.update.training.follower`)."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

import torch

from tsmu.errors import UpdateError
from tsmu.update.training.fabric import ClusterEnvironment

FOLLOWER = "tsmu.update.training.follower"
READY = b"ready\n"  # what a follower writes once it has loaded its libraries
ENDING_S = 10.0  # seconds that followers have to end by themselves once the training is over


@dataclass
class LocalEnvironment(ClusterEnvironment):
    """The place of one process among those that its leader has started on this machine.

    Attributes:
        rank: number of the process, from 0, which is the leader.
        processes: their number.
        port: at which the leader can be reached.
    """

    rank: int
    processes: int
    port: int

    creates_processes_externally = True  # Fabric is not to start any
    main_address = "127.0.0.1"

    @property
    def main_port(self) -> int:
        """The port at which the leader can be reached."""
        return self.port

    @staticmethod
    def detect() -> bool:
        """Never chosen by Fabric."""
        return False

    def world_size(self) -> int:
        """The number of processes."""
        return self.processes

    def set_world_size(self, size: int) -> None:
        """Ignored: it is known from the start."""

    def global_rank(self) -> int:
        """The number of this process."""
        return self.rank

    def set_global_rank(self, rank: int) -> None:
        """Ignored: it is known from the start."""

    def local_rank(self) -> int:
        """The number of this process on its machine, which is the only one."""
        return self.rank

    def node_rank(self) -> int:
        """The number of the machine."""
        return 0


def is_broken_connection(error: RuntimeError) -> bool:
    """Whether an error says that another process of the training has ended."""
    return "gloo" in str(error) or isinstance(error, torch.distributed.DistError)


class LocalFollowers:
    """The processes that a leader has started on its machine."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._messages: list[IO[bytes]] = []

    def start(self, count: int, port: int, precision: str) -> None:
        """Start all processes but the leader, and wait until they have loaded their libraries.

        Args:
            count: of all processes.
            port: of the leader.
            precision: in which the leader computes.
        """
        for rank in range(1, count):
            messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
            command = [sys.executable, "-m", FOLLOWER, str(rank), str(count), str(port), precision]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=messages, stdin=subprocess.DEVNULL, start_new_session=True
            )
            self._processes.append(process)
            self._messages.append(messages)
        for process in self._processes:
            assert process.stdout is not None
            if process.stdout.readline() != READY:
                process.wait()
                raise UpdateError(self._describe_end())

    @contextmanager
    def errors_in_one_line(self) -> Iterator[None]:
        """Raise an UpdateError where the connection to another process breaks because that process has ended."""
        try:
            yield
        except RuntimeError as error:
            if not is_broken_connection(error):
                raise
            raise UpdateError(self._describe_end()) from None

    def _describe_end(self) -> str:
        """One line on the process that has ended first, as far as that is known."""
        how = "the connection to it is broken"
        for process, messages in zip(self._processes, self._messages, strict=True):
            try:
                code = process.wait(1.0)
            except subprocess.TimeoutExpired:
                continue
            messages.seek(0)
            lines = messages.read().decode(errors="replace").strip().splitlines()
            if code < 0:
                how = f"ended by signal {-code}, most often because memory ran out"
                break
            if code > 0:
                how = lines[-1] if lines else f"exit code {code}"
        return (
            f"one of the processes that train together has ended ({how}); "
            "run the same command again, which goes on from the last checkpoint"
        )

    def wait(self) -> None:
        """Wait for the processes to end, as they do when the training is over."""
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(ENDING_S)

    def end(self) -> None:
        """End the processes that are still there."""
        for process, messages in zip(self._processes, self._messages, strict=True):
            process.kill()
            process.wait()
            messages.close()
            if process.stdout:
                process.stdout.close()
