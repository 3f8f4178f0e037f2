"""How the recogniser is trained, and what it answers for people it has not seen.

`train_recognizer` is the recipe. Followed once without each signer, it gives recognisers whose
answers for that signer `answer_unseen` collects and `calibrate` turns into the temperature and the
threshold of the one that has seen everybody. `python -m asl train` is the command for all of it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset, Subset

from asl.augment import augment, picture_hands
from asl.calibration import fit_temperature
from asl.data import ASLDataset, denormalize, normalize, open_rgb
from asl.devices import default_device, fast_in_bfloat16
from asl.evaluation import merge_look_alikes
from asl.finder import train_finder
from asl.landmarks import load_landmark_weights
from asl.recognizer import Recognizer
from asl.scores import CrossValidation
from asl.splits import bursts_of
from asl.training import seeded, train_model

EPOCHS = {"mobile": 5, "resnet": 26}  # over the real images, repeated, and as many rendered ones
LEARNING_RATES = {"mobile": 5e-4, "resnet": 5e-3}  # at their peak
FINDER_EPOCHS = 9
CROPS = (0.75, 1.5)  # sides of a training crop, in sides of the hand's square, at strength 1
SHIFT = 0.3  # of hands in them, of half a side: the finder is that far out for some
STRENGTH = 0.6  # of `asl.augment.augment`
ANSWERED = 0.95  # share of unseen signers' studio images that get an answer, at least
REJECTED = 0.99  # share of pictures without hands that get none, if that leaves enough answers

_ELSEWHERE = 128  # pixels a side of pictures made to calibrate on
_PHOTOGRAPHS = {  # in scikit-image; none is of a hand
    "train": "brick camera chelsea clock_motion coins color grass gravel hubble_deep_field ihc "
    "logo motorcycle_left page rocket",
    "val": "astronaut moon text",
    "test": "cell coffee retina",
}


def train_recognizer(
    real: Dataset,
    rendered: ASLDataset | None,
    photographs: Tensor,
    *,
    architecture: str = "mobile",
    pretrained: str | os.PathLike | None = None,
    epochs: int | None = None,
    finder_epochs: int = FINDER_EPOCHS,
    seed: int = 0,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Recognizer:
    """Trains a finder and a classifier; calibrating the recogniser is `calibrate`.

    Args:
        real: an `ASLDataset` of hands on black, or a `Subset` of one; their image size becomes
            the classifier's.
        rendered: rendered hands of the same size, or None. Of real and rendered images the fewer
            are repeated until an epoch has about as many of both.
        photographs: uint8 (P, 3, S, S), without hands, see `load_photographs`.
        architecture: of `asl.models.ARCHITECTURES`.
        pretrained: wheel of MediaPipe whose weights the classifier begins with, for "mobile" only,
            see `asl.landmarks`; None begins with random ones.
        epochs: of the classifier's one cycle; None means those of `EPOCHS`.
        finder_epochs: of the finder's one cycle.
        seed: of weights, order and augmentation. On one machine's CPU all repeats exactly.
        device: None means `asl.default_device()`.
        progress: show bars.

    Raises:
        ValueError: if the architecture is not "mobile" and there are pretrained weights; more as of
            `asl.landmarks.load_landmark_weights` and `Recognizer.create`.
    """
    if pretrained is not None and architecture != "mobile":
        raise ValueError(
            f"expected pretrained weights for the architecture 'mobile', found {architecture!r}"
        )
    device = torch.device(device) if device is not None else default_device()
    train = mix(real, rendered)
    options = {"weight_decay": 0.05, "seed": seed, "device": device, "progress": progress}
    with seeded(seed, device):
        recognizer = Recognizer.create(architecture, train[0][0].shape[-1])
    if pretrained is not None:
        load_landmark_weights(recognizer.classifier, pretrained)
    train_finder(
        recognizer.finder,
        train,
        finder_epochs,
        photographs=photographs,
        lr=3e-3,
        half_precision=fast_in_bfloat16(device),
        **options,
    )
    train_model(
        recognizer.classifier,
        train,
        None,
        epochs or EPOCHS.get(architecture, EPOCHS["resnet"]),
        "Classifier",
        lr=LEARNING_RATES.get(architecture, LEARNING_RATES["resnet"]),
        augment=partial(
            augment, strength=STRENGTH, photographs=photographs, windows=CROPS, shift=SHIFT
        ),
        # Filters of one channel each learn faster in single precision on a CPU.
        half_precision=fast_in_bfloat16(device) and architecture != "mobile",
        **options,
    )
    return recognizer


def mix(real: Dataset, rendered: ASLDataset | None) -> Subset:
    """Joins real and rendered images, and repeats the fewer to be about as many as the others."""
    whole, indices = (
        (real.dataset, list(real.indices))
        if isinstance(real, Subset)
        else (real, list(range(len(real))))
    )
    if rendered is None:
        return Subset(whole, indices)
    others = list(range(len(whole), len(whole) + len(rendered)))
    times = max(1, round(len(others) / len(indices)))
    other_times = max(1, round(len(indices) / len(others)))
    return Subset(whole.joined_with(rendered), indices * times + others * other_times)


# --- what it answers for people it has not seen --------------------------------------------------


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
        """Returns the figures of `asl.CrossValidation.scores`, of the dataset they are of."""
        bursts, signers = bursts_of(real), [real.signers[i] for i in self.indices]
        return CrossValidation(
            protocol="signer",
            seeds=(0,),
            labels=torch.tensor([real.labels[i] for i in self.indices]),
            log_probs=self.log_probs[None],
            folds=torch.tensor([sorted(set(signers)).index(s) for s in signers])[None],
            temperatures=None,
            signers=signers,
            bursts=None if bursts is None else [bursts[i] for i in self.indices],
        ).scores()


def answer_unseen(
    recognizers: Sequence[Recognizer], real: ASLDataset, photographs: Tensor | None = None
) -> Unseen:
    """Has each signer's images read by the recogniser that was trained without that signer.

    They are read as a user's pictures are, from their files; or, with `photographs`, moved before a
    new background, smaller, in another light (`asl.augment`), the same for every call.

    Args:
        recognizers: each tells in ``facts["left_out"]`` which signers it has not seen.
        real: the images; those of signers whom every recogniser has seen are left out.
        photographs: uint8 (P, 3, S, S), which no recogniser was trained with either.

    Raises:
        ValueError: if no recogniser has left anyone out, or two the same signer.
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
        if photographs is None:
            pictures = [real.image_files[i] for i in theirs]
        else:
            pictures = _elsewhere(real, theirs, photographs)
        parts.append(recognizer.raw_answers(pictures))
        indices += theirs
    log_probs, evidence = (torch.cat(part) for part in zip(*parts, strict=True))
    return Unseen(log_probs, evidence, indices)


