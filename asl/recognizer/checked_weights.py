"""What is checked of weights from a file before a network is built from them.

That a file's checksum fits says that it is whole, not who wrote it.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

SIZES = (1, 1024)  # sides of images that a network may ask for, in pixels


def number(facts: Mapping[str, Any], name: str, low: float, high: float) -> float:
    """Returns a number from a file's facts; raises ValueError unless it lies in a range."""
    value = facts.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"expected a {name} from {low:g} to {high:g}, found {value!r:.60}")
    return float(value)


def whole_number(facts: Mapping[str, Any], name: str, low: int, high: int) -> int:
    """Returns a whole number from a file's facts; raises ValueError unless it lies in a range."""
    value = facts.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"expected a {name} from {low} to {high}, found {value!r:.60}")
    return value


def text(facts: Mapping[str, Any], name: str) -> str:
    """Returns a text from a file's facts; raises ValueError if it is none."""
    value = facts.get(name)
    if not isinstance(value, str):
        raise ValueError(f"expected a {name}, found {value!r:.60}")
    return value


def check_tensors(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Raises ValueError unless tensors are the finite weights of a network.

    Args:
        network: may lie on the device "meta", where it takes no memory.
        tensors: name → tensor, as in its ``state_dict()``. Parameters may be in half precision.
    """
    expected = network.state_dict()
    names = sorted(expected.keys() ^ tensors.keys())
    if names:
        raise ValueError(f"expected the tensors of its network, found others: {names[0]!r:.60}")
    for name, tensor in tensors.items():
        like = expected[name]
        kinds = {like.dtype, torch.float16} if like.is_floating_point() else {like.dtype}
        if tensor.shape != like.shape or tensor.dtype not in kinds:
            raise ValueError(
                f"expected {name} of {like.dtype} {tuple(like.shape)}, found {tensor.dtype} "
                f"{tuple(tensor.shape)}"
            )
        if not torch.isfinite(tensor).all():
            raise ValueError(f"expected numbers, found nan or infinity in {name}")
        if name.endswith("running_var") and (tensor < 0).any():
            raise ValueError(f"expected variances of at least 0, found less in {name}")
