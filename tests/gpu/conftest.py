"""What tests on a GPU share. `make gpu` runs them; on machines without one `make test` leaves them out."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from tests.conftest import require


@pytest.fixture(scope="session", autouse=True)
def gpu() -> None:
    """Fail without an NVIDIA GPU before anything is trained."""
    require(torch.cuda.is_available(), "an NVIDIA GPU that torch can use")


@pytest.fixture(autouse=True)
def exact_float32(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Switch TF32 off, so that convolutions compute in full float32; TF32 rounds their input to 10 bits."""
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")  # in processes that a training starts
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@contextmanager
def without_gpu() -> Iterator[None]:
    """Compute on the CPU within the block, as on a machine without a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        yield


def gpu_allocations() -> int:
    """How often memory of the GPU was taken so far: more often after anything was computed on it."""
    return int(torch.cuda.memory_stats().get("allocation.all.allocated", 0))
