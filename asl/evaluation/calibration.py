"""Can a model's confidence be believed? Reliability, calibration error, temperature, abstaining.

A model is calibrated if 80 % of the answers that it gives with 80 % confidence are right. The
confidence of an answer is its probability. All functions but `fit_evidence` take log-probabilities
(N, K), over the 36 labels or the 33 shapes.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from asl.evaluation.metrics import check_answers

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Answers in bins of equal width by confidence, from 0 to 1.

    Attributes:
        counts: int64 (B,), answers in each bin.
        confidence: float (B,), their mean confidence; nan in an empty bin.
        accuracy: float (B,), the share of them that are right; nan in an empty bin.
    """

    counts: Tensor
    confidence: Tensor
    accuracy: Tensor

    @property
    def error(self) -> float:
        """The expected calibration error: mean distance of confidence and accuracy, from 0 to 1.

        Each bin is weighted by the number of its answers (Naeini et al. 2015; Guo et al. 2017).
        """
        gaps = (self.confidence - self.accuracy).abs().nan_to_num()
        return (gaps * self.counts).sum().item() / self.counts.sum().item()


def reliability(log_probs: Tensor, labels: Tensor, *, bins: int = BINS) -> Reliability:
    """Compares confidence with accuracy.

    Args:
        log_probs: float (N, K).
        labels: int64 (N,).
        bins: number of bins.

    Raises:
        ValueError: as `asl.evaluation.metrics.check_answers`, or if there is no bin.
    """
    if bins < 1:
        raise ValueError(f"expected at least 1 bin, found {bins}")
    log_probs, labels = check_answers(log_probs, labels)
    confidence, correct = _answers(log_probs, labels)
    bin_of = (confidence * bins).long().clamp(max=bins - 1)
    counts = torch.bincount(bin_of, minlength=bins)
    means = [
        torch.zeros(bins, dtype=torch.double).index_add_(0, bin_of, values) / counts
        for values in (confidence, correct)
    ]
    return Reliability(counts, *means)


def fit_temperature(log_probs: Tensor, labels: Tensor) -> float:
    """Finds the temperature that makes validation labels most likely (Guo et al. 2017).

    Log-probabilities are divided by it. That changes no answer; it makes the model less confident
    if the temperature is above 1, and more confident if it is below 1.

    Args:
        log_probs: float (N, K), of images that the model was not trained on.
        labels: int64 (N,).

    Returns:
        A number from 0.05 to 20.

    Raises:
        ValueError: as `asl.evaluation.metrics.check_answers`.
    """
    log_probs, labels = check_answers(log_probs, labels)
    # An answer that the model called impossible must not outweigh all others.
    log_probs = log_probs.double().clamp(min=-100)
    # The loss is convex in the inverse temperature, so cutting off thirds finds its one minimum.
    low, high = 1 / 20, 20.0
    for _ in range(60):
        third = (high - low) / 3
        losses = [
            F.nll_loss(apply_temperature(log_probs, 1 / beta), labels).item()
            for beta in (low + third, high - third)
        ]
        low, high = (low, high - third) if losses[0] < losses[1] else (low + third, high)
    return 2 / (low + high)


def apply_temperature(log_probs: Tensor, temperature: float) -> Tensor:
    """Divides log-probabilities (..., K) by a temperature and normalises them again."""
    if not temperature > 0:
        raise ValueError(f"expected a temperature above 0, found {temperature}")
    return F.log_softmax(log_probs / temperature, dim=-1)


def fit_evidence(hands: Tensor, nothing: Tensor) -> tuple[float, float]:
    """Returns (scale, shift) that make evidence e the log-odds ``scale * e + shift`` of a hand.

    Args:
        hands: float (N,), evidence in pictures of hands.
        nothing: float (M,), in pictures without. Both kinds count as much.

    Raises:
        ValueError: if there is not more evidence in pictures of hands than in pictures without, or
            any is no number.
    """
    evidence = torch.cat([hands, nothing]).double()
    actual = torch.cat([torch.ones(len(hands)), torch.zeros(len(nothing))]).double()
    weight = torch.where(actual > 0, 0.5 / len(hands), 0.5 / len(nothing))
    line = torch.tensor([1.0, 0.0], dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        odds = line[0] * evidence + line[1]
        # A trace of decay, so that the answer is finite where the two kinds are wholly apart.
        value = F.binary_cross_entropy_with_logits(odds, actual, weight, reduction="sum")
        (value + 1e-4 * line.square().sum()).backward()
        return value

    optimizer.step(loss)
    scale, shift = line.tolist()
    if not (scale > 0 and math.isfinite(scale) and math.isfinite(shift)):
        raise ValueError(
            "expected more evidence of a hand in pictures of hands than in pictures without, found "
            f"{hands.mean().item():.3g} and {nothing.mean().item():.3g} in the mean (scale "
            f"{scale:.3g}): the finders know no hands. Train them for longer"
        )
    return scale, shift


def selective_accuracy(log_probs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns how accurate a model is if it answers only when it is most confident.

    Args:
        log_probs: float (N, K).
        labels: int64 (N,).

    Returns:
        share: float (N,), of images answered, rising to 1
        accuracy: float (N,), on those

    Raises:
        ValueError: as `asl.evaluation.metrics.check_answers`.
    """
    log_probs, labels = check_answers(log_probs, labels)
    confidence, correct = _answers(log_probs, labels)
    order = confidence.argsort(descending=True, stable=True)
    answered = torch.arange(1, len(order) + 1, dtype=torch.double)
    return answered / len(order), correct[order].cumsum(0) / answered


def _answers(log_probs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the confidence (N,) of each answer, and (N,) 1 for right and 0 for wrong."""
    best, predicted = log_probs.double().max(dim=1)
    return best.exp().clamp(max=1), (predicted == labels).double()
