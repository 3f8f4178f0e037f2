"""Calibrates a recogniser's confidence on people and pictures that it has not seen.

A recogniser that was trained on everybody cannot be calibrated on its own answers. So
`calibrate_recognizer` finds its temperature and threshold from the answers of other recognisers,
each of which has not seen some of the people (`asl.recognizer.unseen`). The command is
`python -m asl calibrate`.
"""

from collections.abc import Hashable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from asl.data import ASLDataset, known
from asl.decoding import brief
from asl.evaluation.calibration import fit_evidence, fit_temperature
from asl.evaluation.metrics import merge_look_alikes
from asl.recognizer.crops import Picture
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.recipe import saved_recipe
from asl.recognizer.recognizer import Recognizer
from asl.recognizer.seeing import finder_evidence
from asl.recognizer.stretches import stretches_in
from asl.recognizer.teaching_prior import Person, verification_threshold
from asl.recognizer.teaching_strength import fit_prior
from asl.recognizer.unseen import (
    Unseen,
    answer_unseen,
    answer_unseen_source,
    pictures_elsewhere,
    pictures_without_hands,
    trained_with,
    trained_without,
)
from asl.signs import ANSWERS, SIGNS
from asl.splits import bursts_of


def calibrate_recognizer(
    recognizer: Recognizer,
    unseen: Sequence[Recognizer],
    real: ASLDataset,
    backgrounds: Tensor,
    sources: Mapping[str, ASLDataset] | None = None,
) -> dict[str, float | None]:
    """Sets how sure a recogniser is, and when it answers, from what others answer for the unseen.

    The others were trained without each signer and each source in turn. They read with the finder
    of the recogniser that is calibrated, which has seen nobody: it learns from rendered hands.

    Its evidence, in whose training hard cells count most, is scaled and shifted first, until it is
    the log-odds of a hand if half of the pictures show one (Platt 1999): the studio's images, the
    same images put elsewhere, the sources' photographs, and pictures without a hand. The
    temperature fits the others' answers to all but the last.

    The threshold is the lower of two: the lowest at which 99 % of pictures without a hand get no
    answer, and the highest at which 95 % of the studio's images still get one. If that is too low
    for 93 % of the answers to the photographs to be right, it is raised until they are. These
    shares are the recipe's that is saved in the recogniser.

    The same answers give its prior, see `asl.recognizer.teaching_prior`, if they are of two people
    or more. The threshold of practice, chosen on the sources if there are any, becomes
    ``facts["practice"]`` if any of them is to a letter.

    Args:
        recognizer: changed in place.
        unseen, real: as in `answer_unseen`.
        backgrounds: uint8 (P, 3, S, S), without hands, which no recogniser was trained with.
        sources: photographs of other people by name, as in `answer_unseen_source`.

    Returns:
        ``temperature``, ``threshold``, ``evidence_scale``, ``evidence_shift``, ``answered`` (share
        of unseen signers' studio images that get an answer), ``rejected`` (share of pictures
        without hands that get none) and, of the sources, ``answered elsewhere`` and ``right
        elsewhere`` (share of right answers in all, None if there are none).

    Raises:
        ValueError: if any of the recognisers is calibrated already, or as `saved_recipe`,
            `answer_unseen`, `answer_unseen_source` and `fit_evidence`. The recogniser is then as it
            was.
    """
    for other in (recognizer, *unseen):
        _check_not_calibrated(other)
        trained_without(other), trained_with(other)  # what they say may be wrong: tell it now
    recipe = saved_recipe(recognizer.facts)
    empty = pictures_without_hands(backgrounds, recipe=recipe)
    finder, scale, shift = _calibrated(recognizer, real, backgrounds, sources or {}, empty)
    unseen = [replace(other, finder=finder) for other in unseen]
    studio = answer_unseen(unseen, real)
    elsewhere = answer_unseen(unseen, real, backgrounds, recipe)
    labels = [real.labels[i] for i in studio.indices + elsewhere.indices]
    log_probs, evidence = [studio.log_probs, elsewhere.log_probs], []
    people = [*_people(studio, real, "studio"), *_people(elsewhere, real, "elsewhere")]
    for name, photographs in (sources or {}).items():
        theirs, hand = answer_unseen_source(unseen, name, photographs)
        log_probs.append(theirs)
        evidence.append(hand)
        labels += photographs.labels
        people.append(_source(name, theirs, photographs))
    answers, actual = merge_look_alikes(torch.cat(log_probs), torch.tensor(labels), ANSWERS)
    nothing, none = (
        torch.cat(part) for part in zip(*(r.raw_answers(empty) for r in unseen), strict=True)
    )
    recognizer.finder = finder
    recognizer.temperature = fit_temperature(answers, actual)
    if len({person.name for person in people}) > 1:
        recognizer.prior = fit_prior(people, recognizer.temperature)
    # Strangers' letters are harder to verify. So they decide where there are any.
    strangers = [person for person in people if person.kind == "source"] or people
    if any(SIGNS[label].isalpha() for person in strangers for label in person.labels.tolist()):
        recognizer.facts["practice"] = verification_threshold(strangers, recognizer.temperature)
    sure = recognizer.confidence(studio.log_probs, studio.evidence).amax(dim=1)
    unsure = recognizer.confidence(nothing, none).amax(dim=1)
    recognizer.threshold = min(
        unsure.quantile(recipe.rejected).item(),
        sure.quantile(1 - recipe.answered, interpolation="lower").item(),
    )
    found: dict[str, float | None] = {}
    if evidence:
        confidence = recognizer.confidence(torch.cat(log_probs[2:]), torch.cat(evidence))
        best, answer = confidence.max(dim=1)
        right = answer == actual[-len(answer) :]
        recognizer.threshold = _raised(recognizer.threshold, best, right, recipe.right)
        given = best >= recognizer.threshold
        found = {
            "answered elsewhere": given.double().mean().item(),
            "right elsewhere": right[given].double().mean().item() if given.any() else None,
        }
    return {
        "temperature": recognizer.temperature,
        "threshold": recognizer.threshold,
        "evidence_scale": scale,
        "evidence_shift": shift,
        "answered": (sure >= recognizer.threshold).double().mean().item(),
        "rejected": (unsure < recognizer.threshold).double().mean().item(),
        **found,
    }


