"""What is known about people in general before somebody teaches a hand.

It is fitted to people whom the networks were not trained on. `asl.recognizer.teaching_strength`
chooses how much the photos that somebody teaches with, the shots, count against it.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from asl.evaluation.calibration import apply_temperature
from asl.evaluation.metrics import merge_shapes
from asl.recognizer.teaching import (
    ANSWER_OF_SIGN,
    Hand,
    Prior,
    centred,
    learn,
)
from asl.signs import ANSWERS, SIGNS

MISTAKEN = 0.02  # share of a person's wrong letters that practice accepts at most
_HELD = 3  # pictures
_SHRINKAGE = 0.1  # of the covariance, towards one that is the same in all directions


class Person(NamedTuple):
    """A reader's answers to a person, or to a source of photographs, that it has not seen.

    Attributes:
        name: that of one person in two places is the same, so that neither is the other's prior.
        log_probs: float (N, 36).
        labels: int64 (N,).
        stretches: what near-copies share, such as their burst, N long.
        kind: a signer in the studio, the same signer put elsewhere, or a source of photographs.
    """

    name: str
    log_probs: Tensor
    labels: Tensor
    stretches: Sequence[Hashable]
    kind: Literal["studio", "elsewhere", "source"]


def known_of(people: Sequence[Person]) -> Prior:
    """Returns whitening and directions of people, with the strength that is usual.

    Whitening makes their variation round the mean of each sign the same in all directions. It is
    within a person and between people, so that confusions that people share count less. A sign that
    nobody shows keeps the direction of `Prior.default`.
    """
    means = torch.full((len(people), len(SIGNS), len(SIGNS)), torch.nan)
    within = torch.zeros(len(SIGNS), len(SIGNS))
    shown = 0
    for i, person in enumerate(people):
        places = centred(person.log_probs)
        for label in person.labels.unique().tolist():
            theirs = places[person.labels == label]
            means[i, label] = theirs.mean(dim=0)
            apart = theirs - means[i, label]
            within += apart.T @ apart / len(theirs)
            shown += 1
    mean = means.nanmean(dim=0)
    apart = (means - mean).nan_to_num().flatten(0, 1)
    covariance = within / shown + apart.T @ apart / shown
    even = covariance.diagonal().mean().clamp(min=1e-6) * torch.eye(len(SIGNS))
    covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * even
    whitening = torch.linalg.cholesky(torch.linalg.inv(covariance))
    ideal = Prior.default().directions
    mean = torch.where(mean.isnan(), ideal * mean.norm(dim=1).nanmean(), mean)
    return Prior(whitening, F.normalize(mean @ whitening, dim=1))


def taught_with(
    person: Person, prior: Prior, signs: Sequence[str], count: int, draw: int = 0
) -> tuple[Hand, Tensor]:
    """Teaches shots of one stretch of each sign. The rest of a stretch would be too easy a test.

    Args:
        person: who is taught.
        prior: that of others.
        signs: which of the person's signs are taught.
        count: how many shots of each, the first of a stretch, or all of a shorter one.
        draw: which stretch.

    Returns:
        hand: what was taught
        rest: bool (N,), the pictures that are in none of these stretches
    """
    hand, rest = Hand.untaught(), torch.ones(len(person.labels), dtype=torch.bool)
    for label in person.labels.unique().tolist():
        if SIGNS[label] not in signs:
            continue
        where = (person.labels == label).nonzero()[:, 0].tolist()
        names = list(dict.fromkeys(person.stretches[i] for i in where))
        name = names[draw % len(names)]
        stretch = [i for i in where if person.stretches[i] == name]
        hand = learn(hand, SIGNS[label], person.log_probs[stretch[:count]], prior)
        rest[stretch] = False
    return hand, rest


def verification_threshold(people: Sequence[Person], temperature: float) -> dict[str, float]:
    """Returns how probable a letter must be for practice to accept it.

    Practice takes means over half a second. Here they are taken over three pictures in a row.

    Args:
        people: whom the reader has not seen. Their pictures of digits that look like no letter are
            passed over.
        temperature: of the recogniser.

    Returns:
        ``threshold``, the lowest at which of nobody's more than 2 % of wrong letters are accepted:
        the letter that is asked for is any other than the one shown. ``accepted``: the share of
        everybody's right letters.

    Raises:
        ValueError: if no picture shows a letter.
    """
    held = [found for person in people if (found := list(_held(person, temperature)))]
    if not held:
        raise ValueError("expected pictures of letters, found none")
    thresholds, accepted = [], []
    for theirs in held:
        shares, right = (torch.stack(part) for part in zip(*theirs, strict=True))
        wrong = shares[~right].sort(descending=True).values
        thresholds.append(wrong[min(int(MISTAKEN * len(wrong)), len(wrong) - 1)].item() + 1e-6)
        accepted.append(shares[right])
    threshold = max(thresholds)
    every = torch.cat(accepted)
    return {"threshold": threshold, "accepted": (every >= threshold).double().mean().item()}


def _held(person: Person, temperature: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Gives what `letter_shares_of` does, the mean over three pictures in a row of a stretch."""
    answers = apply_temperature(merge_shapes(person.log_probs, ANSWERS), temperature)
    rows: dict[tuple, list[int]] = {}
    for i, key in enumerate(zip(person.labels.tolist(), person.stretches, strict=True)):
        rows.setdefault(key, []).append(i)
    for some in rows.values():
        for start in range(0, len(some), _HELD):
            hold = some[start : start + _HELD]
            shares, right = letter_shares_of(answers[hold], person.labels[hold])
            if len(shares):
                yield shares.mean(dim=0), right[0]


def letter_shares_of(answers: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the probability of each letter, given that a letter is shown, and which is right.

    Args:
        answers: float (N, 32), log-probabilities of `asl.ANSWERS`.
        labels: int64 (N,). Pictures of digits that look like no letter are left out.

    Returns:
        shares: float (M, 26)
        right: bool (M, 26), true once in a row
    """
    own = torch.tensor([ANSWER_OF_SIGN[i] for i, sign in enumerate(SIGNS) if sign.isalpha()])
    right = own == torch.tensor(ANSWER_OF_SIGN)[labels][:, None]
    letters = right.any(dim=1)
    return answers[:, own].softmax(dim=1)[letters], right[letters]
