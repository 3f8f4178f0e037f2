"""What a recogniser's confidence is worth: calibrated on people and pictures it has not seen.

Recognisers trained without each signer answer for that signer (`answer_unseen`). From those answers
`calibrate_recognizer` finds the temperature and the threshold of the one that has seen everybody.
`python -m asl calibrate` is the command.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from asl.augmentation.hands import picture_hands
from asl.data import ASLDataset, known
from asl.decoding import denormalize, normalize, open_rgb
from asl.evaluation.calibration import fit_temperature
from asl.evaluation.metrics import merge_look_alikes
from asl.evaluation.report import CrossValidation
from asl.recognizer.recipe import Recipe, saved_recipe
from asl.recognizer.recognizer import Recognizer
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
        ValueError: if no recogniser left anyone out, or two left out the same signer.
    """
    left_out = [signer for r in recognizers for signer in r.facts.get("left_out", ())]
    if not left_out or len(set(left_out)) < len(left_out):
        raise ValueError(
            "expected recognisers trained without different signers, found signers "
            f"{left_out} left out"
        )
    parts, indices = [], []
    for recognizer in recognizers:
        theirs = [i for i, s in enumerate(real.signers) if s in recognizer.facts["left_out"]]
        pictures: list[Any] = [real.image_files[i] for i in theirs]
        if photographs is not None:
            pictures = _elsewhere(real, theirs, photographs, recipe)
        parts.append(recognizer.raw_answers(pictures))
        indices += theirs
    log_probs, evidence = (torch.cat(part) for part in zip(*parts, strict=True))
    return Unseen(log_probs, evidence, indices)


def calibrate_recognizer(
    recognizer: Recognizer,
    unseen: Sequence[Recognizer],
    real: ASLDataset,
    photographs: Tensor,
) -> dict[str, float]:
    """Sets a recogniser's temperature and threshold from what others answer for unseen signers.

    The others were trained without each signer in turn. The temperature fits their answers to the
    studio's images and to the same images put elsewhere. The threshold is the lower of two: the
    lowest at which 99 % of pictures without a hand get no answer, and the highest at which 95 % of
    the studio's images still get one. Both shares are the recipe's that is saved in the recogniser.

    Args:
        recognizer: changed in place.
        unseen, real: as in `answer_unseen`.
        photographs: uint8 (P, 3, S, S), without hands, which no recogniser was trained with.

    Returns:
        ``temperature``, ``threshold``, ``answered`` (share of unseen signers' studio images that
        get an answer) and ``rejected`` (share of pictures without hands that get none).
    """
    recipe = saved_recipe(recognizer.facts)
    studio = answer_unseen(unseen, real)
    elsewhere = answer_unseen(unseen, real, photographs, recipe)
    log_probs = torch.cat([studio.log_probs, elsewhere.log_probs])
    labels = torch.tensor([real.labels[i] for i in studio.indices + elsewhere.indices])
    recognizer.temperature = fit_temperature(*merge_look_alikes(log_probs, labels))
    sure = recognizer.confidence(studio.log_probs, studio.evidence).amax(dim=1)
    empty = pictures_without_hands(photographs, recipe=recipe)
    unsure = torch.cat([recognizer.confidence(*r.raw_answers(empty)).amax(dim=1) for r in unseen])
    recognizer.threshold = min(
        unsure.quantile(recipe.rejected).item(),
        sure.quantile(1 - recipe.answered, interpolation="lower").item(),
    )
    return {
        "temperature": recognizer.temperature,
        "threshold": recognizer.threshold,
        "answered": (sure >= recognizer.threshold).double().mean().item(),
        "rejected": (unsure < recognizer.threshold).double().mean().item(),
    }


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
