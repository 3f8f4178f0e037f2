"""Describes what a training depends on, with a short text or a key for each part.

A checkpoint is used only for a training with the same description, and all processes that train
one model must agree on it.
"""

import contextlib
from typing import Any

from torch import nn, optim
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import TensorDataset

from asl.data import ASLDataset, SizedDataset, whole_dataset
from asl.fingerprints import CannotKeyError, environment, fingerprint


def describe_training(
    model: nn.Module,
    train_data: SizedDataset,
    test_data: SizedDataset | None,
    options: dict[str, Any],
    numbers: dict[str, Any],
) -> dict[str, str]:
    """Returns what a training depends on: a short text or a key for each part.

    Args:
        model: whose layers count, and tensors that are in no state dict, but not the weights.
        train_data, test_data: whose images and labels count, not the folder.
        options: name → an optimiser, a schedule, a function, or None.
        numbers: name → a number or a text.

    Raises:
        CannotKeyError: as `fingerprint`.
    """
    described = {name: str(value) for name, value in numbers.items()}
    for name, value in options.items():
        # An optimiser holds the parameters, and a schedule its optimiser. Other options may hold
        # weights because they count.
        holds_them = isinstance(value, optim.Optimizer | LRScheduler)
        restored = model.state_dict().values() if holds_them else ()
        described[name] = fingerprint(value, restored=restored)
    for role, data in (("training", train_data), ("test", test_data)):
        described |= _describe_data(role, data)
    return described | {"layers of the model": _layers(model)} | environment()


def describe_share(
    model: nn.Module,
    train_data: SizedDataset,
    test_data: SizedDataset | None,
    numbers: dict[str, Any],
) -> dict[str, Any]:
    """Returns what processes that train one model must agree on, as `describe_training`.

    Their threads and processors may differ, and so may what a dataset of somebody else remembers,
    such as the folder on this machine: of those only the number of items counts.
    """
    described: dict[str, Any] = {}
    for role, data in (("training", train_data), ("test", test_data)):
        described[f"number of {role} images"] = 0 if data is None else len(data)
        if isinstance(whole_dataset(data)[0], ASLDataset | TensorDataset):
            described |= _describe_data(role, data)
    with contextlib.suppress(CannotKeyError):
        described["layers of the model"] = _layers(model)
    same = {name: environment()[name] for name in ("code of asl", "torch")}
    return described | numbers | same


def _layers(model: nn.Module) -> str:
    return fingerprint(model, restored=model.state_dict().values())


def _describe_data(role: str, data: SizedDataset | None) -> dict[str, str]:
    whole, places = whole_dataset(data)
    if not isinstance(whole, ASLDataset):
        return {f"{role} data": fingerprint([whole, places])}
    return {
        f"{role} images": fingerprint([whole.images, whole.transform, places]),
        f"{role} labels": fingerprint(whole.labels),
    }
