"""Checkpoints: the state of a training in a file, and what is checked before it is used.

A file is not trusted. Its checksum finds damage, but whoever makes a file can make one that fits.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn, optim
from torch.optim.lr_scheduler import LRScheduler

from asl.decoding import brief, shown
from asl.devices import check_generator_state
from asl.fingerprints import CannotKeyError
from asl.tensor_files import CHECKPOINT, check_finite, read_tensors, write_tensors

_STATE = ("model", "optimizer", "scheduler", "epoch", "ended", "results", "random")
_LARGEST = 2**63  # whole numbers beyond it are none of a training, and do not fit into a float
_MOST_NAMED = 20  # differences from another training
_FUSED = (optim.Adam, optim.AdamW, optim.SGD, optim.Adagrad)  # that have fused steps
_STEP = torch.empty((), dtype=torch.float32, device="meta")  # how many of them were taken


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a training is kept after every epoch, and what it belongs to.

    Attributes:
        path: a file; see `write_checkpoint`.
        description: what the training depends on, as a short text or a key for each part.
    """

    path: Path
    description: dict[str, str]


class CheckpointRefused(ValueError):
    """A file that a training cannot go on from. The message says why, and what to do."""


# --- the file -------------------------------------------------------------------------------------


def write_checkpoint(path: str | os.PathLike, description: Mapping[str, str], state: Any) -> None:
    """Writes a state with the description of what it belongs to, whole or not at all.

    Args:
        path: the file.
        description: what the state depends on: name → a short text or a key.
        state: dicts, lists and tuples of tensors, numbers, text and None.

    Raises:
        CannotKeyError: if the state holds anything else.
    """
    tensors: dict[str, Tensor] = {}
    packed = _packed(state, tensors)
    facts = {"description": dict(description), "state": packed}
    write_tensors(path, tensors, facts, format=CHECKPOINT)


def read_checkpoint(path: str | os.PathLike, description: Mapping[str, str]) -> Any | None:
    """Reads the state that `write_checkpoint` wrote for the same description.

    Returns:
        The state, or None if there is no file. `check_state` tells whether a training can take it.

    Raises:
        CheckpointRefused: if the file is damaged or of another kind, holds no state, or belongs to
            something else. The message lists each difference.
    """
    if not Path(path).exists():
        return None
    with refusing(path):
        tensors, facts = read_tensors(
            path,
            format=CHECKPOINT,
            check=lambda facts, _: _check_description(path, facts, description),
        )
        try:
            state = _unpacked(facts.get("state"), tensors)
        except RecursionError:
            raise ValueError("expected a state, found one nested too deep") from None
        if state is None:
            raise ValueError("expected a state, found none")
        if tensors:  # each that the state names was taken out
            raise ValueError(f"expected no more tensors, found {brief(min(tensors))}")
    return state


@contextlib.contextmanager
def refusing(path: str | os.PathLike) -> Iterator[None]:
    """Turns a ValueError into one that says which checkpoint is the reason, and what to do."""
    try:
        yield
    except CheckpointRefused:
        raise
    except ValueError as error:
        raise CheckpointRefused(
            f"'{shown(path)}' holds no checkpoint that this training can go on from: {error}. Give "
            "another path, or remove the file to begin again."
        ) from error


def reason(error: Exception) -> str:
    """Returns what an error says in a few words: torch adds whole signatures and values."""
    return f"{type(error).__name__}: {_short(str(error))}"


def _check_description(
    path: str | os.PathLike, facts: Mapping[str, Any], description: Mapping[str, str]
) -> None:
    """Raises CheckpointRefused, naming what differs, unless a file tells of the same training."""
    written = facts.get("description")
    if not isinstance(written, dict) or not all(isinstance(v, str) for v in written.values()):
        raise ValueError(f"expected a description in texts, found {brief(written)}")
    names = dict.fromkeys([*description, *written])
    changed = [
        f"{_short(name)}: {_short(written.get(name, 'none'))} then, "
        f"{_short(description.get(name, 'none'))} now"
        for name in names
        if written.get(name) != description.get(name)
    ]
    if changed:
        more = len(changed) - _MOST_NAMED
        raise CheckpointRefused(
            f"'{shown(path)}' is the checkpoint of another training. What differs:\n  "
            + "\n  ".join(changed[:_MOST_NAMED] + ([f"and {more} more"] if more > 0 else []))
            + "\nGive another path, or remove the file to begin again."
        )