def _calibrated(
    recognizer: Recognizer,
    real: ASLDataset,
    backgrounds: Tensor,
    sources: Mapping[str, ASLDataset],
    empty: Sequence[Picture],
) -> tuple[HandFinder, float, float]:
    """Returns a copy of the finder whose evidence is log-odds, and how that was scaled, shifted."""
    recipe = saved_recipe(recognizer.facts)
    shown: list[Picture] = [*real.image_files]
    shown += pictures_elsewhere(real, range(len(real)), backgrounds, recipe)
    shown += [path for photographs in sources.values() for path in photographs.image_files]
    finder = deepcopy(recognizer.finder)
    scale, shift = fit_evidence(finder_evidence(finder, shown), finder_evidence(finder, empty))
    finder.rescale_evidence(scale, shift)
    return finder, scale, shift


def _check_not_calibrated(recognizer: Recognizer) -> None:
    """Raises ValueError if a recogniser's evidence may be scaled already: it would be once more."""
    if recognizer.temperature != 1 or recognizer.threshold != 0:
        raise ValueError(
            "expected recognisers as `asl train` writes them, which are not calibrated, found one "
            f"of the temperature {recognizer.temperature:.4g} and the threshold "
            f"{recognizer.threshold:.4g}, trained by {brief(recognizer.facts.get('command'))}. "
            "Calibrate the weights from before: evidence that is scaled cannot be scaled again"
        )


def _people(unseen: Unseen, real: ASLDataset, kind: Literal["studio", "elsewhere"]) -> list[Person]:
    """Returns the answers to each signer."""
    bursts = bursts_of(real)
    found = []
    for signer in known([real.signers[i] for i in unseen.indices]):
        rows = [row for row, i in enumerate(unseen.indices) if real.signers[i] == signer]
        images = [unseen.indices[row] for row in rows]
        stretches: list[Hashable] = [None if bursts is None else bursts[i] for i in images]
        labels = torch.tensor([real.labels[i] for i in images])
        found.append(Person(f"signer {signer}", unseen.log_probs[rows], labels, stretches, kind))
    return found


def _source(name: str, log_probs: Tensor, photographs: ASLDataset) -> Person:
    """Returns the answers to a source, to one of each of its near-copies."""
    order, stretches = stretches_in(photographs.image_files)
    labels = torch.tensor(photographs.labels)
    return Person(name, log_probs[order], labels[order], stretches, "source")


def _raised(threshold: float, confidence: Tensor, right: Tensor, share: float) -> float:
    """Raises a threshold until at least a share of the answers that it lets through is right."""
    higher = confidence[confidence > threshold].unique().tolist()  # in order
    for candidate in [threshold, *higher]:
        given = right[confidence >= candidate]
        if not len(given) or given.double().mean() >= share:
            return candidate
    return 1.0
