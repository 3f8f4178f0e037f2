"""A recogniser learns one person's hand from a photo or more of some signs.

Its networks stay as they are. Their answers to the taught photos show in which direction that
person's signs lie among the 36 log-probabilities. A later picture in the same direction makes the
taught sign more probable. `taught_answers` does that for any log-probabilities, those of an
exported file included, with two matrix products and a softmax.

A `Prior` says what is known before anything is taught: in which direction other people's signs lie
and how far it can be believed. `asl.recognizer.teaching_prior` fits it to people whom the networks
have not seen. Without one, the direction of a sign is the sign itself.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from asl.evaluation.calibration import apply_temperature
from asl.evaluation.metrics import merge_shapes
from asl.signs import ANSWERS, SIGNS

LOWEST = -12.0  # log-probabilities below count as this: how unlikely the unlikely is, is noise

ANSWER_OF_SIGN: tuple[int, ...] = tuple(
    next(i for i, answer in enumerate(ANSWERS) if sign in answer.split(" or ")) for sign in SIGNS
)
"""Which answer stands for each sign: that of ``SIGNS[i]`` is ``ANSWERS[ANSWER_OF_SIGN[i]]``."""


class Strength(NamedTuple):
    """How much is made of what was taught.

    Attributes:
        weight: how many shots the prior direction of a sign is worth.
        gain: the most that a taught sign gains, in log-odds, if a picture lies in its direction.
        floor: the cosine to a taught direction up to which there is no gain.
        temperature: divides the log-odds if every sign is taught, so that confidence stays honest.
    """

    weight: float = 1.0
    gain: float = 15.0
    floor: float = 0.3
    temperature: float = 1.0


@dataclass(frozen=True)
class Prior:
    """What is known of people's answers before one person is taught.

    Attributes:
        whitening: float (36, 36), on which centred log-probabilities are multiplied.
        directions: float (36, 36), of length 1: where each sign of other people lies after it.
        strength: how much is made of what was taught.
    """

    whitening: Tensor
    directions: Tensor
    strength: Strength = Strength()

    @classmethod
    def default(cls) -> "Prior":
        """Returns that of a reader whose answers are all right and equally sure."""
        count = len(SIGNS)
        # `Recognizer.load` builds on torch's meta device, where `eye` would import the compiler of
        # torch. That takes half as long as torch itself.
        ideal = torch.eye(count, device="cpu") - 1 / count
        return cls(torch.eye(count, device="cpu"), F.normalize(ideal, dim=1))

    def tensors(self) -> dict[str, Tensor]:
        """Returns the two tensors by their names in a file of weights."""
        return {"teaching.whitening": self.whitening, "teaching.directions": self.directions}


@dataclass(frozen=True)
class Hand:
    """What was learnt of one person's signs. It belongs to that person, and to one recogniser.

    Attributes:
        sums: float (36, 36), of the directions of each sign's shots; zeros if it was not taught.
        counts: float (36,), how many shots of each sign there were.
    """

    sums: Tensor
    counts: Tensor

    @classmethod
    def untaught(cls) -> "Hand":
        """Returns a hand of which nothing is known."""
        return cls(torch.zeros(len(SIGNS), len(SIGNS)), torch.zeros(len(SIGNS)))

    @property
    def signs(self) -> tuple[str, ...]:
        """The signs that were taught, in the order of their labels."""
        return tuple(s for s, n in zip(SIGNS, self.counts.tolist(), strict=True) if n > 0)


class Lesson(NamedTuple):
    """What `taught_answers` computes with: plain numbers, which JavaScript takes as well.

    Attributes:
        whitening: float (36, 36), of the prior.
        directions: float (36, 36), of length 1, of this person's signs.
        gain: float (36,), of each sign; 0 if it was not taught.
        floors: float (36,), the cosine up to which there is none.
        temperature: divides everything, see `Strength`.
    """

    whitening: Tensor
    directions: Tensor
    gain: Tensor
    floors: Tensor
    temperature: float

    def plain(self) -> dict[str, Any]:
        """Returns it as lists and numbers, which JSON can hold."""
        named = self._asdict().items()
        return {k: v.tolist() if isinstance(v, Tensor) else v for k, v in named}


def centred(log_probs: Tensor) -> Tensor:
    """Returns log-probabilities (N, 36) that are not too low and whose mean is 0."""
    bounded = log_probs.clamp(min=LOWEST)
    return bounded - bounded.mean(dim=1, keepdim=True)


def directions_of(log_probs: Tensor, whitening: Tensor) -> Tensor:
    """Returns the directions (N, 36), of length 1, of log-probabilities (N, 36).

    How sure a reader is of a hand depends on the light and the room. Which signs it takes it for
    depends less on them. So the length is not used.
    """
    return F.normalize(centred(log_probs) @ whitening, dim=1)


def learn(hand: Hand, sign: str, log_probs: Tensor, prior: Prior) -> Hand:
    """Returns a hand with one sign taught again; the other signs stay as they are.

    Args:
        hand: what is known so far.
        sign: one of `asl.SIGNS`.
        log_probs: float (N, 36), a reader's answers to at least one shot of the sign.
        prior: that of the reader.
    """
    label = SIGNS.index(sign)
    sums, counts = hand.sums.clone(), hand.counts.clone()
    sums[label] = directions_of(log_probs, prior.whitening).sum(dim=0)
    counts[label] = len(log_probs)
    return Hand(sums, counts)


def lesson_of(hand: Hand, prior: Prior) -> Lesson:
    """Weighs what was taught against the prior.

    A taught sign gains nothing where a picture is no nearer to it than the prior direction of any
    sign that was not taught. So the signs that were not taught lose little.
    """
    weight, gain, floor, temperature = prior.strength
    taught = hand.counts > 0
    directions = F.normalize(weight * prior.directions + hand.sums, dim=1)
    directions = torch.where(taught[:, None], directions, prior.directions)
    answers = torch.tensor(ANSWER_OF_SIGN)
    apart = (answers[:, None] != answers) & ~taught[None]
    nearest = (directions @ directions.T).masked_fill(~apart, -1).amax(dim=1)
    share = len({ANSWER_OF_SIGN[SIGNS.index(sign)] for sign in hand.signs}) / len(ANSWERS)
    return Lesson(
        prior.whitening,
        directions,
        gain * taught,
        nearest.clamp(min=floor),
        1 + (temperature - 1) * share,
    )


def stronger(prior: Prior, **changes: float) -> Prior:
    """Returns a prior of another `Strength`."""
    return replace(prior, strength=prior.strength._replace(**changes))


def taught_answers(log_probs: Tensor, lesson: Lesson, temperature: float) -> Tensor:
    """Returns the calibrated log-probability of each of `asl.ANSWERS` for a person's hand.

    If nothing was taught, these are the answers of the recogniser itself.

    Args:
        log_probs: float (N, 36), as the recogniser or an exported file gives them.
        lesson: what was taught.
        temperature: of the recogniser.

    Returns:
        float (N, 32). Times the probability of a hand, their exponentials are the confidence.
    """
    cosine = directions_of(log_probs, lesson.whitening) @ lesson.directions.T
    gains = lesson.gain * (cosine - lesson.floors).clamp(min=0)  # (N, 36)
    own = torch.tensor(ANSWER_OF_SIGN).expand_as(gains)
    gained = gains.new_zeros(len(gains), len(ANSWERS)).scatter_reduce(1, own, gains, "amax")
    answers = apply_temperature(merge_shapes(log_probs, ANSWERS), temperature)
    return ((answers + gained) / lesson.temperature).log_softmax(dim=1)
