"""What a recogniser's confidence is worth: calibrated on people and pictures it has not seen.

Recognisers trained without each signer answer for that signer (`answer_unseen`). From those answers
`calibrate_recognizer` finds the temperature and the threshold of the one that has seen everybody.
`python -m asl calibrate` is the command.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from asl.augmentation.hands import picture_hands
from asl.data import ASLDataset, known
from asl.decoding import denormalize, normalize, open_rgb
from asl.evaluation.calibration import fit_evidence, fit_temperature
from asl.evaluation.metrics import merge_look_alikes
from asl.evaluation.report import CrossValidation
from asl.recognizer.recipe import Recipe, saved_recipe
from asl.recognizer.recognizer import Recognizer
from asl.recognizer.stretches import stretches_in
from asl.recognizer.teaching_prior import Person, verification_threshold
from asl.recognizer.teaching_strength import fit_prior
from asl.recognizer.weights import brief
from asl.signs import ANSWERS, SIGNS
from asl.splits import bursts_of

_SIDE = 128  # pixels a side of pictures made to calibrate on


@dataclass(frozen=True)
class Unseen:
    """Uncalibrated answers of recognisers to pictures on which they were not trained.

    Attributes:
        log_probs: float (N, 36), of the classifiers.
        evidence: float (N,), log-odds of a hand, of the finders.
        indices: which images of the dataset these are, N long.
    """

    log_probs: Tensor
    evidence: Tensor
    indices: list[int]

    def scores(self, real: ASLDataset) -> dict:
        """Returns the figures of `asl.CrossValidation.scores`; `real` holds the pictures."""
        bursts, signers = bursts_of(real), [real.signers[i] for i in self.indices]
        fold_of: dict[int | None, int] = {}
        for signer in known(signers):
            fold_of[signer] = len(fold_of)
        return CrossValidation(
            protocol="signer",
            seeds=(0,),
            labels=torch.tensor([real.labels[i] for i in self.indices]),
            log_probs=self.log_probs[None],
            folds=torch.tensor([fold_of[signer] for signer in signers])[None],
            temperatures=None,
            signers=signers,
            bursts=None if bursts is None else [bursts[i] for i in self.indices],
        ).scores()


def answer_unseen(
    recognizers: Sequence[Recognizer],
    real: ASLDataset,
    photographs: Tensor | None = None,
    recipe: Recipe = Recipe(),
) -> Unseen:
    """Lets each signer's images be read by the recogniser that was trained without that signer.

    They are read from their files, as a user's pictures are. With `photographs` they are first put
    elsewhere: smaller, before a new background, in another light (`asl.augment`), and in the same
    way at every call.

    Args:
        recognizers: each says in ``facts["left_out"]`` which signers it has not seen.
        real: the images. Those of signers whom every recogniser has seen are skipped.
        photographs: uint8 (P, 3, S, S), which no recogniser was trained with.
        recipe: how hands are moved before the photographs.

    Raises:
        ValueError: if no recogniser left any of the signers out, or two left out the same one.
    """
    left_out = [signer for r in recognizers for signer in r.facts.get("left_out", ())]
    if not {*left_out} & {*real.signers} or len(set(left_out)) < len(left_out):
        raise ValueError(
            "expected recognisers trained without different signers of the images, found signers "
            f"{left_out} left out"
        )
    parts, indices = [], []
    for recognizer in recognizers:
        unseen = recognizer.facts.get("left_out", ())
        theirs = [i for i, s in enumerate(real.signers) if s in unseen]
        if not theirs:  # one that left out photographs alone
            continue
        pictures: list[Any] = [real.image_files[i] for i in theirs]
        if photographs is not None:
            pictures = _elsewhere(real, theirs, photographs, recipe)
        parts.append(recognizer.raw_answers(pictures))
        indices += theirs
    log_probs, evidence = (torch.cat(part) for part in zip(*parts, strict=True))
    return Unseen(log_probs, evidence, indices)


def answer_unseen_source(
    recognizers: Sequence[Recognizer], name: str, photographs: ASLDataset
) -> tuple[Tensor, Tensor]:
    """Lets photographs be read by the recogniser that was not trained with their source.

    Args:
        recognizers: each says in ``facts["photographs"]`` which sources it was trained with. One
            that was trained with none is asked only if no other can be.
        name: of the source.
        photographs: its images, read again from their files.

    Returns:
        log_probs: float (N, 36)
        evidence: float (N,), log-odds of a hand

    Raises:
        ValueError: if every recogniser was trained with the source.
    """
    unseen = [r for r in recognizers if name not in r.facts.get("photographs", ())]
    if not unseen:
        raise ValueError(
            f"expected a recogniser trained without the photographs {name!r}, found that all of "
            f"{len(recognizers)} were trained with them"
        )
    own = max(unseen, key=lambda r: len(r.facts.get("photographs", ())))
    return own.raw_answers(photographs.image_files)


def calibrate_recognizer(
    recognizer: Recognizer,
    unseen: Sequence[Recognizer],
    real: ASLDataset,
    backgrounds: Tensor,
    sources: Mapping[str, ASLDataset] | None = None,
) -> dict[str, float | None]:
    """Sets how sure a recogniser is, and when it answers, from what others answer for the unseen.

    The others were trained without each signer and each source in turn. The temperature fits their
    answers to the studio's images, to the same images put elsewhere, and to the sources'
    photographs. The finder's evidence, whose training counts hard cells most, is scaled and shifted
    until it is the log-odds of a hand if half of the pictures show one (Platt 1999): all of these,
    and pictures without a hand.

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
        ValueError: if any of the recognisers is calibrated already, or as `answer_unseen`,
            `answer_unseen_source` and `fit_evidence`. The recogniser is then as it was.
    """
    for other in (recognizer, *unseen):
        _check_not_calibrated(other)
    recipe = saved_recipe(recognizer.facts)
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
    empty = pictures_without_hands(backgrounds, recipe=recipe)
    nothing, none = (
        torch.cat(part) for part in zip(*(r.raw_answers(empty) for r in unseen), strict=True)
    )
    shown = torch.cat([studio.evidence, elsewhere.evidence, *evidence])
    scale, shift = fit_evidence(shown, none)
    recognizer.temperature = fit_temperature(answers, actual)
    if len({person.name for person in people}) > 1:
        recognizer.prior = fit_prior(people, recognizer.temperature)
    # Strangers' letters are harder to verify. So they decide where there are any.
    strangers = [person for person in people if person.kind == "source"] or people
    if any(SIGNS[label].isalpha() for person in strangers for label in person.labels.tolist()):
        recognizer.facts["practice"] = verification_threshold(strangers, recognizer.temperature)
    recognizer.finder.rescale_evidence(scale, shift)
    sure = recognizer.confidence(studio.log_probs, scale * studio.evidence + shift).amax(dim=1)
    unsure = recognizer.confidence(nothing, scale * none + shift).amax(dim=1)
    recognizer.threshold = min(
        unsure.quantile(recipe.rejected).item(),
        sure.quantile(1 - recipe.answered, interpolation="lower").item(),
    )
    found: dict[str, float | None] = {}
    if evidence:
        hands = scale * torch.cat(evidence) + shift
        confidence = recognizer.confidence(torch.cat(log_probs[2:]), hands)
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


def pictures_without_hands(
    photographs: Tensor, count: int = 500, seed: int = 0, recipe: Recipe = Recipe()
) -> list[Tensor]:
    """Returns drawn and photographed backgrounds, uint8 (3, 128, 128) each."""
    generator = torch.Generator().manual_seed(seed)
    nothing = torch.zeros(count, 3, _SIDE, _SIDE)
    hands = torch.zeros(count, dtype=torch.bool)
    return _pictures(nothing, generator, photographs, recipe, hands)


def _elsewhere(
    real: ASLDataset, indices: Sequence[int], photographs: Tensor, recipe: Recipe
) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    pictures = []
    for index in indices:
        image = open_rgb(real.image_files[index], size=_SIDE)
        image = image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
        pictures += _pictures(pixels, generator, photographs, recipe)
    return pictures


def _pictures(
    pixels: Tensor,
    generator: torch.Generator,
    photographs: Tensor,
    recipe: Recipe,
    hands: Tensor | None = None,
) -> list[Tensor]:
    pictures, _ = picture_hands(
        normalize(pixels),
        generator,
        strength=recipe.elsewhere_strength,
        background_share=1,
        photographs=photographs,
        windows=recipe.elsewhere_windows,
        hands=hands,
    )
    return list((255 * denormalize(pictures)).round().byte())
