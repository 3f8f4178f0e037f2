"""What recognisers answer for people and pictures that they have not seen.

Each of several recognisers is trained without some of the signers and sources, and answers for
them.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from asl.augmentation.hands import picture_hands
from asl.data import ASLDataset, known
from asl.decoding import brief, denormalize, normalize, open_rgb
from asl.evaluation.report import CrossValidation
from asl.recognizer.recipe import Recipe
from asl.recognizer.recognizer import Recognizer
from asl.splits import bursts_of

_SIDE = 128  # pixels a side of pictures made to calibrate on


@dataclass(frozen=True)
class Unseen:
    """Uncalibrated answers of recognisers to pictures on which they were not trained.

    Attributes:
        log_probs: float (N, 36).
        evidence: float (N,), log-odds of a hand.
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


def trained_without(recognizer: Recognizer) -> list[Hashable]:
    """Returns the signers that a recogniser says it was trained without, none if it says nothing.

    Raises:
        ValueError: if they are no list of numbers and names.
    """
    found = recognizer.facts.get("left_out", [])
    if not isinstance(found, list | tuple) or not all(type(s) in (int, str) for s in found):
        raise ValueError(f"expected left_out as a list of signers, found {brief(found)}")
    return list(found)


def trained_with(recognizer: Recognizer) -> list[str]:
    """Returns the sources of photographs that a recogniser says it was trained with.

    Raises:
        ValueError: if they are no dict.
    """
    found = recognizer.facts.get("photographs", {})
    if not isinstance(found, dict):
        raise ValueError(f"expected photographs as a dict of sources, found {brief(found)}")
    return list(found)


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
        ValueError: if no recogniser left any of the signers out, or two left out the same one, or
            as `trained_without`.
    """
    left_out = [signer for r in recognizers for signer in trained_without(r)]
    if not {*left_out} & {*real.signers} or len(set(left_out)) < len(left_out):
        raise ValueError(
            "expected recognisers trained without different signers of the images, found signers "
            f"{brief(left_out)} left out"
        )
    parts, indices = [], []
    for recognizer in recognizers:
        unseen = trained_without(recognizer)
        theirs = [i for i, s in enumerate(real.signers) if s in unseen]
        if not theirs:  # one that left out photographs alone
            continue
        pictures: list[Any] = [real.image_files[i] for i in theirs]
        if photographs is not None:
            pictures = pictures_elsewhere(real, theirs, photographs, recipe)
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
        ValueError: if every recogniser was trained with the source, or as `trained_with`.
    """
    unseen = [r for r in recognizers if name not in trained_with(r)]
    if not unseen:
        raise ValueError(
            f"expected a recogniser trained without the photographs {name!r}, found that all of "
            f"{len(recognizers)} were trained with them"
        )
    own = max(unseen, key=lambda r: len(trained_with(r)))
    return own.raw_answers(photographs.image_files)


def pictures_without_hands(
    photographs: Tensor, count: int = 500, seed: int = 0, recipe: Recipe = Recipe()
) -> list[Tensor]:
    """Returns drawn and photographed backgrounds, uint8 (3, 128, 128) each."""
    generator = torch.Generator().manual_seed(seed)
    nothing = torch.zeros(count, 3, _SIDE, _SIDE)
    hands = torch.zeros(count, dtype=torch.bool)
    return _pictures(nothing, generator, photographs, recipe, hands)


def pictures_elsewhere(
    real: ASLDataset, indices: Sequence[int], photographs: Tensor, recipe: Recipe
) -> list[Tensor]:
    """Puts hands before backgrounds as `answer_unseen` does: uint8 (3, 128, 128) each."""
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
