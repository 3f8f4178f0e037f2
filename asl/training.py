"""Training a model and measuring it every epoch; the pass that collects a model's answers.

It knows nothing of the model that it trains: any model from images (N, 3, H, W) to
log-probabilities (N, 36) will do.
"""

import inspect
import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from timeit import default_timer as timer
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from asl.batches import batches_on
from asl.checkpoints import Checkpoint
from asl.data import ASLDataset, SizedDataset, get_batch, whole_dataset
from asl.decoding import shown
from asl.descriptions import describe_share, describe_training
from asl.devices import autocast, drawn_generator, seeded, usable_device
from asl.files import check_writable
from asl.models import check_output, check_width
from asl.optimization import MakeOptimizer, MakeScheduler, TrainingDiverged, run_epochs
from asl.processes.group import ALONE, Processes, drawing_for
from asl.processes.shared_models import shared
from asl.signs import check_classes, check_labels

EVALUATION_BATCH = 64  # bounds the memory of feature maps
_METRICS = ("train_losses", "test_losses", "test_accuracies", "learning_rates", "epoch_times")


class Metrics(dict[str, list[float]]):
    """What `train_model` returns: a dict of lists, which knows the name of its model."""

    name = "Model"


def train_model(
    model: nn.Module,
    train_data: SizedDataset,
    test_data: SizedDataset | None,
    epochs: int = 20,
    model_name: str = "Model",
    *,
    batch_size: int = 64,
    lr: float = 1e-3,
    weight_decay: float = 0.01,
    optimizer: MakeOptimizer | None = None,
    scheduler: MakeScheduler | None = None,
    callback: Callable[[int, "Metrics"], object] | None = None,
    checkpoint: str | os.PathLike | None = None,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    half_precision: bool = False,
    seed: int | None = None,
    device: torch.device | str | None = None,
    processes: Processes = ALONE,
    progress: bool = True,
) -> Metrics:
    """Trains a model in place with AdamW and one OneCycleLR cycle, and measures it every epoch.

    Nothing is chosen on the test part: the model stays as the last epoch left it. It ends in
    evaluation mode, on `device`.

    This departs from the notebook we were given in three ways. The learning rate moves after every
    batch, not after every epoch. Losses are means over images, not over batches. If the last batch
    holds a single image, on which batch norm cannot train, it joins the batch before it.

    Args:
        model: images (N, 3, H, W) → log-probabilities (N, 36).
        train_data: items (image (3, H, W), label), at least two.
        test_data: the same, at least one. None measures nothing: the entries are then nan.
        epochs: passes over the training part.
        model_name: begins each printed line, and names the model in figures.
        batch_size: images in a step.
        lr: peak learning rate. The cycle starts at 1/25 of it.
        weight_decay: AdamW's.
        optimizer: another optimiser, or a function that makes one from the parameters, such as
            ``partial(torch.optim.SGD, lr=0.1)``. Its learning rate is then the cycle's peak; `lr`
            and `weight_decay` are not used.
        scheduler: another schedule of the learning rate, moved after every batch, or a function
            that makes one from the optimiser.
        callback: called with each epoch's number, from 1, and the metrics so far. If it returns
            True, training ends. It should look at a validation part, not at the test part.
        checkpoint: a file that keeps the state after every epoch, whole or not at all. If it is
            there, the same call goes on after its last epoch, and ends bit for bit as a training
            that was never interrupted, on the same CPU and threads. Other arguments, data, labels,
            layers or code are refused. The initial weights and `callback` may differ.
        augment: changes each training batch of images at random, as `asl.augment` does: (images
            (N, 3, H, W), generator on their device) → images.
        half_precision: let the model compute in bfloat16 where that is safe (`torch.autocast`).
            Never chosen by itself: it is twice as fast on hardware made for it, and slower
            elsewhere. A CPU with AVX-512 but no tiles (AMX) takes 1.3 to 1.5 times as long.
        seed: makes order, changes and dropout repeat exactly on one machine's CPU with the same
            number of threads, and leaves the global generators as they were. The initial weights
            are yours to seed. None draws from the global generators.
        device: None means that of `processes`, or `default_device()`.
        processes: those that share each batch, see `asl.joined`. All make the same call,
            and the result is that of one process, up to the order in which numbers are added.
            Process 0 alone writes the checkpoint, prints, and calls `callback`.
        progress: show a bar while an epoch runs, and print a line after it.

    Returns:
        One entry per epoch in each of ``train_losses`` and ``test_losses`` (mean negative
        log-likelihood, in nats), ``test_accuracies`` (percent), ``learning_rates`` (of the
        epoch's last step) and ``epoch_times`` (seconds, training and test together). The model
        remembers them, and how its images were prepared, for `asl.save_model`, `asl.predict`.

    Raises:
        ValueError: if an argument is not as described, if labels are others than 0 to 35 in the
            order of `asl.SIGNS`, or if the model's output is not log-probabilities (N, 36).
        TrainingDiverged: if the loss of a batch, a weight after an epoch, or an answer for the test
            part is nan or infinite. The model is as the last good epoch left it.
    """
    if not isinstance(model_name, str):
        raise ValueError(
            f"expected model_name, the fifth argument, to be text, found {model_name!r}: name "
            "other options, for example lr=0.01"
        )
    for data in (train_data, test_data):
        if isinstance(data, DataLoader):
            raise ValueError("expected a dataset, found a DataLoader: pass loader.dataset instead")
        check_classes(data)
    if epochs < 1 or batch_size < 2:  # batch norm needs two images
        raise ValueError(
            f"expected epochs of at least 1 and batch_size of at least 2, found epochs={epochs}, "
            f"batch_size={batch_size}"
        )
    sizes = {"training": len(train_data)} | ({} if test_data is None else {"test": len(test_data)})
    if len(train_data) < 2 or 0 in sizes.values():
        raise ValueError(f"expected at least 2 training images and 1 test image, found {sizes}")
    if augment is not None:
        _check_augment(augment)
    device = usable_device(processes.device if device is None else device)
    model.to(device)
    images, labels = get_batch(train_data, [0], device)
    check_labels(labels)
    check_output(model, images)
    _remember_input(model, train_data if test_data is None else test_data)

    numbers: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "weight_decay": weight_decay,
        "half_precision": half_precision,
        "seed": seed,
        "device": device.type,
    }
    if processes.exact:
        numbers["processes"] = processes.count
        processes.check_equal(describe_share(model, train_data, test_data, numbers))
    kept = None
    if checkpoint is not None:
        check_writable(checkpoint)
        options = {"optimizer": optimizer, "scheduler": scheduler, "augment": augment}
        kept = Checkpoint(
            Path(checkpoint), describe_training(model, train_data, test_data, options, numbers)
        )

    metrics = Metrics({name: [] for name in _METRICS})
    metrics.name = model_name
    vars(model)["asl_metrics"] = metrics

    with seeded(seed, device):
        # Drawn only where it is needed, since drawing it moves the global generator.
        drawn = torch.Generator(device) if augment is None else drawn_generator(device)
        by_shards = _draws_for_shards(augment)
        network, batch_of = shared(model, processes), batches_on(train_data, device)

        def loss_of(indices: Tensor) -> Tensor:
            shard = processes.shard(len(indices))
            if augment is None or by_shards:
                images, labels = batch_of(indices[shard.rows])
            if augment is not None and by_shards:
                with drawing_for(shard):
                    images = augment(images, drawn)
            elif augment is not None:  # whatever it draws, it draws for the whole batch
                images, labels = batch_of(indices)
                images, labels = augment(images, drawn)[shard.rows], labels[shard.rows]
            with autocast(device, half_precision):
                log_probs = network(images, shard)
            return shard.share * F.nll_loss(log_probs, labels)

        start = timer()

        def after_epoch() -> object:
            nonlocal start
            test_loss = test_accuracy = math.nan
            if test_data is not None:
                log_probs, labels = _predict_shared(model, test_data, processes)
                _check_answers(log_probs, len(metrics["epoch_times"]) + 1)
                test_loss = F.nll_loss(log_probs, labels).item()
                correct = (log_probs.argmax(dim=1) == labels).double()
                test_accuracy = 100 * correct.mean().item()
            metrics["test_losses"].append(test_loss)
            metrics["test_accuracies"].append(test_accuracy)
            metrics["epoch_times"].append(timer() - start)
            epoch = len(metrics["epoch_times"])
            if progress and processes.rank == 0:
                print(_epoch_line(f"{model_name} epoch {epoch}/{epochs}", metrics))
            start = timer()
            if callback is None:
                return None
            return processes.from_first(partial(callback, epoch, metrics))

        start = timer()
        try:
            run_epochs(
                model,
                len(train_data),
                loss_of,
                epochs,
                metrics,
                batch_size=batch_size,
                lr=lr,
                weight_decay=weight_decay,
                optimizer=optimizer,
                scheduler=scheduler,
                drawn=drawn,
                after_epoch=after_epoch,
                checkpoint=kept,
                processes=processes,
                name=model_name if progress else None,
            )
        except BaseException as error:
            whole = len(metrics["epoch_times"])
            for values in metrics.values():
                del values[whole:]
            vars(error)["metrics"] = metrics
            error.add_note(
                f"{whole} of {epochs} epochs were finished; their metrics are in the attribute "
                "`metrics` of this error"
                + (
                    f". The same call goes on from '{shown(checkpoint)}'"
                    if checkpoint is not None and Path(checkpoint).exists()
                    else ""
                )
            )
            raise
    return metrics


