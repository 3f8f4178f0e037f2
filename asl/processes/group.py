"""Several processes that work as one: what each does of a batch, and how they tell each other.

`asl.processes.joining.joined` yields a `Processes`. Whoever takes one does the same with `ALONE`,
which is one process.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


class Shard(NamedTuple):
    """The part of a batch that one process computes.

    Attributes:
        whole: items in the batch of all processes.
        first: the first of them that this process computes.
        size: how many it computes, at least one.
        counts: False if there were fewer items than processes, and this one computes an item of
            another only to keep step. Nothing of it may reach a result.
    """

    whole: int
    first: int
    size: int
    counts: bool

    @property
    def rows(self) -> slice:
        return slice(self.first, self.first + self.size)

    @property
    def share(self) -> float:
        """What a mean over these items adds to the mean over the batch."""
        return self.counts * self.size / self.whole


@dataclass(frozen=True)
class Processes:
    """This process among those that work as one.

    Attributes:
        rank: its number, from 0. Number 0 writes and prints.
        count: of all processes.
        device: where it computes. None leaves that to whoever asks.
        steps: the group that exchanges gradients; None where there is one process.
        exact: whether batch norm adds up in an order that does not show in the result, so that
            neither the number of processes nor that of threads does; see
            `asl.processes.shared_models`.
    """

    rank: int = 0
    count: int = 1
    device: torch.device | None = None
    steps: Any = None
    exact: bool = True

    def shard(self, size: int) -> Shard:
        """Returns which of `size` items are this process's: consecutive, as many as the others'."""
        first, end = (size * rank // self.count for rank in (self.rank, self.rank + 1))
        return Shard(size, first, end - first, True) if end > first else Shard(size, 0, 1, False)

    def dealt(self, items: Sequence[T]) -> Sequence[T]:
        """Returns which of some independent items are this process's: dealt out like cards."""
        return items[self.rank :: self.count]

    def summed(self, tensor: Tensor) -> Tensor:
        """Replaces a tensor by the sum of all processes' tensors, and returns it."""
        if self.count > 1:
            dist.all_reduce(tensor, group=self.steps)
        return tensor

    def gathered(self, part: Tensor, shard: Shard) -> Tensor:
        """Returns the rows of all shards as one tensor, through which gradients flow.

        Args:
            part: this process's rows, (`shard.size`, …).
            shard: which they are.

        Returns:
            (`shard.whole`, …). Only the gradient of this process's rows goes on, times the number
            of processes, since `DistributedDataParallel` takes the mean over them.
        """
        return part if self.count == 1 else _Gather.apply(part, shard, self)

    def each(self, value: T) -> list[T]:
        """Returns the values of all processes in order. It waits for the slowest."""
        if self.count == 1:
            return [value]
        values: list = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def from_first(self, function: Callable[[], T]) -> T:
        """Calls a function in process 0 alone. All return what it returns, or raise its error."""
        if self.count == 1:
            return function()
        outcome: list[Any] = [None, None]
        if self.rank == 0:
            try:
                outcome[0] = function()
            except Exception as error:
                outcome[1] = error
        dist.broadcast_object_list(outcome, src=0)
        if outcome[1] is not None:
            raise _of_all(outcome[1])
        return outcome[0]

    def one_after_another(self, function: Callable[[], T]) -> T:
        """Calls a function in one process of each machine, then in its others.

        So these find what the first has downloaded or decoded.
        """
        if self.count == 1:
            return function()
        if here := int(os.environ["LOCAL_RANK"]):
            self.each(None)
        result = function()
        if not here:
            self.each(None)
        return result

    def check_equal(self, described: Mapping[str, object]) -> None:
        """Raises ValueError in all processes, naming what differs, unless all describe the same."""
        everybody = self.each(dict(described))
        names = dict.fromkeys(name for of in everybody for name in of)
        differing = [
            f"{name}: {everybody[0].get(name)} in process 0, {of.get(name)} in process {rank}"
            for rank, of in enumerate(everybody)
            for name in names
            if of.get(name) != everybody[0].get(name)
        ]
        if differing:
            raise _of_all(
                ValueError(
                    "expected all processes to be given the same, found\n  "
                    + "\n  ".join(differing)
                )
            )


ALONE = Processes(exact=False)
"""One process that works by itself, with torch's own batch norm."""


_to_draw_for: ContextVar[Shard | None] = ContextVar("_to_draw_for", default=None)


@contextmanager
def drawing_for(shard: Shard) -> Iterator[None]:
    """Tells code that draws random numbers in a block that the images are a shard of a batch."""
    token = _to_draw_for.set(shard)
    try:
        yield
    finally:
        _to_draw_for.reset(token)


def shard_to_draw_for() -> Shard | None:
    """Returns the shard for which random numbers are drawn, or None for a whole batch."""
    return _to_draw_for.get()


def _of_all(error: Exception) -> Exception:
    """Marks an error that all processes raise, so that the command line tells it once."""
    vars(error)["of_all_processes"] = True
    return error


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, part: Tensor, shard: Shard, processes: Processes) -> Tensor:
        ctx.shard, ctx.processes = shard, processes
        # Adding zeros changes nothing, and shards may differ in size.
        whole = part.new_zeros((shard.whole, *part.shape[1:]))
        if shard.counts:
            whole[shard.rows] = part
        return processes.summed(whole)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        shard = ctx.shard
        return gradient[shard.rows] * (ctx.processes.count * shard.counts), None, None
