"""What is known of people before one of them is taught: fitted to people nobody was trained on.

`asl.recognizer.calibrate` asks `fit_prior` and `verification_threshold`. How much is made of shots
is chosen on the studio's signers. Each of them is taught in turn, with a prior of all others.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from asl.evaluation.calibration import apply_temperature
from asl.evaluation.metrics import merge_shapes
from asl.recognizer.teaching import (
    ANSWER_OF_SIGN,
    Hand,
    Prior,
    Strength,
    centred,
    learn,
    lesson_of,
    taught_answers,
)
from asl.signs import ANSWERS, SIGNS

MISTAKEN = 0.02  # share of wrong letters that practice accepts
_HARD = "dmntz"  # each is taught alone, too, when the strength is chosen
_SHRINKAGE = 0.1  # of the covariance, towards one that is the same in all directions
_WEIGHTS, _GAINS, _FLOORS = (0.5, 1.0, 2.0), (5.0, 10.0, 20.0), (0.0, 0.3, 0.5)
_TEMPERATURES = tuple(0.7 + 0.1 * i for i in range(24))


class Person(NamedTuple):
    """A reader's answers to a person, or to a source of photographs, that it has not seen.

    Attributes:
        name: that of one person in two places is the same, so that neither is the other's prior.
        log_probs: float (N, 36).
        labels: int64 (N,).
        stretches: what near-copies share, such as their burst, N long.
        studio: whether the strength may be chosen on them.
    """

    name: str
    log_probs: Tensor
    labels: Tensor
    stretches: Sequence[Hashable]
    studio: bool


def fit_prior(people: Sequence[Person], temperature: float) -> Prior:
    """Returns the prior of a recogniser.

    Everybody counts as much. Weight, gain and floor are those with which the studio's people are
    read best: each is taught one shot of every sign, three of every sign, and one of each of five
    hard letters alone. The temperature is that which then suits all people, sources included, with
    three shots of every sign.

    Args:
        people: of at least two names, one of the studio.
        temperature: of the recogniser.

    Raises:
        ValueError: if there are fewer.
    """
    if len({person.name for person in people}) < 2 or not any(p.studio for p in people):
        raise ValueError(
            "expected answers to at least two people, one of them of the studio, found "
            f"{', '.join(sorted({person.name for person in people})) or 'none'}"
        )
    trials = []
    for person in people:
        prior = known_of([other for other in people if other.name != person.name])
        lessons: list[tuple[Sequence[str], int]] = [(SIGNS, 3)]
        if person.studio:
            lessons += [(SIGNS, 1), *((letter, 1) for letter in _HARD)]
        for signs, count in lessons:
            hand, rest = taught_with(person, prior, signs, count)
            if hand.signs and rest.any():
                trials.append((person, prior, hand, rest, (signs, count)))
    studio = [trial for trial in trials if trial[0].studio]
    strengths = [Strength(*values) for values in product(_WEIGHTS, _GAINS, _FLOORS)]
    best = min(strengths, key=lambda strength: _loss(studio, strength, temperature))
    fully = [trial for trial in trials if trial[-1] == (SIGNS, 3)]
    cooled = [best._replace(temperature=t) for t in _TEMPERATURES]
    strength = min(cooled, key=lambda strength: _loss(fully, strength, temperature))
    return replace(known_of(people), strength=strength)


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
    """Teaches shots of one stretch of each sign.

    Args:
        person: who is taught.
        prior: that of others.
        signs: which of the person's signs are taught.
        count: how many shots of each, the first of a stretch, or all of a shorter one.
        draw: which stretch.

    Returns:
        hand: what was taught
        rest: bool (N,), the pictures that are no shots
    """
    hand, rest = Hand.untaught(), torch.ones(len(person.labels), dtype=torch.bool)
    for label in person.labels.unique().tolist():
        if SIGNS[label] not in signs:
            continue
        where = (person.labels == label).nonzero()[:, 0].tolist()
        names = list(dict.fromkeys(person.stretches[i] for i in where))
        name = names[draw % len(names)]
        shots = [i for i in where if person.stretches[i] == name][:count]
        hand = learn(hand, SIGNS[label], person.log_probs[shots], prior)
        rest[shots] = False
    return hand, rest


def verification_threshold(
    log_probs: Tensor, labels: Tensor, temperature: float
) -> dict[str, float]:
    """Returns how probable a letter must be for practice to accept it.

    Args:
        log_probs: float (N, 36), answers to people whom the reader has not seen.
        labels: int64 (N,). Pictures of digits that look like no letter are passed over.
        temperature: of the recogniser.

    Returns:
        ``threshold``, at which 2 % of wrong letters are accepted: the letter that is asked for is
        any other than the one shown. ``accepted``: the share of right letters.

    Raises:
        ValueError: if no picture shows a letter.
    """
    answers = apply_temperature(merge_shapes(log_probs, ANSWERS), temperature)
    shares, right = letter_shares_of(answers, labels)
    if not len(shares):
        raise ValueError("expected pictures of letters, found none")
    wrong = shares[~right].sort(descending=True).values
    threshold = wrong[min(int(MISTAKEN * len(wrong)), len(wrong) - 1)].item() + 1e-6
    accepted = (shares[right] >= threshold).double().mean().item()
    return {"threshold": threshold, "accepted": accepted}


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


def _loss(trials: Sequence[tuple], strength: Strength, temperature: float) -> float:
    """Returns the mean loss of trials, each of which counts as much; 0 of none."""
    losses = []
    for person, prior, hand, rest, _ in trials:
        lesson = lesson_of(hand, replace(prior, strength=strength))
        answers = taught_answers(person.log_probs[rest], lesson, temperature)
        actual = torch.tensor(ANSWER_OF_SIGN)[person.labels[rest]]
        losses.append(F.nll_loss(answers, actual).item())
    return sum(losses) / max(1, len(losses))