def calibrate(
    recognizer: Recognizer,
    unseen: Sequence[Recognizer],
    real: ASLDataset,
    photographs: Tensor,
) -> dict[str, float]:
    """Sets a recogniser's temperature and threshold by what its likes answer for unseen signers.

    The temperature fits their answers to the studio's images and to as many moved elsewhere. The
    threshold is the lowest at which 99 % of pictures without a hand get no answer, or the highest
    at which 95 % of the studio's images still do, whichever is lower.

    Args:
        recognizer: is changed.
        unseen, real: as of `answer_unseen`.
        photographs: uint8 (P, 3, S, S), without hands, which none was trained with.

    Returns:
        What was found: ``temperature``, ``threshold``, ``answered`` (share of studio images of
        unseen signers) and ``rejected`` (share of pictures without hands).
    """
    studio, elsewhere = answer_unseen(unseen, real), answer_unseen(unseen, real, photographs)
    log_probs = torch.cat([studio.log_probs, elsewhere.log_probs])
    labels = torch.tensor([real.labels[i] for i in studio.indices + elsewhere.indices])
    recognizer.temperature = fit_temperature(*merge_look_alikes(log_probs, labels))
    sure = recognizer.confidence(studio.log_probs, studio.evidence).amax(dim=1)
    empty = pictures_without_hands(photographs)
    unsure = torch.cat([recognizer.confidence(*r.raw_answers(empty)).amax(dim=1) for r in unseen])
    recognizer.threshold = min(
        unsure.quantile(REJECTED).item(), sure.quantile(1 - ANSWERED, interpolation="lower").item()
    )
    return {
        "temperature": recognizer.temperature,
        "threshold": recognizer.threshold,
        "answered": (sure >= recognizer.threshold).double().mean().item(),
        "rejected": (unsure < recognizer.threshold).double().mean().item(),
    }


def pictures_without_hands(photographs: Tensor, count: int = 500, seed: int = 0) -> list[Tensor]:
    """Returns drawn and photographed backgrounds, uint8 (3, 128, 128) each."""
    generator = torch.Generator().manual_seed(seed)
    nothing = torch.zeros(count, 3, _ELSEWHERE, _ELSEWHERE)
    return _pictures(nothing, generator, photographs, hands=torch.zeros(count, dtype=torch.bool))


def _elsewhere(real: ASLDataset, indices: Sequence[int], photographs: Tensor) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    pictures = []
    for index in indices:
        image = open_rgb(real.image_files[index], size=_ELSEWHERE)
        image = image.resize((_ELSEWHERE, _ELSEWHERE), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
        pictures += _pictures(pixels, generator, photographs)
    return pictures


def _pictures(
    pixels: Tensor, generator: torch.Generator, photographs: Tensor, hands: Tensor | None = None
) -> list[Tensor]:
    pictures, _ = picture_hands(
        normalize(pixels),
        generator,
        strength=0.6,
        background_share=1,
        photographs=photographs,
        windows=(1, 4),
        hands=hands,
    )
    return list((255 * denormalize(pictures)).round().byte())


# --- photographs without hands -------------------------------------------------------------------


def load_photographs(part: str, size: int = 160) -> Tensor:
    """Reads the photographs that ship with scikit-image, to put hands before.

    Args:
        part: ``"train"``, ``"val"`` or ``"test"``; no photograph is in two.
        size: side of the squares cut from their middles, in pixels.

    Returns:
        uint8 (P, 3, size, size)

    Raises:
        ImportError: if scikit-image is not installed, with the command to install it.
    """
    spec = find_spec("skimage")
    if spec is None:
        raise ImportError(
            "training a recogniser needs scikit-image's photographs as backgrounds: "
            "pip install -e .[train]"
        )
    folder = Path(spec.origin).parent / "data"
    squares = []
    for name in _PHOTOGRAPHS[part].split():
        (path,) = folder.glob(f"{name}.*")
        square = ImageOps.fit(open_rgb(path), (size, size), Image.Resampling.BILINEAR)
        squares.append(torch.from_numpy(np.array(square)).permute(2, 0, 1))
    return torch.stack(squares)