def _short(text: str) -> str:
    return shown(text[:100])


def _packed(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Turns a state into what JSON can hold; its tensors are put into a dict by number."""
    if isinstance(value, Tensor):
        tensors[str(len(tensors))] = value
        return {"tensor": str(len(tensors) - 1)}
    if isinstance(value, Mapping):
        pairs = [[_packed(key, tensors), _packed(item, tensors)] for key, item in value.items()]
        return {"dict": pairs}
    if isinstance(value, tuple):
        return {"tuple": [_packed(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_packed(item, tensors) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise CannotKeyError(
        f"expected a state of tensors, numbers and text, found a {type(value).__name__} in it, "
        "which a checkpoint cannot hold"
    )


def _unpacked(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Turns what `_packed` returned into the state, and takes its tensors out of a dict.

    Raises:
        ValueError: if it is nothing that `_packed` returns.
    """
    if isinstance(value, list):
        return [_unpacked(item, tensors) for item in value]
    if isinstance(value, int) and abs(value) >= _LARGEST:
        raise ValueError(f"expected whole numbers below 2^63, found {brief(value)}")
    if not isinstance(value, dict):
        return value
    kind, content = next(iter(value.items())) if len(value) == 1 else (None, None)
    if kind == "tensor" and isinstance(content, str) and content in tensors:
        # Taken once only: two parts of a training that share a tensor would change each other.
        return tensors.pop(content)
    if kind == "tuple" and isinstance(content, list):
        return tuple(_unpacked(item, tensors) for item in content)
    if kind == "dict" and isinstance(content, list):
        return dict(_pair(item, tensors) for item in content)
    raise ValueError(f"expected a dict, a tuple or a tensor of the file, found {brief(value)}")


def _pair(value: Any, tensors: dict[str, Tensor]) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"expected a name and what it stands for, found {brief(value)}")
    key = _unpacked(value[0], tensors)
    if not _is_key(key):
        raise ValueError(f"expected a name or a number, found {brief(key)}")
    return key, _unpacked(value[1], tensors)


def _is_key(key: Any) -> bool:
    if isinstance(key, tuple):
        return all(map(_is_key, key))
    return key is None or isinstance(key, bool | int | float | str)


# --- the state ------------------------------------------------------------------------------------


def check_state(
    state: Any,
    parts: Mapping[str, Any],
    epochs: int,
    results: Iterable[str],
    random: Mapping[str, tuple[torch.device, Tensor]],
) -> None:
    """Raises ValueError unless a state is one in which a training can be. Changes nothing.

    Args:
        state: as `read_checkpoint` returned it.
        parts: the "model", the "optimizer" and the "scheduler" that are to take it.
        epochs: of the whole training.
        results: names of lists with a number for each epoch.
        random: of each generator its device and its state now.
    """
    check_names("the state", state, _STATE)
    epoch, ended = state["epoch"], state["ended"]
    if type(epoch) is not int or not 1 <= epoch <= epochs:
        raise ValueError(f"expected an epoch from 1 to {epochs}, found {brief(epoch)}")
    if not isinstance(ended, bool):
        raise ValueError(f"expected whether it has ended, true or false, found {brief(ended)}")
    check_names("the results", state["results"], results)
    for name, values in state["results"].items():
        numbers = isinstance(values, list) and all(type(v) in (int, float) for v in values)
        if not numbers or len(values) != epoch:
            raise ValueError(f"expected {epoch} numbers as {name}, found {brief(values)}")
    check_names("the generators", state["random"], random)
    for name, (device, now) in random.items():
        check_tensor(f"the generator '{name}'", state["random"][name], now)
        check_generator_state(state["random"][name], device)
    _check_model(state["model"], parts["model"])
    _check_optimizer(state["optimizer"], parts["optimizer"])
    _check_scheduler(state["scheduler"], parts["scheduler"])


