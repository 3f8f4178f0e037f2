"""Chooses how much the photos count that somebody teaches a hand with.

`asl.recognizer.calibrate` calls `fit_prior` with the answers to people whom no network has seen.
Strangers need teaching, and the studio's signers hardly do. So of all strengths that harm nobody,
the one is chosen that reads the sources of photographs best.
"""

from collections.abc import Sequence
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
    lesson_of,
    taught_answers,
)
from asl.recognizer.teaching_prior import Person, known_of, taught_with
from asl.signs import ANSWERS, SIGNS

HARM = 0.005  # share by which fewer of a stranger's other letters, or of the studio's, may be right
_HARD = "dmntz"  # are taught alone
_DRAWS = 3  # stretches that shots are taken from
_WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
_GAINS = (6.0, 12.0, 24.0, 48.0, 96.0)
_FLOORS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8)
_COARSE = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6)  # temperatures
_TEMPERATURES = tuple(0.7 + 0.1 * i for i in range(50))
_WEAKEST = Strength(1.0, 0.0, 1.0)  # changes nothing


class Trial(NamedTuple):
    """Somebody who was taught, and the pictures that are read then.

    Attributes:
        name, kind: of the person.
        prior: that of all others.
        taught: the signs that were taught.
        shots: how many of each.
        hand: what was learnt.
        log_probs: float (M, 36), of pictures in other stretches than the shots.
        actual: int64 (M,), which answer is right.
        before: bool (M,), whether it is given before teaching.
        others: bool (M,), whether the sign shown was not taught.
    """

    name: str
    kind: str
    prior: Prior
    taught: Sequence[str]
    shots: int
    hand: Hand
    log_probs: Tensor
    actual: Tensor
    before: Tensor
    others: Tensor


def fit_prior(people: Sequence[Person], temperature: float) -> Prior:
    """Returns the prior of a recogniser, with its strength. Everybody counts as much.

    Args:
        people: of at least two names.
        temperature: of the recogniser.

    Raises:
        ValueError: if there are fewer.
    """
    if len({person.name for person in people}) < 2:
        raise ValueError(
            "expected answers to at least two people, found "
            f"{', '.join(sorted({person.name for person in people})) or 'none'}"
        )
    return replace(known_of(people), strength=choose_strength(trials_of(people), temperature))


def trials_of(people: Sequence[Person]) -> list[Trial]:
    """Teaches everybody one and three shots of every sign, and one of each of five hard letters."""
    lessons: list[tuple[Sequence[str], int]] = [(SIGNS, 1), (SIGNS, 3)]
    lessons += [(letter, 1) for letter in _HARD]
    trials = []
    for person in people:
        prior = known_of([other for other in people if other.name != person.name])
        for (signs, count), draw in product(lessons, range(_DRAWS)):
            hand, rest = taught_with(person, prior, signs, count, draw)
            if not hand.signs or not rest.any():
                continue
            log_probs, labels = person.log_probs[rest], person.labels[rest]
            actual = torch.tensor(ANSWER_OF_SIGN)[labels]
            before = merge_shapes(log_probs, ANSWERS).argmax(dim=1) == actual
            others = torch.tensor([sign not in signs for sign in SIGNS])[labels]
            who = (person.name, person.kind, prior, signs, count)
            trials.append(Trial(*who, hand, log_probs, actual, before, others))
    return trials


def choose_strength(trials: Sequence[Trial], temperature: float) -> Strength:
    """Returns the strength with which strangers are read best, of those that harm nobody.

    Strangers are the sources of photographs; without any, they are all people. Weight, gain and
    floor are those of the least loss, at the temperature that suits them, after one and three shots
    of every sign. But neither with three shots fewer of the studio's pictures may be right, nor
    with one letter taught fewer of any stranger's other letters, by more than `HARM`. If
    every strength harms, the gain is 0. If nobody can be tested on other stretches than that of the
    shots, it is the usual one. The temperature is that which then suits all people with
    three shots of every sign.

    Args:
        trials: of all people.
        temperature: of the recogniser.
    """
    everything = [trial for trial in trials if trial.taught == SIGNS]
    if not everything:
        return Strength()
    whole = [trial for trial in everything if trial.kind == "source"] or everything
    names = {trial.name for trial in whole}
    alone = [trial for trial in trials if trial.taught != SIGNS and trial.name in names]
    fully = [trial for trial in everything if trial.shots == 3]
    studio = [trial for trial in fully if trial.kind == "studio"]

    def harms(strength: Strength) -> bool:
        others = _gains(alone, strength, temperature, others=True)
        return min(*others, _mean(_gains(studio, strength, temperature)), 0) < -HARM

    strengths = [Strength(*values) for values in product(_WEIGHTS, _GAINS, _FLOORS)]
    losses = [min(_losses(whole, strength, temperature, _COARSE)) for strength in strengths]
    ranked = [strengths[i] for i in sorted(range(len(losses)), key=losses.__getitem__)]
    best = next((strength for strength in ranked if not harms(strength)), _WEAKEST)
    losses = _losses(fully, best, temperature, _TEMPERATURES)
    return best._replace(temperature=_TEMPERATURES[losses.index(min(losses))])


def _gains(
    trials: Sequence[Trial], strength: Strength, temperature: float, *, others: bool = False
) -> list[float]:
    """Returns by what share more is right than before, of each person in all trials together.

    With `others`, only pictures of signs that were not taught count.
    """
    found: dict[tuple[str, str], list[Tensor]] = {}
    for trial in trials:
        right = _answers(trial, strength, temperature).argmax(dim=1) == trial.actual
        gained = right.double() - trial.before.double()
        found.setdefault((trial.name, trial.kind), []).append(
            gained[trial.others] if others else gained
        )
    every = [torch.cat(gained) for gained in found.values()]
    return [gained.mean().item() for gained in every if len(gained)]


def _losses(
    trials: Sequence[Trial],
    strength: Strength,
    temperature: float,
    further: Sequence[float],
) -> list[float]:
    """Returns the mean loss for each further temperature, if every sign were taught."""
    found = []
    for trial in trials:
        answers = _answers(trial, strength._replace(temperature=1.0), temperature)
        cooled = [apply_temperature(answers, t) for t in further]
        found.append([F.nll_loss(log_probs, trial.actual).item() for log_probs in cooled])
    return [_mean(losses) for losses in zip(*found, strict=True)]


def _answers(trial: Trial, strength: Strength, temperature: float) -> Tensor:
    lesson = lesson_of(trial.hand, replace(trial.prior, strength=strength))
    return taught_answers(trial.log_probs, lesson, temperature)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))
