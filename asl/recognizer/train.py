"""How a recogniser is trained: first its finder, then its classifier, by one `Recipe`.

`python -m asl train` is the command.
"""

import os
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Subset

from asl.augmentation.hands import augment
from asl.data import ASLDataset
from asl.devices import fast_in_bfloat16, seeded, usable_device
from asl.recognizer.mediapipe_weights import load_landmark_weights
from asl.recognizer.mobile_net import ASLMobileNet
from asl.recognizer.recipe import Recipe
from asl.recognizer.recognizer import Recognizer
from asl.recognizer.train_finder import train_finder
from asl.training import train_model


def train_recognizer(
    real: ASLDataset | Subset,
    rendered: ASLDataset | None,
    photographs: Tensor,
    recipe: Recipe = Recipe(),
    *,
    pretrained: str | os.PathLike | None = None,
    checkpoint: str | os.PathLike | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Recognizer:
    """Trains a finder and a classifier. Calibrating the recogniser is a step of its own.

    Args:
        real: an `ASLDataset` of hands on black, or a `Subset` of one, of the recipe's image size.
        rendered: rendered hands of the same size, or None. If there are fewer real than rendered
            images, the real ones are repeated until an epoch has about as many of both, and the
            other way round.
        photographs: uint8 (P, 3, S, S), without hands, see
            `asl.augmentation.backgrounds.load_photographs`.
        recipe: everything that was chosen. Training repeats exactly on one machine's CPU with the
            same number of threads.
        pretrained: a wheel of MediaPipe that holds the classifier's first weights, see
            `asl.recognizer.mediapipe_weights`. Only the architecture "mobile" can take them. None
            begins with random weights.
        checkpoint: a folder that keeps the state of both networks after every epoch. The same call
            then goes on where it was interrupted; see `asl.train_model`.
        device: None means `asl.default_device()`.
        progress: show bars.

    Returns:
        A recogniser that is not calibrated. Its ``facts["recipe"]`` holds the recipe.

    Raises:
        ValueError: if the images are not of the recipe's size, if there are pretrained weights for
            an architecture other than "mobile", or if `load_landmark_weights` or
            `Recognizer.create` raises it.
    """
    if pretrained is not None and recipe.architecture != "mobile":
        raise ValueError(
            "expected pretrained weights for the architecture 'mobile', found "
            f"{recipe.architecture!r}"
        )
    device = usable_device(device)
    train = mix(real, rendered)
    if (size := train[0][0].shape[-1]) != recipe.image_size:
        raise ValueError(
            f"expected images of the recipe's {recipe.image_size} pixels, found {size}"
        )
    with seeded(recipe.seed, device):
        recognizer = Recognizer.create(recipe.architecture, recipe.image_size)
    if pretrained is not None:
        assert isinstance(recognizer.classifier, ASLMobileNet)  # as the architecture says
        load_landmark_weights(recognizer.classifier, pretrained)
    half_precision = fast_in_bfloat16(device)
    kept = {
        name: None if checkpoint is None else Path(checkpoint) / f"{name}.safetensors"
        for name in ("finder", "classifier")
    }
    train_finder(
        recognizer.finder,
        train,
        recipe,
        photographs=photographs,
        checkpoint=kept["finder"],
        half_precision=half_precision,
        device=device,
        progress=progress,
    )
    train_model(
        recognizer.classifier,
        train,
        None,
        recipe.epochs,
        "Classifier",
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        checkpoint=kept["classifier"],
        augment=partial(
            augment,
            strength=recipe.strength,
            photographs=photographs,
            windows=recipe.crops,
            shift=recipe.shift,
        ),
        # Filters with one channel each learn faster in single precision on a CPU.
        half_precision=half_precision and recipe.architecture != "mobile",
        seed=recipe.seed,
        device=device,
        progress=progress,
    )
    recognizer.facts["recipe"] = asdict(recipe)
    return recognizer


def mix(real: ASLDataset | Subset, rendered: ASLDataset | None) -> Subset:
    """Joins real and rendered images, and repeats the fewer until both are about as many.

    Args:
        real: an `ASLDataset`, or a `Subset` of one.
        rendered: an `ASLDataset` of the same image size, or None.
    """
    whole = real.dataset if isinstance(real, Subset) else real
    assert isinstance(whole, ASLDataset)  # a Subset's type does not tell
    indices = list(real.indices if isinstance(real, Subset) else range(len(real)))
    if rendered is None:
        return Subset(whole, indices)
    others = list(range(len(whole), len(whole) + len(rendered)))
    times = max(1, round(len(others) / len(indices)))
    other_times = max(1, round(len(indices) / len(others)))
    return Subset(whole.joined_with(rendered), indices * times + others * other_times)