def _check_augment(augment: Callable) -> None:
    try:
        inspect.signature(augment).bind("images", "generator")
    except TypeError as error:
        raise ValueError(
            f"expected augment to take (images (N, 3, H, W), generator), found {augment!r}. A "
            "transform of images alone fits: augment=lambda images, generator: transform(images)"
        ) from error


def _draws_for_shards(augment: Callable | None) -> bool:
    """Returns whether a function, as `asl.augment`, heeds `asl.processes.group.drawing_for`."""
    while isinstance(augment, partial):
        augment = augment.func
    return getattr(augment, "draws_for_shards", False)


def _remember_input(model: nn.Module, data: SizedDataset) -> None:
    """Notes on a model how its images were prepared."""
    whole, _ = whole_dataset(data)
    standard = isinstance(whole, ASLDataset) and whole.transform is None
    # A dict, since a module takes a transform that is a module for one of its layers.
    vars(model)["asl_input"] = {
        "image_size": whole.images.shape[-1] if standard else None,
        "transform": None if standard else getattr(whole, "transform", None),
    }


@torch.inference_mode()
def predict_log_probs(model: nn.Module, data: DataLoader | SizedDataset) -> tuple[Tensor, Tensor]:
    """Returns a model's answers for every image, in evaluation mode, in order.

    Args:
        model: images (N, 3, H, W) → log-probabilities (N, 36). Its device and its mode stay.
        data: a dataset of (image, label), or a loader of batches of them.

    Returns:
        log_probs (N, 36) and labels (N,), on the CPU

    Raises:
        ValueError: if there is no image, if labels are others than 0 to 35 in the order of
            `asl.SIGNS`, or if the model's output is not (N, 36).
    """
    check_classes(data)
    parameter = next(model.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    was_training = model.training
    model.eval()
    answers, actual = _Rows(), _Rows()
    try:
        for x, y in _in_order(data, device):
            answers.add(model(x).cpu())
            actual.add(y.cpu())
    finally:
        model.train(was_training)
    if answers.block is None:
        raise ValueError("expected at least one image to predict, found none")
    log_probs, labels = answers.all(), actual.all()
    check_width(log_probs)
    check_labels(labels)
    return log_probs, labels


class _Rows:
    """Rows of a tensor that come in batches, copied into one block of memory.

    If the answers stayed where they were made, between the batches in memory, a batch would often
    not fit where the one before it was, and memory would grow.
    """

    def __init__(self) -> None:
        self.block: Tensor | None = None
        self.count = 0

    def add(self, rows: Tensor) -> None:
        end = self.count + len(rows)
        if self.block is None:
            self.block = rows.clone()
        while end > len(self.block):
            self.block = torch.cat([self.block, torch.empty_like(self.block)])
        self.block[self.count : end] = rows
        self.count = end

    def all(self) -> Tensor:
        return torch.empty(0) if self.block is None else self.block[: self.count].clone()


def _predict_shared(
    model: nn.Module, data: SizedDataset, processes: Processes
) -> tuple[Tensor, Tensor]:
    """Does what `predict_log_probs` does; each process answers some of the batches."""
    batches = -(-len(data) // EVALUATION_BATCH)
    shard = processes.shard(batches)
    start, end = (EVALUATION_BATCH * batch for batch in (shard.first, shard.first + shard.size))
    whole: Any = data
    mine: Any = Subset(whole, range(start, min(end, len(data))))
    answers = predict_log_probs(model, mine)
    parts = processes.each(answers if shard.counts else None)
    log_probs, labels = zip(*(part for part in parts if part is not None), strict=True)
    return torch.cat(log_probs), torch.cat(labels)


def _check_answers(log_probs: Tensor, epoch: int) -> None:
    """Raises TrainingDiverged unless a model's answers (N, 36) for the test part are numbers.

    A log-probability of minus infinity is one.
    """
    wrong = (~log_probs.exp().isfinite().all(dim=1)).nonzero().flatten().tolist()
    if wrong:
        raise TrainingDiverged(
            f"after epoch {epoch} the model answers {len(wrong)} of {len(log_probs)} images of the "
            f"test part with nan or infinity, the first is test_data[{wrong[0]}]. The model is as "
            f"epoch {epoch - 1} left it. Look for nan in these images; if there is none, try a "
            "smaller learning rate, lr=."
        )


def _in_order(
    data: DataLoader | SizedDataset, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields batches of images, on a device, and their labels."""
    if isinstance(data, DataLoader):
        for images, labels in data:
            yield images.to(device), labels
    else:
        for start in range(0, len(data), EVALUATION_BATCH):
            yield get_batch(data, range(len(data))[start : start + EVALUATION_BATCH], device)


def _epoch_line(title: str, metrics: dict[str, list[float]]) -> str:
    last = {name: values[-1] for name, values in metrics.items()}
    loss, accuracy = last["test_losses"], last["test_accuracies"]
    test = "" if math.isnan(loss) else f"test loss {loss:.3f}, test accuracy {accuracy:5.2f} %, "
    return f"{title}: train loss {last['train_losses']:.3f}, {test}{last['epoch_times']:.2f} s"
