"""A model that several processes train as one, each on its part of every batch.

torch's `DistributedDataParallel` adds up their gradients. Two things more make the result that of
one process: batch norm takes its statistics over the whole batch, and dropout draws for the whole
batch and keeps its part.
"""

import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.overrides import TorchFunctionMode

from asl.processes.group import Processes, Shard

_DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout)


def shared(model: nn.Module, processes: Processes) -> Callable[[Tensor, Shard], Any]:
    """Returns what computes a model on one shard of a batch, for training.

    All processes begin with the weights of process 0. They must call it, and `backward`, equally
    often. The gradients are the mean over the processes.

    Args:
        model: on its device. It remains what it was, and its parameters are what is trained.
        processes: those that share the batches.

    Returns:
        (the shard's images, the shard) → what the model returns for them
    """
    if not processes.exact:
        return lambda images, shard: model(images)
    network = model
    if processes.count > 1:
        # Strides of a dimension of size 1, which say nothing.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        network = DistributedDataParallel(
            model,
            process_group=processes.steps,
            forward_sync_buffers=False,  # they are equal: statistics are of the whole batch
        )

    def compute(images: Tensor, shard: Shard) -> Any:
        with _WholeBatch(shard, processes):
            return network(images)

    return compute


class _WholeBatch(TorchFunctionMode):
    """Lets the layers in a block that look at a whole batch, or draw for it, do so."""

    def __init__(self, shard: Shard, processes: Processes):
        super().__init__()
        self.shard, self.processes = shard, processes

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is F.batch_norm:
            return self.batch_norm(*args, **kwargs)
        if function in _DROPOUTS:
            return self.dropout(function, *args, **kwargs)
        return function(*args, **kwargs)

    def dropout(self, function: Callable, x: Tensor, p=0.5, training=True, inplace=False):
        if not training:
            return function(x, p, training, inplace)
        # A layer may see several rows of each image: `ASLNet` sees three.
        each, rest = divmod(len(x), self.shard.size)
        if rest:
            raise ValueError(
                f"expected dropout of {self.shard.size} images, or of several rows of each, found "
                f"{tuple(x.shape)}: its first dimension must be the batch for several processes"
            )
        first = each * self.shard.first
        whole = x.new_zeros((each * self.shard.whole, *x.shape[1:]))
        whole[first : first + len(x)] = x
        return function(whole, p, True, True)[first : first + len(x)]

    def batch_norm(
        self,
        x: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if not training:
            return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
        y, mean, var, rows = _BatchNorm.apply(x, weight, bias, eps, self.shard, self.processes)
        if running_mean is not None and running_var is not None:
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            unbiased = var * (rows / (rows - 1))
            running_var.lerp_(unbiased.to(running_var.dtype), momentum)
        return y


class _BatchNorm(torch.autograd.Function):
    """Batch norm over the shards of all processes, whose sums lose nothing.

    torch's `SyncBatchNorm` does not run on a CPU. And on a CPU torch adds up the statistics of
    channels-last maps one by one in float32: half of the digits depend on the number of threads.
    `Tensor.sum` adds in blocks, is as fast, and is exact to the last digit or two.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, eps, shard: Shard, processes: Processes):
        full = _in_full(x)
        dims, channels = [0, *range(2, x.ndim)], x.shape[1]
        rows = x.numel() // channels
        own_mean = full.sum(dims) / rows
        own_var = (full - _wide(own_mean, x)).square_().sum(dims) / rows
        # The statistics of each process, then all of them put together (Chan et al. 1979).
        table = own_mean.new_zeros((processes.count, 2 * channels + 1))
        counted = own_mean.new_full((1,), rows * shard.counts)
        table[processes.rank] = torch.cat([own_mean, own_var, counted])
        means, variances, counts = processes.summed(table).split([channels, channels, 1], dim=1)
        total = counts.sum()
        shares = counts / total  # (processes, 1)
        mean = (shares * means).sum(dim=0)
        var = (shares * (variances + (means - mean).square())).sum(dim=0)
        ctx.save_for_backward(x, weight, mean, var, total)
        ctx.eps, ctx.shard, ctx.processes, ctx.dims = eps, shard, processes, dims
        ctx.mark_non_differentiable(mean, var, total)
        return torch.batch_norm(x, weight, bias, mean, var, False, 0.0, eps, True), mean, var, total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient, *_):
        x, weight, mean, var, total = ctx.saved_tensors
        gradient, centred = _in_full(gradient), _in_full(x) - _wide(mean, x)
        own = torch.cat([gradient.sum(ctx.dims), (gradient * centred).sum(ctx.dims)])
        through_mean, through_var = (ctx.processes.summed(own.clone()) / total).chunk(2)
        inverse = (var + ctx.eps).rsqrt()
        dx = centred.mul_(_wide(-through_var * inverse.square(), x))
        dx += gradient
        dx -= _wide(through_mean, x)
        dx *= _wide(inverse if weight is None else inverse * weight, x)
        if not ctx.shard.counts:
            dx.zero_()  # an item that is not there has moved no statistics
        dweight = dbias = None
        if weight is not None:
            dbias, dweight = own.chunk(2)
            dweight = inverse * dweight
        return dx.to(x.dtype), dweight, dbias, None, None, None


def _in_full(x: Tensor) -> Tensor:
    """Returns a tensor in float32 at least, in which sums can be taken."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def _wide(values: Tensor, like: Tensor) -> Tensor:
    """Returns a value per channel (C,), shaped to broadcast over (N, C, …)."""
    return values.view(-1, *[1] * (like.ndim - 2))
