"""Sums over the processes that train one network together, each of which has a share of every batch.

Losses and batch normalisation are functions of a whole batch, not of each chip alone: soft Dice divides sums over all
pixels, batch normalisation subtracts the mean of all chips. Both go through `sum_over_processes`, so that two
processes with eight chips each compute what one process computes with sixteen. In a training of one process
nothing is summed, and nothing is slower.

The gradients are right for the following reason. Each of P processes computes the same loss L of the whole batch. The
backward pass of `sum_over_processes` sums the gradients that arrive in all processes, so that each process computes,
for its share of the batch, the gradient of P times L. The sum over the processes of a weight's gradients is therefore
P times the gradient of L, and `average_gradients` divides it by P.

This is distributed data parallelism (DDP) without PyTorch's wrapper of that name, which wants one pass through one
module in each step, knows each parameter's gradient beforehand, and averages the losses of the shares. Strategies ask
the network several times in a step, and train other parts of it in each stage.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode


def process_count() -> int:
    """The number of processes that train together; 1 outside of such a training.

    Example:
        >>> process_count()
        1
    """
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def sum_over_processes(value: Tensor) -> Tensor:
    """The sum of a tensor over all processes that train together, through which gradients flow.

    Args:
        value: of the same shape in every process, each of which must call this equally often.

    Example:
        >>> sum_over_processes(torch.tensor([2.0, 3.0])).tolist()
        [2.0, 3.0]
    """
    if process_count() == 1:
        return value
    summed: Tensor = _SumOverProcesses.apply(value)
    return summed


def batch_mean(values: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean of values over the whole batch, of which this process may have only a share.

    Args:
        values: one for each pixel, feature or chip of this process's share; every process has equally many.
        weights: 1 or True for each value that counts, 0 or False for each that does not; by default all count. If
            none counts in the whole batch, the mean is 0.

    Example:
        >>> float(batch_mean(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([1, 1, 0])))
        1.5
    """
    if weights is None:
        return values.mean() if process_count() == 1 else sum_over_processes(values.mean()) / process_count()
    total, count = sum_over_processes(torch.stack([(values * weights).sum(), weights.sum().to(values.dtype)]))
    mean: Tensor = total / count.clamp(min=1)
    return mean


def average_gradients(network: nn.Module) -> None:
    """Replace the gradients of a network by their mean over all processes, which have gradients of the same weights.

    Example:
        >>> average_gradients(network)  # nothing to do in a training of one process
    """
    if process_count() == 1:
        return
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    for gradient in gradients:
        gradient /= process_count()
    for work in [distributed.all_reduce(gradient, async_op=True) for gradient in gradients]:
        work.wait()


class _SumOverProcesses(torch.autograd.Function):
    """An all-reduce whose gradient is an all-reduce."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        del ctx
        summed = value.detach().clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        del ctx
        summed = gradients[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(summed)
        return summed


def pooled_batch_norm() -> AbstractContextManager[Any]:
    """A context in which batch normalisation uses the statistics of the whole batch, over all processes.

    Example:
        >>> with pooled_batch_norm():
        ...     normalised = torch.nn.BatchNorm2d(3)(torch.rand(2, 3, 8, 8))
    """
    return _PooledBatchNorm() if process_count() > 1 else nullcontext()


class _PooledBatchNorm(TorchFunctionMode):
    """Replaces the function that every layer of batch normalisation calls.

    So it holds for any encoder, and also on CPUs, for which PyTorch's `SyncBatchNorm` does not work. Layers in
    evaluation mode are not concerned. All processes have shares of the same size.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute batch normalisation in training mode ourselves, and everything else as usual."""
        if func is functional.batch_norm:
            return _batch_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _batch_norm(
    features: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalisation, with the signature of `torch.nn.functional.batch_norm`, over all processes.

    Processes exchange their means and mean squares in float64: the variance is the mean square minus the squared
    mean, a difference that would lose digits in float32.
    """
    if not training:
        return functional.batch_norm(features, running_mean, running_var, weight, bias, training, momentum, eps)
    values = features.float()
    axes = [axis for axis in range(values.ndim) if axis != 1]
    own_variance, own_mean = (part.double() for part in torch.var_mean(values, axes, correction=0))
    sums = sum_over_processes(torch.stack([own_mean, own_variance + own_mean.square()])) / process_count()
    mean, variance = sums[0].float(), (sums[1] - sums[0].square()).clamp(min=0).float()
    if running_mean is not None and running_var is not None:
        count = process_count() * values.numel() / values.shape[1]
        with torch.no_grad():
            running_mean.lerp_(mean, momentum)
            running_var.lerp_(variance * count / max(count - 1, 1), momentum)
    scale = torch.rsqrt(variance + eps) * (1 if weight is None else weight)
    shift = -mean * scale + (0 if bias is None else bias)
    shape = (1, -1, *[1] * (values.ndim - 2))
    return (values * scale.view(shape) + shift.view(shape)).to(features.dtype)
