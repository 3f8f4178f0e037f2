"""From a model's answers to numbers: accuracy overall, by sign and by group, confusion, intervals.

Accuracies here are shares from 0 to 1, computed as sum(correct) / sum(n). Nothing here draws.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from asl.signs import ANSWERS, SHAPES, SIGNS

if TYPE_CHECKING:
    from pandas import DataFrame


def _labels_of(names: Sequence[str]) -> Tensor:
    """Returns the labels that each name stands for, (K, 2); 36, one past the last, is no label."""
    signs = [name.replace(" or ", "/").split("/") for name in names]
    return torch.tensor([[*map(SIGNS.index, some), len(SIGNS)][:2] for some in signs])


_LABELS_OF = {names: _labels_of(names) for names in (SHAPES, ANSWERS)}


def accuracy(log_probs: Tensor, labels: Tensor) -> float:
    """Returns the share of images whose most probable sign is the right one.

    Args:
        log_probs: float (N, 36).
        labels: int64 (N,).

    Raises:
        ValueError: as `check_answers`.
    """
    log_probs, labels = check_answers(log_probs, labels)
    return (log_probs.argmax(dim=1) == labels).double().mean().item()


def accuracy_within(log_probs: Tensor, labels: Tensor) -> float:
    """Returns the accuracy if only signs that occur among the labels count as answers.

    Some sets of photos hold only letters or only digits, and their users know which.

    Args:
        log_probs: float (N, 36).
        labels: int64 (N,).

    Raises:
        ValueError: as `check_answers`.
    """
    log_probs, labels = check_answers(log_probs, labels)
    present = labels.unique()
    answers = present[log_probs[:, present].argmax(dim=1)]
    return (answers == labels).double().mean().item()


def confusion_matrix(log_probs: Tensor, labels: Tensor, num_classes: int = len(SIGNS)) -> Tensor:
    """Counts actual signs (rows) against predicted ones (columns).

    Args:
        log_probs: float (N, num_classes).
        labels: int64 (N,).
        num_classes: side of the matrix.

    Returns:
        int64 (num_classes, num_classes), summing to N.

    Raises:
        ValueError: as `check_answers`, or if a sign does not fit into the matrix.
    """
    log_probs, labels = check_answers(log_probs, labels)
    predicted = log_probs.argmax(dim=1)
    largest = int(torch.maximum(labels.max(), predicted.max()))
    if largest >= num_classes:
        raise ValueError(
            f"expected labels and predictions from 0 to {num_classes - 1}, found up to {largest}"
        )
    counts = torch.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def per_class_accuracy(confusion: Tensor) -> Tensor:
    """Returns each sign's accuracy (C,), nan for a sign without images, from a (C, C) matrix."""
    return confusion.diagonal() / confusion.sum(dim=1)  # 0 / 0 is nan: absent, not 0 %


def merge_look_alikes(
    log_probs: Tensor, labels: Tensor, names: tuple[str, ...] = SHAPES
) -> tuple[Tensor, Tensor]:
    """Turns answers over the 36 labels into answers over the 33 hand shapes.

    It adds the probabilities of labels that share a shape (`asl.signs.LOOK_ALIKES`).

    Args:
        log_probs: float (..., N, 36).
        labels: int64 (N,).
        names: the shapes: `asl.signs.SHAPES` or, where `f` may be signed as it is taught, the 32
            of `asl.signs.ANSWERS`.

    Returns:
        log_probs: float (..., N, K), over the names
        labels: int64 (N,), positions among the names
    """
    of_label = (_LABELS_OF[names][:, :, None] == torch.arange(len(SIGNS))).any(dim=1)  # (K, 36)
    return merge_shapes(log_probs, names), of_label.int().argmax(dim=0).to(labels.device)[labels]


def merge_shapes(log_probs: Tensor, names: tuple[str, ...] = SHAPES) -> Tensor:
    """Turns log-probabilities (..., 36) over labels into those (..., K) over hand shapes.

    Args:
        log_probs: float (..., 36).
        names: the shapes: `asl.signs.SHAPES` or `asl.signs.ANSWERS`.
    """
    padded = F.pad(log_probs, (0, 1), value=-torch.inf)  # label 36, for shapes of one label
    return padded[..., _LABELS_OF[names].to(padded.device)].logsumexp(-1)