def load_state(state: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    """Puts a model, its optimiser and schedule into a state that `check_state` has accepted.

    Raises:
        ValueError: if the optimiser or the schedule cannot take it. All are then as before.
    """
    before = {name: parts[name].state_dict() for name in ("optimizer", "scheduler")}
    try:
        for name in ("optimizer", "scheduler", "model"):
            parts[name].load_state_dict(state[name])
    except Exception as error:  # how torch, or a class of the user's own, fails on other content
        for name, old in before.items():
            parts[name].load_state_dict(old)
        raise ValueError(reason(error)) from error


def check_weights(
    model: nn.Module, before: Mapping[str, Tensor], after: Mapping[str, Tensor]
) -> None:
    """Raises ValueError if weights of a model are no numbers, but for buffers that were none.

    A model may have buffers that are infinite on purpose, such as masks.

    Args:
        model: whose weights they are.
        before, after: its state at two times, by name.
    """
    parameters = dict(model.named_parameters())
    checked = [name for name, old in before.items() if name in parameters or old.isfinite().all()]
    check_finite({name: after[name] for name in checked})


def check_names(what: str, found: Any, expected: Iterable[Any]) -> None:
    """Raises ValueError unless something is a dict of these keys; `what` names it."""
    if not isinstance(found, dict):
        raise ValueError(f"expected {what} in a dict, found {brief(found)}")
    expected = dict.fromkeys(expected)
    if missing := [name for name in expected if name not in found]:
        raise ValueError(f"expected {brief(missing[0])} in {what}, found none")
    if extra := [name for name in found if name not in expected]:
        raise ValueError(f"expected {what} to hold no more, found {brief(extra[0])}")


def check_tensor(what: str, found: Any, own: Tensor) -> None:
    """Raises ValueError unless something is a tensor of the type and shape of another."""
    if isinstance(found, Tensor):
        if found.dtype == own.dtype and found.shape == own.shape:
            return
        found = f"{found.dtype} {tuple(found.shape)}"
    else:
        found = brief(found)
    raise ValueError(f"expected {what} as {own.dtype} {tuple(own.shape)}, found {found}")


def _check_model(found: Any, model: nn.Module) -> None:
    ours = model.state_dict()
    check_names("the model", found, ours)
    for name, own in ours.items():
        check_tensor(f"the weights '{name}'", found[name], own)
    check_weights(model, ours, found)


def _check_optimizer(found: Any, optimizer: optim.Optimizer) -> None:
    """Checks what torch does not: its fused steps read tensors without asking how long they are."""
    ours = optimizer.state_dict()
    check_names("the optimizer", found, ours)
    groups = found["param_groups"]
    if not isinstance(groups, list) or len(groups) != len(ours["param_groups"]):
        raise ValueError(
            f"expected {len(ours['param_groups'])} groups of parameters, found {brief(groups)}"
        )
    parameters: dict[int, Tensor] = {}
    fused: set[int] = set()
    for group, own, real in zip(groups, ours["param_groups"], optimizer.param_groups, strict=True):
        check_names("a group of parameters", group, own)
        numbers = group["params"]
        whole = isinstance(numbers, list) and all(type(number) is int for number in numbers)
        if not whole or numbers != own["params"]:
            raise ValueError(
                f"expected parameters {brief(own['params'])} in a group, found {brief(numbers)}"
            )
        parameters |= zip(numbers, real["params"], strict=True)
        if group.get("fused") and isinstance(optimizer, _FUSED):
            fused.update(numbers)
    if not isinstance(found["state"], dict):
        raise ValueError(f"expected the optimizer's state in a dict, found {brief(found['state'])}")
    for number, of in found["state"].items():
        if isinstance(number, str):  # what some optimisers keep for all parameters together
            continue
        if type(number) is not int or number not in parameters:
            raise ValueError(f"expected the number of a parameter, found {brief(number)}")
        if not isinstance(of, dict):
            raise ValueError(f"expected a dict for parameter {number}, found {brief(of)}")
        for name, value in of.items():
            if number in fused and isinstance(value, Tensor):
                own_value = _STEP if name == "step" else parameters[number]
                check_tensor(f"{brief(name)} of parameter {number}", value, own_value)


def _check_scheduler(found: Any, scheduler: LRScheduler) -> None:
    """Checks names only: the rest is numbers, and plain Python that fails on others."""
    ours = scheduler.state_dict()
    if not isinstance(found, dict):
        raise ValueError(f"expected the scheduler in a dict, found {brief(found)}")
    # They become its attributes, and must not take the place of its methods or its optimiser.
    taken = [name for name in found if not isinstance(name, str) or hasattr(scheduler, name)]
    if extra := [name for name in taken if name not in ours]:
        raise ValueError(f"expected no {brief(extra[0])} in the scheduler, found one")
    check_names("the scheduler", {name: None for name in found if name in ours}, ours)
