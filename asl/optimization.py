"""The loop behind every training: steps, epochs, and going on from a checkpoint.

It knows neither the model nor the data: a function gives the loss of a batch.
"""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn, optim
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau

from asl.checkpoints import (
    Checkpoint,
    check_state,
    check_weights,
    load_state,
    read_checkpoint,
    reason,
    refusing,
    write_checkpoint,
)
from asl.data import shuffled_batches
from asl.devices import AdamW, keep_freed_memory
from asl.files import progress_bar, remove_leftovers
from asl.processes.group import ALONE, Processes

MakeOptimizer = optim.Optimizer | Callable[[Iterable[nn.Parameter]], optim.Optimizer]
MakeScheduler = LRScheduler | Callable[[optim.Optimizer], LRScheduler]


class TrainingDiverged(ValueError):
    """The loss or an answer is no longer a number. The model is as the last good epoch left it."""


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
        ValueError: as `optimizer_for`, or if the checkpoint belongs to another training or holds
            what no training can go on from. The model is then as it was.
    """
    device = next(model.parameters()).device
    steps = len(shuffled_batches(size, batch_size, torch.Generator()))
    stepper, schedule = optimizer_for(model, epochs * steps, lr, weight_decay, optimizer, scheduler)
    parts: dict[str, Any] = {"model": model, "optimizer": stepper, "scheduler": schedule}
    done, ended, state = 0, False, None
    last_good: dict[str, Tensor] = {}  # empty but in an epoch
    if checkpoint is not None:
        state = processes.from_first(partial(_read_finished, checkpoint))
        if state is not None:
            with refusing(checkpoint.path):
                _restore(state, parts, epochs, results, drawn, device)
            done, ended = state["epoch"], state["ended"]
            results.update(state["results"])
    untried = checkpoint if state is not None else None  # no step was taken from it yet
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
                with _blaming(untried):
                    rates.append(float(schedule.get_last_lr()[0]))  # the one that this step uses
                losses[step] = loss.detach()
                loss_sum += losses[step] * len(indices)
                if _may_look(device, processes) and not math.isfinite(loss.item()):
                    break
                (processes.count * loss).backward()
                with _blaming(untried):
                    stepper.step()
                    stepper.zero_grad()
                    schedule.step()
                untried = None
            both = processes.summed(torch.cat([losses[: len(rates)], loss_sum.view(1)]))
            every, loss_sum = both[:-1], both[-1]
            if not every.isfinite().all():
                batch = int((~every.isfinite()).nonzero()[0])
                raise TrainingDiverged(
                    f"the loss of batch {batch + 1} of epoch {epoch} is {every[batch].item()} at "
                    f"the learning rate {rates[batch]:.3g}. The model is as epoch {epoch - 1} left "
                    "it. Try a smaller learning rate, lr=, and look for nan in the images."
                )
            _check_not_diverged(model, last_good, epoch, len(rates), rates[-1])
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
            last_good = {}
            if ended:
                break
    except BaseException:
        whole = min(map(len, results.values()))
        if last_good and whole < epoch:  # a part of an epoch, of which no result tells
            model.load_state_dict(last_good)
        raise
    finally:  # after an interruption, too, nothing half is left
        stepper.zero_grad()
        model.eval()


def _may_look(device: torch.device, processes: Processes) -> bool:
    """Returns whether a step may look at its loss.

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
    state: Any,
    parts: dict[str, Any],
    epochs: int,
    results: Iterable[str],
    drawn: torch.Generator | None,
    device: torch.device,
) -> None:
    """Puts a model, its optimiser, schedule and generators into a state.

    Raises:
        ValueError: if the state is not one of such a training. Nothing has then changed.
    """
    cpu = torch.device("cpu")
    places = {"global": cpu, "drawn": cpu if drawn is None else drawn.device, "cuda": device}
    random = {name: (places[name], now) for name, now in _random_states(drawn, device).items()}
    check_state(state, parts, epochs, results, random)
    load_state(state, parts)
    _set_random_states(state["random"], drawn, device)


@contextlib.contextmanager
def _blaming(checkpoint: Checkpoint | None) -> Iterator[None]:
    """Turns an error of an optimiser or a schedule into one of the checkpoint that it went on from.

    What they keep is theirs to know, so the first step tells whether they can go on from it.
    """
    try:
        yield
    except Exception as error:
        if checkpoint is None:
            raise
        with refusing(checkpoint.path):
            text = f"the optimizer or the scheduler fails with {reason(error)}"
            raise ValueError(text) from error


def _check_not_diverged(
    model: nn.Module, last_good: Mapping[str, Tensor], epoch: int, batch: int, rate: float
) -> None:
    """Raises TrainingDiverged if the last step of an epoch has left weights that are no numbers."""
    try:
        check_weights(model, last_good, model.state_dict())
    except ValueError as error:
        raise TrainingDiverged(
            f"the last step of epoch {epoch} has gone too far, in batch {batch}, at the learning "
            f"rate {rate:.3g}: {error}. The model is as epoch {epoch - 1} left it. Try a smaller "
            "learning rate, lr=, and look for very large numbers in the images."
        ) from error


def _set_random_states(
    states: Mapping[str, Tensor], drawn: torch.Generator | None, device: torch.device
) -> None:
    torch.set_rng_state(states["global"])
    if drawn is not None:
        drawn.set_state(states["drawn"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)


def _read_finished(checkpoint: Checkpoint) -> Any | None:
    remove_leftovers(checkpoint.path)
    return read_checkpoint(checkpoint.path, checkpoint.description)
