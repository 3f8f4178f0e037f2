"""The one training loop, and the pass that collects a model's answers.

It knows nothing of the model that it trains: any model from images (N, 3, H, W) to
log-probabilities (N, 36) will do.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from timeit import default_timer as timer

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader

from asl.data import SizedDataset, get_batch
from asl.devices import AdamW, autocast, default_device, keep_freed_memory
from asl.files import progress_bar
from asl.signs import SIGNS

EVALUATION_BATCH = 64  # bounds the memory of feature maps


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
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    half_precision: bool = False,
    seed: int | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> dict[str, list[float]]:
    """Trains a model in place with AdamW and one OneCycleLR cycle, and measures it every epoch.

    Nothing is chosen on the test part: the model stays as the last epoch left it. It ends in
    evaluation mode, on `device`.

    This departs from the notebook we were given in three ways. The learning rate moves after every
    batch, not after every epoch. Losses are means over images, not over batches. If the last batch
    holds a single image, on which batch norm cannot train, it joins the batch before it.

    Args:
        model: images (N, 3, H, W) → log-probabilities (N, 36).
        train_data: items (image (3, H, W), label), at least two.
        test_data: the same, at least one. None skips the test, and leaves ``test_losses`` and
            ``test_accuracies`` empty.
        epochs: passes over the training part.
        model_name: begins each printed line.
        batch_size: images in a step.
        lr: peak learning rate. The cycle starts at 1/25 of it.
        weight_decay: AdamW's.
        augment: changes each training batch of images at random, as `asl.augment` does: (images
            (N, 3, H, W), generator on their device) → images.
        half_precision: let the model compute in bfloat16 where that is safe (`torch.autocast`). It
            is twice as fast on a CPU or GPU made for it, and slower on others.
        seed: makes order, changes and dropout repeat exactly on one machine's CPU with the same
            number of threads, and leaves the global generators as they were. The initial weights
            are yours to seed. None draws from the global generators.
        device: None means `default_device()`.
        progress: show a bar while an epoch runs, and print a line after it.

    Returns:
        One entry per epoch in each of ``train_losses`` and ``test_losses`` (mean negative
        log-likelihood, in nats), ``test_accuracies`` (percent), ``learning_rates`` (of the
        epoch's last step) and ``epoch_times`` (seconds, training and test together).

    Raises:
        ValueError: if `epochs`, `batch_size` or a part's size is too small, or the model's output
            is not log-probabilities (N, 36).
    """
    if epochs < 1:
        raise ValueError(f"expected at least 1 epoch, found {epochs}")
    if batch_size < 2:
        raise ValueError(f"expected batch_size of at least 2 for batch norm, found {batch_size}")
    sizes = {"training": len(train_data)} | ({} if test_data is None else {"test": len(test_data)})
    if len(train_data) < 2 or 0 in sizes.values():
        raise ValueError(f"expected at least 2 training images and 1 test image, found {sizes}")
    device = torch.device(device) if device is not None else default_device()
    model.to(device)
    _check_output(model, get_batch(train_data, [0], device)[0])

    names = ("train_losses", "test_losses", "test_accuracies", "learning_rates", "epoch_times")
    metrics: dict[str, list[float]] = {name: [] for name in names}

    with seeded(seed, device):
        # Drawn only where it is needed, since drawing it moves the global generator.
        drawn = torch.Generator(device) if augment is None else drawn_generator(device)

        def loss_of(indices: Tensor) -> Tensor:
            images, labels = get_batch(train_data, indices, device)
            if augment is not None:
                images = augment(images, drawn)
            with autocast(device, half_precision):
                log_probs = model(images)
            return F.nll_loss(log_probs, labels)

        start = timer()
        for loss, learning_rate in run_epochs(
            model,
            len(train_data),
            loss_of,
            epochs,
            batch_size=batch_size,
            lr=lr,
            weight_decay=weight_decay,
            name=model_name if progress else None,
        ):
            metrics["train_losses"].append(loss)
            metrics["learning_rates"].append(learning_rate)
            model.eval()
            if test_data is not None:
                log_probs, labels = predict_log_probs(model, test_data)
                correct = (log_probs.argmax(dim=1) == labels).double()
                metrics["test_losses"].append(F.nll_loss(log_probs, labels).item())
                metrics["test_accuracies"].append(100 * correct.mean().item())
            metrics["epoch_times"].append(timer() - start)
            if progress:
                epoch = len(metrics["epoch_times"])
                print(_epoch_line(f"{model_name} epoch {epoch}/{epochs}", metrics))
            start = timer()
    return metrics


def run_epochs(
    model: nn.Module,
    size: int,
    loss_of: Callable[[Tensor], Tensor],
    epochs: int,
    *,
    batch_size: int,
    lr: float,
    weight_decay: float,
    name: str | None = None,
) -> Iterator[tuple[float, float]]:
    """Trains a model in place with AdamW, in one OneCycleLR cycle: the loop behind every training.

    Args:
        model: whose parameters to train, on its device.
        size: number of training items.
        loss_of: indices of a batch, int64 (B,) → its mean loss, a scalar.
        epochs: passes over the items.
        batch_size: items in a step. A last batch of one item joins the batch before it.
        lr: peak learning rate.
        weight_decay: AdamW's.
        name: of the bar that is shown while an epoch runs. None shows none.

    Yields:
        After each epoch, while the model is in training mode: the mean loss over its items, and the
        learning rate of its last step.
    """
    device = next(model.parameters()).device
    steps = len(_shuffled_batches(size, batch_size, torch.Generator()))
    optimizer = AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=epochs * steps)
    keep_freed_memory()
    for epoch in range(1, epochs + 1):
        batches: Iterable[Tensor] = _shuffled_batches(size, batch_size)
        if name is not None:
            batches = progress_bar(batches, f"{name} epoch {epoch}/{epochs}")
        model.train()
        loss_sum = torch.zeros((), device=device)  # read once an epoch: reading waits for a GPU
        for indices in batches:
            loss = loss_of(indices)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            learning_rate = float(scheduler.get_last_lr()[0])  # the one that this step used
            scheduler.step()
            loss_sum += loss.detach() * len(indices)
        yield loss_sum.item() / size, learning_rate


@torch.inference_mode()
def predict_log_probs(model: nn.Module, data: DataLoader | SizedDataset) -> tuple[Tensor, Tensor]:
    """Returns a model's answers for every image, in evaluation mode, in order.

    Args:
        model: images (N, 3, H, W) → log-probabilities (N, 36). Its device and its mode stay.
        data: a dataset of (image, label), or a loader of batches of them.

    Returns:
        log_probs: float (N, 36), on the CPU
        labels: int64 (N,), on the CPU

    Raises:
        ValueError: if there is no image, or the model's output is not (N, 36).
    """
    parameter = next(model.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    was_training = model.training
    model.eval()
    try:
        answers = [(model(x).cpu(), y.cpu()) for x, y in _in_order(data, device)]
    finally:
        model.train(was_training)
    if not answers:
        raise ValueError("expected at least one image to predict, found none")
    log_probs, labels = (torch.cat(parts) for parts in zip(*answers, strict=True))
    _check_width(log_probs)
    return log_probs, labels


def _in_order(
    data: DataLoader | SizedDataset, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields batches of images, on a device, and their labels."""
    if isinstance(data, DataLoader):
        for images, labels in data:
            yield images.to(device), labels
    else:
        for start in range(0, len(data), EVALUATION_BATCH):
            stop = min(start + EVALUATION_BATCH, len(data))
            yield get_batch(data, range(start, stop), device)


def _shuffled_batches(
    size: int, batch_size: int, generator: torch.Generator | None = None
) -> list[Tensor]:
    """Returns the indices of all items in random order, in batches of at least two items."""
    batches = list(torch.randperm(size, generator=generator).split(batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


@contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seeds the global generators in a block and restores them after it. None does nothing."""
    if seed is None:
        yield
        return
    # Dropout has no generator of its own: it draws from the global ones.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def drawn_generator(device: torch.device) -> torch.Generator:
    """Returns a generator on a device, seeded with a number drawn from the global one."""
    return torch.Generator(device).manual_seed(int(torch.randint(2**62, ())))


@torch.inference_mode()
def _check_output(model: nn.Module, images: Tensor) -> None:
    """Raises ValueError, before any training, unless a model returns log-probabilities (N, 36)."""
    model.eval()
    output = model(images)
    _check_width(output)
    total = output.exp().sum(dim=1)[0].item()
    if not abs(total - 1) < 1e-3:
        raise ValueError(
            "expected log-probabilities, whose exponentials sum to 1 for each image, found a sum "
            f"of {total:.3g}: end the model with nn.LogSoftmax(dim=1)"
        )


def _check_width(output: Tensor) -> None:
    if output.ndim != 2 or output.shape[1] != len(SIGNS):
        raise ValueError(
            f"expected a model output of shape (N, {len(SIGNS)}), found {tuple(output.shape)}"
        )


def _epoch_line(title: str, metrics: dict[str, list[float]]) -> str:
    last = {name: values[-1] for name, values in metrics.items() if values}
    test = ""
    if "test_losses" in last:
        test = (
            f"test loss {last['test_losses']:.3f}, test accuracy {last['test_accuracies']:5.2f} %, "
        )
    return f"{title}: train loss {last['train_losses']:.3f}, {test}{last['epoch_times']:.2f} s"
