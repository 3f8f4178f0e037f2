"""What a file of weights must hold to be accepted. A checksum does not say who wrote it."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from asl.decoding import IMAGENET_MEAN, IMAGENET_STD, brief, shown
from asl.signs import SIGNS

CONVENTIONS = {  # what numbers in and out mean; written beside the weights
    "classes": list(SIGNS),
    "mean": list(IMAGENET_MEAN),
    "std": list(IMAGENET_STD),
}

_SIZES = (1, 1024)  # pixels: smallest and largest side of the images that a network reads
_RANGES = {"temperature": (0.01, 100), "threshold": (0, 1)}  # of a recogniser
_DRAWN = (Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_)
_STORED_AS = {  # dtypes in a file that fill those of a network
    torch.float32: ("F32", "F16"),
    torch.float64: ("F64",),
    torch.float16: ("F16",),
    torch.bool: ("BOOL",),
    torch.uint8: ("U8",),
    torch.int8: ("I8",),
    torch.int16: ("I16",),
    torch.int32: ("I32",),
    torch.int64: ("I64",),
}


class NothingDrawn(TorchFunctionMode):
    """A block in which networks are built without first weights, since a file holds others.

    Drawing them took five times as long as all other checks of the recogniser that ships. What is
    in the weights until they are loaded is not defined.
    """

    def __torch_function__(
        self,
        func: Callable,
        types: Iterable[type],
        args: tuple = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func in _DRAWN or getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else named["tensor"]
        return func(*args, **named)


@contextlib.contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Adds to a ValueError that a file is no recogniser's."""
    try:
        yield
    except ValueError as error:
        text = f"'{shown(path)}' holds no recogniser of this version: {error}"
        raise ValueError(text) from error


def check_recognizer_facts(facts: Mapping[str, Any]) -> None:
    """Raises ValueError unless facts are those of a recogniser of this version."""
    for name in ("architecture", "image_size", *CONVENTIONS, *_RANGES, "facts"):
        if name not in facts:
            raise ValueError(f"expected {name}, found none")
    if not isinstance(facts["architecture"], str):
        raise ValueError(f"expected architecture as text, found {brief(facts['architecture'])}")
    has_joints = facts.get("joint_reader", False)  # weights from before there was one say nothing
    if not isinstance(has_joints, bool):
        raise ValueError(f"expected joint_reader true or false, found {brief(has_joints)}")
    check_conventions(facts)
    check_image_size(facts["image_size"])
    for name, (low, high) in _RANGES.items():
        value = facts[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"expected {name} as a number, found {brief(value)}")
        if not low <= value <= high:  # nan is not
            raise ValueError(f"expected {name} from {low} to {high}, found {brief(value)}")
    if not isinstance(facts["facts"], dict):
        raise ValueError(f"expected facts in a dict, found {brief(facts['facts'])}")


def check_conventions(facts: Mapping[str, Any]) -> None:
    """Raises ValueError unless numbers in and out mean what they mean here."""
    for name, ours in CONVENTIONS.items():
        if facts.get(name) != ours:
            raise ValueError(f"expected {name} {ours}, found {brief(facts.get(name))}")


def check_image_size(size: object) -> None:
    """Raises ValueError unless images of a size can be prepared for a network."""
    low, high = _SIZES
    if type(size) is not int or not low <= size <= high:  # True is an int, too
        raise ValueError(
            f"expected image_size as a whole number from {low} to {high}, found {brief(size)}"
        )


def check_metrics(metrics: object) -> None:
    """Raises ValueError unless metrics are None, or names with lists of numbers or None."""
    if metrics is None:
        return
    if not isinstance(metrics, dict):
        raise ValueError(f"expected metrics in a dict, found {brief(metrics)}")
    for name, values in metrics.items():
        if not (
            isinstance(values, list) and all(isinstance(v, int | float | None) for v in values)
        ):
            raise ValueError(f"expected numbers as {brief(name)}, found {brief(values)}")


def check_layers(
    network: Mapping[str, Tensor], found: Mapping[str, tuple[str, tuple[int, ...]]]
) -> None:
    """Raises ValueError unless a file has exactly the tensors that a network takes.

    Args:
        network: its ``state_dict``, on any device.
        found: name → (dtype as safetensors writes it, shape).
    """
    if missing := network.keys() - found.keys():
        raise ValueError(f"expected a tensor {brief(min(missing))}, found none")
    if extra := found.keys() - network.keys():
        raise ValueError(f"expected {len(network)} tensors, found {brief(min(extra))} beside them")
    for name, ours in network.items():
        dtype, shape = found[name]
        if dtype not in _STORED_AS.get(ours.dtype, ()):
            raise ValueError(f"expected {name} of {ours.dtype}, found {dtype}")
        # A lazy layer takes its shape from what fills it.
        if not is_lazy(ours) and shape != tuple(ours.shape):
            raise ValueError(f"expected {name} of shape {tuple(ours.shape)}, found {shape}")
