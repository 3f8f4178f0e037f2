"""The loop behind every training: steps, epochs, and checkpoints to go on from.

It knows neither the model nor the data: a function gives the loss of a batch.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn, optim
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau

from asl.data import shuffled_batches
from asl.devices import AdamW, keep_freed_memory
from asl.files import progress_bar, remove_leftovers
from asl.fingerprints import CannotKeyError
from asl.processes.group import ALONE, Processes
from asl.tensor_files import CHECKPOINT, read_tensors, write_tensors

MakeOptimizer = optim.Optimizer | Callable[[Iterable[nn.Parameter]], optim.Optimizer]
MakeScheduler = LRScheduler | Callable[[optim.Optimizer], LRScheduler]


class TrainingDiverged(ValueError):
    """The loss is no longer a number. The model is as the last whole epoch left it."""


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a training is kept after every epoch, and what it belongs to.

    Attributes:
        path: a file; see `write_checkpoint`.
        description: what the training depends on, as a short text or a key for each part.
    """

    path: Path
    description: dict[str, str]


def optimizer_for(
    model: nn.Module,
    total_steps: int,
    lr: float,
    weight_decay: float,
    optimizer: MakeOptimizer | None,
    scheduler: MakeScheduler | None,
) -> tuple[optim.Optimizer, LRScheduler]:
    """Returns what takes a training step, and what moves its learning rate after each.

    Args:
        model: whose parameters are trained.
        total_steps: of the whole training.
        lr, weight_decay, optimizer, scheduler: as in `asl.train_model`.

    Raises:
        ValueError: if the optimiser or the scheduler does not fit the model or the steps.
    """
    if optimizer is None:
        optimizer = AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    elif not isinstance(optimizer, optim.Optimizer):
        optimizer = optimizer(model.parameters())
    ours = {id(parameter) for parameter in model.parameters()}
    if not all(id(p) in ours for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("expected an optimizer of this model's parameters, found one of others")
    if scheduler is None:
        defaults = optimizer.defaults
        scheduler = OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=total_steps,
            cycle_momentum="betas" in defaults or defaults.get("momentum", 0) > 0,
        )
    elif not isinstance(scheduler, LRScheduler):
        scheduler = scheduler(optimizer)
    if isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError(
            "expected a scheduler that moves after every batch, found ReduceLROnPlateau, which "
            "waits for a figure: step it in callback=, with a constant scheduler"
        )
    if (steps := getattr(scheduler, "total_steps", total_steps)) < total_steps:
        raise ValueError(
            f"expected a scheduler of at least {total_steps} steps, one for each batch of all "
            f"epochs, found total_steps={steps}"
        )
    return optimizer, scheduler


