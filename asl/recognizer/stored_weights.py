"""How weights are written to a file: in fewer bits than they are computed with."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

_SCALE = ".scale"
_LARGEST = 127  # of eight bits, with both signs alike


def as_stored(
    tensors: Mapping[str, Tensor], *, halves: Iterable[str] = (), bytes_: Iterable[str] = ()
) -> dict[str, Tensor]:
    """Returns tensors as a file holds them. Storing what `as_used` returned gives the same bits.

    Args:
        tensors: of networks, by name.
        halves: names of those that are written in half precision.
        bytes_: names of those that are written in eight bits, as int8 and a scale for each slice of
            their first dimension, which stands beside them as ``"<name>.scale"``.
    """
    stored = dict(tensors)
    stored |= {name: tensors[name].half() for name in halves}
    for name in bytes_:
        stored[name], stored[name + _SCALE] = in_eight_bits(tensors[name])
    return stored


def in_eight_bits(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a weight (C, …) as int8 (C, …), and a scale (C,) by which that is multiplied."""
    if weight.is_meta:  # shapes alone: computing with them costs a second for what torch imports
        scale = torch.empty(len(weight), device="meta")
        return torch.empty(weight.shape, dtype=torch.int8, device="meta"), scale
    flat = weight.float().flatten(1)
    # Rounded up to ten bits, so that the same scale is found again in what it gives.
    mantissa, exponent = (flat.abs().amax(dim=1) / _LARGEST).clamp(min=1e-30).frexp()
    scale = ((mantissa * 1024).ceil() / 1024).ldexp(exponent)
    return (flat / scale.unsqueeze(1)).round().to(torch.int8).view(weight.shape), scale


def from_eight_bits(eight: Tensor, scale: Tensor) -> Tensor:
    """Returns the weight (C, …) that `in_eight_bits` was given, off by half a step at most."""
    return eight.float() * scale.view(-1, *[1] * (eight.ndim - 1))


def as_used(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors of a file by the names that networks have for them."""
    used = {name: tensor for name, tensor in stored.items() if not name.endswith(_SCALE)}
    for name, scale in stored.items():
        if name.endswith(_SCALE):
            name = name.removesuffix(_SCALE)
            used[name] = from_eight_bits(stored[name], scale)
    return used


def has_eight_bits(names: Iterable[str]) -> bool:
    """Whether any of a file's tensors are. Files of before 29 November 2026 have none."""
    return any(name.endswith(_SCALE) for name in names)
