"""Random numbers for a batch of pictures, and the coordinates of their pixels."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from asl.processes.group import shard_to_draw_for


class Draw:
    """Draws numbers for each of N images, shaped to broadcast over (N, 3, H, W).

    `strength`, from 0 to 1, scales what `around`, `factor` and `chance` draw. If the images are one
    process's part of a batch, the numbers are drawn for all of it; see
    `asl.processes.group.drawing_for`.
    """

    def __init__(self, count: int, generator: Generator, strength: float = 1.0):
        self.count, self.generator, self.device = count, generator, generator.device
        self.strength = strength

    def uniform(self, low: float, high: float, channels: int = 1, side: int = 1) -> Tensor:
        """Returns float (N, channels, side, side)."""
        return low + (high - low) * self._drawn(torch.rand, channels, side, side)

    def around(self, middle: float, below: float, above: float) -> Tensor:
        """Returns float (N, 1, 1, 1) from middle - below to middle + above."""
        return middle + self.strength * self.uniform(-below, above)

    def factor(self, most: float, channels: int = 1) -> Tensor:
        """Returns float (N, channels, 1, 1) from 1 / most to most, as often below 1 as above."""
        return (self.strength * self.uniform(-math.log(most), math.log(most), channels)).exp()

    def chance(self, probability: float) -> Tensor:
        """Returns bool (N, 1, 1, 1)."""
        return self.uniform(0, 1) < self.strength * probability

    def normal(self, channels: int, height: int, width: int) -> Tensor:
        """Returns float (N, channels, height, width)."""
        return self._drawn(torch.randn, channels, height, width)

    def _drawn(self, function: Callable[..., Tensor], *shape: int) -> Tensor:
        """Returns (N, …). For a shard, they are what one process would draw for these images."""
        whole, rows = self.count, slice(None)
        if (shard := shard_to_draw_for()) is not None:
            whole, rows = shard.whole, shard.rows
        return function((whole, *shape), generator=self.generator, device=self.device)[rows]


def change_some(
    pictures: Tensor, some: Tensor, change: Callable[..., Tensor], *arguments: Tensor
) -> Tensor:
    """Returns pictures of which some are changed.

    Args:
        pictures: (N, 3, H, W).
        some: which of them, bool (N,).
        change: pictures, followed by the arguments that belong to them → those pictures changed,
            each by itself.
        arguments: a value for each picture, (N, …).
    """
    if not len(pictures):
        return pictures
    if counts_freely(pictures.device):
        chosen = some.nonzero().flatten()
        if not len(chosen):
            return pictures
        changed = change(*(of[chosen] for of in (pictures, *arguments)))
        return pictures.index_copy(0, chosen, changed)
    return torch.where(some.view(-1, 1, 1, 1), change(pictures, *arguments), pictures)


def counts_freely(device: torch.device) -> bool:
    """Returns whether one may ask how many elements are true. On a GPU the answer is waited for."""
    return device.type == "cpu"


def coordinates(like: Tensor) -> tuple[Tensor, Tensor]:
    """Returns y (1, 1, H, 1) and x (1, 1, 1, W), each from -1 to 1."""
    height, width = like.shape[2:]
    y = torch.linspace(-1, 1, height, device=like.device).view(1, 1, -1, 1)
    return y, torch.linspace(-1, 1, width, device=like.device).view(1, 1, 1, -1)


def matrix(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Returns the matrices ((a, b), (c, d)), (N, 2, 2), of four (N, 1, 1, 1)."""
    return torch.cat([a, b, c, d], dim=1).reshape(-1, 2, 2)