def run_epochs(
    model: nn.Module,
    size: int,
    loss_of: Callable[[Tensor], Tensor],
    epochs: int,
    results: dict[str, list[float]],
    *,
    batch_size: int,
    lr: float,
    weight_decay: float,
    optimizer: MakeOptimizer | None = None,
    scheduler: MakeScheduler | None = None,
    drawn: torch.Generator | None = None,
    after_epoch: Callable[[], object] = lambda: None,
    checkpoint: Checkpoint | None = None,
    processes: Processes = ALONE,
    name: str | None = None,
) -> None:
    """Trains a model in place, by default with AdamW in one cycle. It ends in evaluation mode.

    With a checkpoint, a training that was interrupted goes on after its last whole epoch, and ends
    with the same numbers as one that was not: on the same CPU, with as many threads. If it ends in
    the middle of an epoch, by an error or Ctrl-C, the model is as the epoch before left it.

    Args:
        model: whose parameters to train, on its device.
        size: number of training items.
        loss_of: indices of a batch, int64 (B,) → its mean loss, a scalar. With several processes,
            what this process adds to that mean.
        epochs: passes over the items.
        results: lists, filled in place with an entry per epoch: ``train_losses``, the mean loss
            over the items, and ``learning_rates``, of the last step. A checkpoint keeps all lists.
        batch_size: items in a step. A last batch of one item joins the batch before it.
        lr, weight_decay, optimizer, scheduler: as in `asl.train_model`.
        drawn: a further generator that `loss_of` draws from.
        after_epoch: called after each epoch. If it returns True, the training ends.
        checkpoint: None keeps none.
        processes: those that take each step together; see
            `asl.processes.shared_models.shared`. They begin each epoch with the random numbers of
            process 0, which alone writes.
        name: of the bar that is shown while an epoch runs. None shows none.

    Raises:
        TrainingDiverged: if the loss of a batch, or a weight after an epoch, is nan or infinite.
        ValueError: as `optimizer_for`, or if the checkpoint belongs to another training.
    """
    device = next(model.parameters()).device
    steps = len(shuffled_batches(size, batch_size, torch.Generator()))
    stepper, schedule = optimizer_for(model, epochs * steps, lr, weight_decay, optimizer, scheduler)
    parts: dict[str, Any] = {"model": model, "optimizer": stepper, "scheduler": schedule}
    done, ended = 0, False
    epoch, last_good = 0, {}
    if checkpoint is not None:
        state = processes.from_first(partial(_read_finished, checkpoint))
        if state is not None:
            done, ended = _restore(state, parts, drawn, device), state["ended"]
            results.update(state["results"])
    keep_freed_memory()
    try:
        for epoch in range(done + 1, 0 if ended else epochs + 1):
            if processes.count > 1:
                same = processes.from_first(partial(_random_states, drawn, device))
                _set_random_states(same, drawn, device)
            last_good = {key: value.clone() for key, value in model.state_dict().items()}
            batches: Iterable[Tensor] = shuffled_batches(size, batch_size)
            if name is not None and processes.rank == 0:
                batches = progress_bar(batches, f"{name} epoch {epoch}/{epochs}")
            model.train()
            loss_sum = torch.zeros((), device=device)
            # In one block: if each loss stayed where it was made, between the batches in memory, a
            # batch would often not fit where the one before it was, and memory would grow.
            losses, rates = torch.zeros(steps, device=device), []
            for step, indices in enumerate(batches):
                loss = loss_of(indices)
                rates.append(float(schedule.get_last_lr()[0]))  # the one that this step uses
                losses[step] = loss.detach()
                loss_sum += losses[step] * len(indices)
                if _may_look(device, processes) and not math.isfinite(loss.item()):
                    break
                (processes.count * loss).backward()
                stepper.step()
                stepper.zero_grad()
                schedule.step()
            both = processes.summed(torch.cat([losses[: len(rates)], loss_sum.view(1)]))
            every, loss_sum = both[:-1], both[-1]
            if not every.isfinite().all():
                batch = int((~every.isfinite()).nonzero()[0])
                raise TrainingDiverged(
                    f"the loss of batch {batch + 1} of epoch {epoch} is {every[batch].item()} at "
                    f"the learning rate {rates[batch]:.3g}. The model is as epoch {epoch - 1} left "
                    "it. Try a smaller learning rate, lr=, and look for nan in the images."
                )
            if broken := _broken(model, last_good):
                raise TrainingDiverged(
                    f"after epoch {epoch} the weights '{broken}' are nan or infinite, though every "
                    f"loss was finite. The model is as epoch {epoch - 1} left it. Try a smaller "
                    f"learning rate, lr=; its highest was {max(rates):.3g}."
                )
            results["train_losses"].append(loss_sum.item() / size)
            results["learning_rates"].append(rates[-1])
            model.eval()
            ended = after_epoch() is True
            if checkpoint is not None:
                state = {name: part.state_dict() for name, part in parts.items()}
                state |= {"epoch": epoch, "ended": ended, "results": dict(results)}
                state |= {"random": _random_states(drawn, device)}
                write = partial(write_checkpoint, checkpoint.path, checkpoint.description, state)
                processes.from_first(write)
            if ended:
                break
    except BaseException:
        if min(map(len, results.values())) < epoch:  # a part of an epoch that nothing tells about
            model.load_state_dict(last_good)
        raise
    finally:  # after an interruption, too, nothing half is left
        stepper.zero_grad()
        model.eval()


def _broken(model: nn.Module, before: Mapping[str, Tensor]) -> str | None:
    """Returns the name of weights that are not finite any more. Some layers keep infinity."""
    for name, value in model.state_dict().items():
        if (
            value.is_floating_point()
            and not value.isfinite().all()
            and before[name].isfinite().all()
        ):
            return name
    return None


def _may_look(device: torch.device, processes: Processes) -> bool:
    """Tells whether a step may look at its loss.

    Looking waits for a GPU, and the others do not know what one process has seen: there it is done
    once an epoch.
    """
    return device.type == "cpu" and processes.count == 1


def _random_states(drawn: torch.Generator | None, device: torch.device) -> dict[str, Tensor]:
    states = {"global": torch.get_rng_state()}
    if drawn is not None:
        states["drawn"] = drawn.get_state()
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _restore(
    state: dict[str, Any],
    parts: dict[str, Any],
    drawn: torch.Generator | None,
    device: torch.device,
) -> int:
    """Puts a model, its optimiser, schedule and generators into a state; returns its epoch."""
    for name, part in parts.items():
        part.load_state_dict(state[name])
    _set_random_states(state["random"], drawn, device)
    return state["epoch"]


def _set_random_states(
    states: Mapping[str, Tensor], drawn: torch.Generator | None, device: torch.device
) -> None:
    torch.set_rng_state(states["global"])
    if drawn is not None:
        drawn.set_state(states["drawn"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)


# --- checkpoints ---------------------------------------------------------------------------------


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
        The state, or None if there is no file.

    Raises:
        ValueError: if the file is damaged, or belongs to something else. The message lists each
            difference.
    """
    if not Path(path).exists():
        return None
    tensors, facts = read_tensors(path, format=CHECKPOINT)
    written = facts["description"]
    names = dict.fromkeys([*description, *written])
    changed = [
        f"{name}: {written.get(name, 'none')} then, {description.get(name, 'none')} now"
        for name in names
        if written.get(name) != description.get(name)
    ]
    if changed:
        raise ValueError(
            f"'{path}' is the checkpoint of another training. What differs:\n  "
            + "\n  ".join(changed)
            + "\nGive another path, or remove the file to begin again."
        )
    return _unpacked(facts["state"], tensors)


def _read_finished(checkpoint: Checkpoint) -> Any | None:
    remove_leftovers(checkpoint.path)
    return read_checkpoint(checkpoint.path, checkpoint.description)


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


def _unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "tuple":
        return tuple(_unpacked(item, tensors) for item in content)
    return {_unpacked(key, tensors): _unpacked(item, tensors) for key, item in content}
