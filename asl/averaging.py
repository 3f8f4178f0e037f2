"""A trained model trained on, and the mean of the weights before and on the way."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.data import Dataset

from asl.data import get_batch
from asl.training import (
    autocast,
    default_device,
    drawn_generator,
    run_epochs,
    seeded,
    shuffled_batches,
)

_WARM_UP = 300  # steps
_STATISTICS = 100  # batches, at most
_START = 0.5  # share of the weights the model began with


def train_averaged(
    model: nn.Module,
    train_data: Dataset,
    epochs: int,
    *,
    batch_size: int = 64,
    lr: float = 2e-3,
    weight_decay: float = 0.01,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    half_precision: bool = False,
    seed: int | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> list[float]:
    """Trains a trained model on at a constant learning rate, and averages its weights.

    Half of what it ends with is the mean of its weights after every step from the second epoch on
    (Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization"; as
    densely as Cha et al. 2021, "SWAD"), half the weights it began with (Wortsman et al. 2022,
    "Robust fine-tuning of zero-shot models"). What batch norm knows of its inputs is then measured
    anew, on up to 100 batches.

    Args:
        model: as `asl.train_model` leaves it; changed in place, left in evaluation mode.
        train_data: items (image (3, H, W), label).
        epochs: passes over them, at least two.
        lr: the learning rate, reached after 300 steps.
        batch_size, weight_decay, augment, half_precision, seed, device, progress: as of
            `asl.train_model`.

    Returns:
        The mean loss of each epoch, of the weights on the way.

    Raises:
        ValueError: if `epochs` is less than two.
    """
    if epochs < 2:
        raise ValueError(f"expected at least 2 epochs, the first is not averaged; found {epochs}")
    device = torch.device(device) if device is not None else default_device()
    model.to(device)
    start = [parameter.detach().clone() for parameter in model.parameters()]
    mean = AveragedModel(model)

    def read(indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images, labels = get_batch(train_data, indices, device)
        return images if augment is None else augment(images, generator), labels

    with seeded(seed, device):
        generator = drawn_generator(device)

        def loss_of(indices: Tensor) -> Tensor:
            images, labels = read(indices, generator)
            with autocast(device, half_precision):
                log_probs = model(images)
            return F.nll_loss(log_probs, labels)

        def after_step(epoch: int) -> None:
            if epoch > 1:
                mean.update_parameters(model)

        options = {"batch_size": batch_size, "lr": lr, "weight_decay": weight_decay}
        if progress:
            options["name"] = "Averaging"
        options |= {"warm_up": _WARM_UP, "after_step": after_step}
        losses = [
            loss for loss, _ in run_epochs(model, len(train_data), loss_of, epochs, **options)
        ]
    with torch.no_grad():
        for parameter, before, on_the_way in zip(
            model.parameters(), start, mean.module.parameters(), strict=True
        ):
            parameter.copy_(torch.lerp(on_the_way, before, _START))
    with seeded(seed, device):
        generator = drawn_generator(device)
        batches = shuffled_batches(len(train_data), batch_size)[:_STATISTICS]
        update_bn((read(indices, generator)[0] for indices in batches), model)
    model.eval()
    return losses
