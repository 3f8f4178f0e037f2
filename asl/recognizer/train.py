"""Trains a recogniser by one `Recipe`: its finder, its classifier and its reader of joints.

`python -m asl train` is the command.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Subset

from asl.data import ASLDataset, SizedDataset, whole_dataset
from asl.devices import drawn_generator, seeded, usable_device
from asl.processes.group import ALONE, Processes
from asl.recognizer.found_joints import FoundJoints, joints_on_black, joints_on_photographs
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.hand_joints import HandJoints
from asl.recognizer.mediapipe_weights import (
    load_joint_weights,
    load_landmark_weights,
    load_palm_weights,
)
from asl.recognizer.mobile_net import ASLMobileNet
from asl.recognizer.recipe import Recipe
from asl.recognizer.recognizer import Recognizer
from asl.recognizer.train_finder import train_finder
from asl.recognizer.train_joints import train_joint_reader
from asl.recognizer.train_reader import HandPhotographs, cut_photographs, train_reader


def train_recognizer(
    real: ASLDataset | Subset,
    rendered: ASLDataset | None,
    backgrounds: Tensor,
    recipe: Recipe = Recipe(),
    *,
    people: Tensor | None = None,
    photographs: Sequence[ASLDataset] = (),
    finder: HandFinder | None = None,
    finder_only: bool = False,
    pretrained: str | os.PathLike | None = None,
    checkpoint: str | os.PathLike | None = None,
    device: torch.device | str | None = None,
    processes: Processes = ALONE,
    progress: bool = True,
) -> Recognizer:
    """Trains a finder and a classifier. Calibrating the recogniser is a step of its own.

    Args:
        real: an `ASLDataset` of hands on black, or a `Subset` of one, of the recipe's image size.
        rendered: rendered hands of the same size, or None. If there are fewer real than rendered
            images, the real ones are repeated until an epoch has about as many of both, and the
            other way round. The finder is trained on rendered hands alone, if there are any.
        backgrounds: uint8 (P, 3, S, S), without hands, see
            `asl.augmentation.backgrounds.load_photographs`.
        recipe: everything that was chosen. Training repeats exactly on one machine's CPU with the
            same number of threads.
        people: further backgrounds for the classifier, of the same size. The finder was worse with
            them: it knows faces, and these are not good ones.
        photographs: hands of other people before real backgrounds, of any image size. The
            classifier is trained on them as the finder cuts them out.
        finder: one that is trained. None trains one.
        finder_only: leave the classifier as it begins.
        pretrained: a wheel of MediaPipe that holds the first weights of the finder and of a
            classifier of the architecture "mobile", and the network that finds joints, see
            `asl.recognizer.mediapipe_weights`. None begins with random weights, and makes no reader
            of joints.
        checkpoint: a folder that keeps the state of each training after every epoch, and joints as
            they are found. The same call then goes on where it was interrupted; see
            `asl.train_model`.
        device: None means `asl.default_device()`.
        processes: those that share each batch of finder and classifier, see `asl.joined`. All make
            the same call, and end with the same networks. Process 0 trains the reader of joints.
        progress: show bars.

    Returns:
        A recogniser that is not calibrated. Its ``facts["recipe"]`` holds the recipe.

    Raises:
        ValueError: if the images are not of the recipe's size, or if `load_landmark_weights` or
            `Recognizer.create` raises it.
    """
    device = usable_device(processes.device if device is None else device)
    train = mix(real, rendered)
    if (size := train[0][0].shape[-1]) != recipe.image_size:
        raise ValueError(
            f"expected images of the recipe's {recipe.image_size} pixels, found {size}"
        )
    # Nobody can train the network that finds joints on pictures that do not say where they are.
    joints = pretrained is not None and recipe.architecture == "mobile" and not finder_only
    with seeded(recipe.seed, device):
        recognizer = Recognizer.create(recipe.architecture, recipe.image_size, joint_reader=joints)
    for network in (recognizer.finder, recognizer.classifier):  # also one that is not trained here
        network.to(device)
    if pretrained is not None and isinstance(recognizer.classifier, ASLMobileNet):
        load_landmark_weights(recognizer.classifier, pretrained)
    kept = {
        name: None if checkpoint is None else Path(checkpoint) / f"{name}.safetensors"
        for name in ("finder", "classifier", "joints")
    }
    if finder is not None:
        recognizer.finder.load_state_dict(finder.state_dict())
    else:
        _make_finder(
            recognizer.finder,
            train if rendered is None else rendered,
            recipe,
            pretrained,
            checkpoint=kept["finder"],
            backgrounds=backgrounds,
            device=device,
            processes=processes,
            progress=progress,
        )
    if not finder_only:
        everywhere = backgrounds if people is None else torch.cat([backgrounds, people])
        cut_out = [cut_photographs(some, recognizer.finder) for some in photographs]
        train_reader(
            recognizer.classifier,
            train,
            cut_out,
            everywhere,
            recipe,
            checkpoint=kept["classifier"],
            device=device,
            processes=processes,
            progress=progress,
        )
        if (reader := recognizer.joint_reader) is not None:
            classifier = recognizer.classifier
            assert pretrained is not None and isinstance(classifier, ASLMobileNet)
            load_joint_weights(reader.joints, pretrained)

            def read_joints() -> dict[str, Tensor]:
                found = _found_joints(
                    reader.joints.to(device),
                    classifier,
                    real,
                    rendered,
                    cut_out,
                    everywhere,
                    recipe,
                    kept["joints"],
                )
                options: dict[str, Any] = {"device": device, "progress": progress}
                train_joint_reader(reader, found, recipe, checkpoint=kept["joints"], **options)
                return reader.state_dict()

            reader.load_state_dict(processes.from_first(read_joints))
            reader.to(device).eval()
    recognizer.facts["recipe"] = asdict(recipe)
    return recognizer


def _found_joints(
    network: HandJoints,
    classifier: ASLMobileNet,
    real: ASLDataset | Subset,
    rendered: ASLDataset | None,
    photographs: Sequence[HandPhotographs],
    backgrounds: Tensor,
    recipe: Recipe,
    checkpoint: Path | None,
) -> list[FoundJoints]:
    """Finds the joints of all hands once: they are not augmented as pictures are."""
    device = next(network.parameters()).device

    def kept(name: str) -> Path | None:
        return checkpoint and checkpoint.with_stem(f"{checkpoint.stem}-{name}")

    with seeded(recipe.seed, device):
        generator = drawn_generator(device)
        whole, indices = whole_dataset(real)
        signers = whole.signers if indices is None else [whole.signers[i] for i in indices]
        black = [("real", real, signers)]
        if rendered is not None:
            black.append(("rendered", rendered, [None] * len(rendered)))
        found = [
            joints_on_black(
                network,
                classifier,
                hands,
                whose,
                backgrounds,
                recipe,
                generator,
                checkpoint=kept(name),
            )
            for name, hands, whose in black
        ]
        found += [
            joints_on_photographs(
                network,
                classifier,
                some,
                1000 + number,  # no signer's
                generator,
                checkpoint=kept(f"photographs-{number}"),
            )
            for number, some in enumerate(photographs)
        ]
    return found


def _make_finder(
    finder: HandFinder,
    hands: SizedDataset,
    recipe: Recipe,
    pretrained: str | os.PathLike | None,
    *,
    checkpoint: Path | None,
    **options: Any,
) -> None:
    """Trains a finder; one that begins with MediaPipe's weights stays close to them."""
    if pretrained is None:
        train_finder(finder, hands, recipe, checkpoint=checkpoint, **options)
        return
    load_palm_weights(finder.to(options["device"]), pretrained)
    theirs = {name: value.clone() for name, value in finder.body().state_dict().items()}
    first, body = [finder.first_layers()], finder.body()
    train_finder(finder, hands, recipe, kept=first, checkpoint=checkpoint, **options)
    pull_back(body, theirs, recipe.finder_pull)
    last = checkpoint and checkpoint.with_stem("finder-last")
    epochs = recipe.finder_last_epochs
    train_finder(finder, hands, recipe, epochs=epochs, kept=[body], checkpoint=last, **options)


def pull_back(network: nn.Module, first: Mapping[str, Tensor], share: float) -> None:
    """Moves a network's weights part of the way back to those that it began with.

    Args:
        network: changed in place.
        first: its ``state_dict`` of then, on the same device.
        share: 0 leaves the weights, 1 takes the first ones.
    """
    pulled = {k: torch.lerp(v, first[k], share) for k, v in network.state_dict().items()}
    network.load_state_dict(pulled)


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
