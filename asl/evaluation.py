"""From a model's answers to numbers: accuracy, confusion, per-sign accuracy, a baseline, a summary.

Accuracies here are shares from 0 to 1, computed as sum(correct) / sum(n). Nothing here draws.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import Dataset

from asl.data import get_batch
from asl.signs import SIGNS
from asl.splits import nearest_images

if TYPE_CHECKING:
    from pandas import DataFrame


def accuracy(log_probs: Tensor, labels: Tensor) -> float:
    """Returns the share of images whose most probable sign is the right one.

    Args:
        log_probs: float (N, 36).
        labels: int64 (N,).

    Raises:
        ValueError: if there are no images or the lengths differ.
    """
    _check_lengths(log_probs, labels)
    return (log_probs.argmax(dim=1) == labels).double().mean().item()


def confusion_matrix(log_probs: Tensor, labels: Tensor, num_classes: int = len(SIGNS)) -> Tensor:
    """Counts actual signs (rows) against predicted ones (columns).

    Args:
        log_probs: float (N, num_classes).
        labels: int64 (N,).
        num_classes: side of the matrix.

    Returns:
        int64 (num_classes, num_classes), summing to N.

    Raises:
        ValueError: if there are no images, the lengths differ, or a sign lies outside the matrix.
    """
    _check_lengths(log_probs, labels)
    predicted = log_probs.argmax(dim=1)
    largest = int(torch.maximum(labels.max(), predicted.max()))
    if largest >= num_classes or int(labels.min()) < 0:
        raise ValueError(
            f"expected labels and predictions from 0 to {num_classes - 1}, found "
            f"{int(labels.min())} to {largest}"
        )
    counts = torch.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def per_class_accuracy(confusion: Tensor) -> Tensor:
    """Returns each sign's accuracy (C,), nan for a sign without images, from a (C, C) matrix."""
    return confusion.diagonal() / confusion.sum(dim=1)  # 0 / 0 is nan: absent, not 0 %


def nearest_neighbour_accuracy(train_data: Dataset, test_data: Dataset) -> float:
    """Returns the accuracy of a baseline that learns nothing.

    Each test image gets the sign of the training image whose raw pixels are nearest (Euclidean).
    Where this is high, test images have near-copies in the training part.

    Args:
        train_data: items (normalised image (3, H, W), label), N of them.
        test_data: the same, M of them.
    """
    _, nearest = nearest_images(train_data, test_data)
    train_labels, test_labels = (_labels(data) for data in (train_data, test_data))
    return (train_labels[nearest] == test_labels).double().mean().item()


def summarize(metrics: Mapping[str, Mapping[str, list[float]]]) -> "DataFrame":
    """Compiles what `train_model` returned into one table, a column a model.

    The best epoch's accuracy was picked on the test part and so flatters; the final one is the
    figure to quote. With two models a third column holds the second minus the first.

    Args:
        metrics: model name → metrics, in the order of the columns.

    Returns:
        A pandas DataFrame of accuracies in percent, losses in nats, time in seconds.
    """
    import pandas as pd  # 0.3 s that only this table needs to spend

    table = pd.DataFrame(
        {
            name: {
                "best test accuracy (%)": max(values["test_accuracies"]),
                "final test accuracy (%)": values["test_accuracies"][-1],
                "final training loss": values["train_losses"][-1],
                "final test loss": values["test_losses"][-1],
                "mean time per epoch (s)": sum(values["epoch_times"]) / len(values["epoch_times"]),
            }
            for name, values in metrics.items()
        }
    )
    if len(metrics) == 2:
        first, second = metrics
        table["difference"] = table[second] - table[first]
    return table


def _labels(dataset: Dataset) -> Tensor:
    return get_batch(dataset, range(len(dataset)))[1]


def _check_lengths(log_probs: Tensor, labels: Tensor) -> None:
    if log_probs.ndim != 2 or len(log_probs) != len(labels) or not len(labels):
        raise ValueError(
            "expected log-probabilities (N, classes) and labels (N,) of at least one image, found "
            f"{tuple(log_probs.shape)} and {tuple(labels.shape)}"
        )