def group_accuracy(
    log_probs: Tensor, labels: Tensor, groups: Sequence[Any]
) -> dict[Any, tuple[float, int]]:
    """Returns (accuracy, number of images) of each group, for instance each signer, in order.

    Args:
        log_probs: float (N, K).
        labels: int64 (N,).
        groups: the group of each image, length N. None, for those not known, comes last.

    Raises:
        ValueError: as `check_answers`, or if there is not one group for each image.
    """
    log_probs, labels = check_answers(log_probs, labels)
    if len(groups) != len(labels):
        raise ValueError(f"expected a group for each of {len(labels)} images, found {len(groups)}")
    correct = (log_probs.argmax(dim=1) == labels).tolist()
    order = sorted(set(groups) - {None}) + [None] * (None in groups)  # None: not known
    of_group: dict[Any, list[bool]] = {group: [] for group in order}
    for group, right in zip(groups, correct, strict=True):
        of_group[group].append(right)
    return {group: (sum(rights) / len(rights), len(rights)) for group, rights in of_group.items()}


def bootstrap_interval(
    values: Tensor,
    clusters: Sequence[Hashable],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Returns a percentile bootstrap interval of a mean, drawn from whole clusters.

    Of a single cluster it is not defined, and both ends are nan.

    The frames of a burst are right or wrong together. Drawing single images would therefore make
    the interval too narrow.

    Args:
        values: float (N,), such as 1 for a right answer and 0 for a wrong one.
        clusters: the cluster of each value, such as its burst, length N.
        level: share of the resampled means inside the interval.
        resamples: how often to draw.
        seed: fixes the draws.

    Raises:
        ValueError: if there are no values or the lengths differ.
    """
    if len(values) != len(clusters) or not len(values):
        raise ValueError(
            f"expected a cluster for each of at least one value, found {len(values)} values and "
            f"{len(clusters)} clusters"
        )
    number = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
    if len(number) == 1:
        return math.nan, math.nan
    index = torch.tensor([number[cluster] for cluster in clusters])
    sizes = torch.bincount(index).double()
    sums = torch.zeros(len(number), dtype=torch.double).index_add_(0, index, values.cpu().double())
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(number), (resamples, len(number)), generator=generator)
    means = sums[drawn].sum(dim=1) / sizes[drawn].sum(dim=1)
    low, high = means.quantile(torch.tensor([(1 - level) / 2, (1 + level) / 2]).double()).tolist()
    return low, high


def summarize(metrics: Mapping[str, Mapping[str, list[float]]]) -> "DataFrame":
    """Puts what `train_model` returned into one table, with a column for each model.

    The best epoch was picked on the test part, so its accuracy flatters the model. The final
    accuracy is the one to quote. Two models get a third column: the second minus the first.

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


def check_answers(log_probs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Raises ValueError, with both values, on answers that do not fit their labels.

    Args:
        log_probs: expected float (N, K) of at least one image, each row's exponentials summing
            to 1.
        labels: expected int64 (N,), from 0 to K - 1.

    Returns:
        Both on the CPU, since Apple's MPS has no float64.
    """
    log_probs, labels = log_probs.cpu(), labels.cpu()
    if log_probs.ndim != 2 or len(log_probs) != len(labels) or not len(labels):
        raise ValueError(
            "expected log-probabilities (N, classes) and labels (N,) of at least one image, found "
            f"{tuple(log_probs.shape)} and {tuple(labels.shape)}"
        )
    classes = log_probs.shape[1]
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ValueError(f"expected labels from 0 to {classes - 1}, found {low} to {high}")
    sums = log_probs.exp().sum(dim=1)
    wrong = ~((sums - 1).abs() < 1e-3)  # "not near" also catches nan
    if wrong.any():
        first = int(wrong.nonzero()[0])
        raise ValueError(
            "expected log-probabilities, whose exponentials sum to 1 for each image, found a sum "
            f"of {sums[first].item():.3g} for image {first} ({int(wrong.sum())} of {len(wrong)} "
            "images)"
        )
    return log_probs, labels
