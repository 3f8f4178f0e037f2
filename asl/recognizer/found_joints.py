"""Finds the joints of hands in training images once, and saves what it has found as it goes."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.utils.data import TensorDataset

from asl.augmentation.hands import picture_hands
from asl.augmentation.photographs import AROUND
from asl.checkpoints import (
    Checkpoint,
    check_names,
    check_tensor,
    read_checkpoint,
    refusing,
    write_checkpoint,
)
from asl.data import SizedDataset, get_batch
from asl.decoding import brief, denormalize, normalize
from asl.descriptions import describe_training
from asl.devices import check_generator_state
from asl.files import remove_leftovers
from asl.recognizer.crops import NEAR, cut
from asl.recognizer.hand_joints import JOINTS, HandJoints, Joints
from asl.recognizer.joint_reader import hand_poses, place_of
from asl.recognizer.mobile_net import ASLMobileNet
from asl.recognizer.pyramid import Pyramid
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_reader import HandPhotographs
from asl.tensor_files import check_finite

_AT_ONCE = 16
_KEPT_EVERY = 32  # as many times: about 20 seconds of one core
_FIRST_LOOK = 1.6  # side of what is looked at first, in sides of the hand's square
_AIMED = 6000  # pictures from which the aim is learnt at most


class FoundJoints(NamedTuple):
    """What was seen of N hands.

    Attributes:
        poses: float (N, 2, 21, 3), as `asl.recognizer.joint_reader.hand_poses` gives them.
        labels: int64 (N,).
        groups: int64 (N,), who made the sign: every group counts by the root of its size.
        features: float (A, F), of some of them: the other reader's, of the nearer crop.
        aims: float (A, 5), where the joints of these are, from the box of that crop.
    """

    poses: Tensor
    labels: Tensor
    groups: Tensor
    features: Tensor
    aims: Tensor


@torch.inference_mode()
def find_joints(
    network: HandJoints,
    classifier: ASLMobileNet,
    draw: Callable[[Tensor], tuple[Tensor, Tensor]],
    labels: Tensor,
    groups: Tensor,
    generator: Generator,
    *,
    checkpoint: Checkpoint | None = None,
) -> FoundJoints:
    """Finds the joints of hands whose squares are known.

    They are looked for twice: in an upright square, and then, as MediaPipe does, in one that the
    joints found first say, turned so that the hand is upright.

    Args:
        network: finds joints.
        classifier: the other reader, trained.
        draw: indices (M,) → pictures float (M, 3, P, P), from 0 to 255, and boxes (M, 3).
        labels, groups: int64 (N,).
        generator: draws by how much a finder misses; it may draw for `draw`, too.
        checkpoint: keeps what was found every 512 hands. Another call with the same arguments then
            goes on from there, and finds the same. None keeps nothing.

    Raises:
        ValueError: if the checkpoint is of other hands, or damaged.
    """
    device = next(network.parameters()).device
    classifier.eval()
    order = torch.randperm(len(labels), generator=generator, device=generator.device)
    aimed = (order < _AIMED).cpu()
    batches = torch.arange(len(labels)).split(_AT_ONCE)
    found: dict[str, list[Tensor]] = {"poses": [], "features": [], "aims": []}
    done = 0
    if checkpoint is not None and (state := _read_found(checkpoint, aimed, classifier, generator)):
        found = {name: [state["found"][name]] for name in found}
        done = state["batches"]
        generator.set_state(state["generator"])
    for number, some in enumerate(batches[done:], start=done + 1):
        pictures, boxes = draw(some)
        boxes = _missed(boxes.to(device), generator, 0.12, 0.15)
        upright = torch.zeros(len(boxes), 1, device=device)
        place = torch.cat([boxes[:, :2], _FIRST_LOOK * boxes[:, 2:], upright], dim=1)
        place = place_of(_look(network, pictures, place), place)
        place = _missed(place, generator, 0.06, 0.08)
        place[:, 3] += 0.15 * torch.randn(len(place), generator=generator, device=device)
        joints = _look(network, pictures, place)
        found["poses"].append(hand_poses(joints, place[:, 3]).cpu())
        if len(kept := aimed[some].nonzero()[:, 0]):
            aims = _aims(place_of(joints, place), boxes)[kept.to(device)]
            size = classifier.image_size
            near = [cut(_picture(pictures[i]), boxes[i], size, margin=NEAR) for i in kept.tolist()]
            crops = normalize(torch.stack(near).round().byte().to(device))
            found["features"].append(classifier.features(crops).cpu())
            found["aims"].append(aims.cpu())
        if checkpoint is not None and (number % _KEPT_EVERY == 0 or number == len(batches)):
            found = {name: [torch.cat(parts)] for name, parts in found.items()}
            state = {"found": {name: whole for name, (whole,) in found.items()}}
            state |= {"batches": number, "generator": generator.get_state()}
            write_checkpoint(checkpoint.path, checkpoint.description, state)
    whole = {name: torch.cat(parts) for name, parts in found.items()}
    return FoundJoints(whole["poses"], labels, groups, whole["features"], whole["aims"])


def _read_found(
    checkpoint: Checkpoint, aimed: Tensor, classifier: ASLMobileNet, generator: Generator
) -> dict[str, Any] | None:
    """Reads what `find_joints` has kept, if it has; raises ValueError if it cannot go on from it.

    Args:
        checkpoint: of the same hands.
        aimed: bool (N,), of which hands features are kept.
        classifier: gives them.
        generator: that draws.
    """
    remove_leftovers(checkpoint.path)
    state = read_checkpoint(checkpoint.path, checkpoint.description)
    if state is None:
        return None
    with refusing(checkpoint.path):
        check_names("the state", state, ("found", "batches", "generator"))
        batches = state["batches"]
        if type(batches) is not int or not 1 <= batches <= -(-len(aimed) // _AT_ONCE):
            raise ValueError(f"expected a number of batches, found {brief(batches)}")
        hands = min(_AT_ONCE * batches, len(aimed))
        kept = int(aimed[:hands].sum())
        shapes = {
            "poses": (hands, 2, JOINTS, 3),
            "features": (kept, classifier.width),
            "aims": (kept, 5),
        }
        check_names("what was found", state["found"], shapes)
        for name, shape in shapes.items():
            check_tensor(name, state["found"][name], torch.empty(shape, device="meta"))
        check_finite(state["found"])
        check_tensor("the generator", state["generator"], generator.get_state())
        check_generator_state(state["generator"], generator.device)
    return state


def _aims(places: Tensor, boxes: Tensor) -> Tensor:
    """Returns what leads from boxes (N, 3) to places (N, 4): (N, 5), see `JointReader.places`."""
    half, angle = boxes[:, 2:], places[:, 3:]
    moved, larger = (places[:, :2] - boxes[:, :2]) / half, (places[:, 2:3] / half).log()
    return torch.cat([moved, larger, angle.cos(), angle.sin()], dim=1)


def _missed(boxes: Tensor, generator: Generator, shift: float, size: float) -> Tensor:
    """Moves and resizes boxes (N, 3 or more) by up to shares of their halves."""
    drawn = torch.rand(len(boxes), 3, generator=generator, device=boxes.device) * 2 - 1
    half = boxes[:, 2:3]
    moved = [boxes[:, :2] + shift * drawn[:, :2] * half, half * (size * drawn[:, 2:]).exp()]
    return torch.cat([*moved, boxes[:, 3:]], dim=1)


def _look(network: HandJoints, pictures: Tensor, places: Tensor) -> Joints:
    crops = [
        cut(_picture(picture), place, network.image_size, margin=1)
        for picture, place in zip(pictures, places, strict=True)
    ]
    return network(normalize(torch.stack(crops).to(places.device)))


def _picture(picture: Tensor) -> Pyramid:
    """Returns a picture (3, P, P) from 0 to 255 as `cut` takes one."""
    return Pyramid(picture.permute(1, 2, 0).round().byte())


def joints_on_black(
    network: HandJoints,
    classifier: ASLMobileNet,
    images: SizedDataset,
    signers: Sequence[int | None],
    backgrounds: Tensor,
    recipe: Recipe,
    generator: Generator,
    *,
    checkpoint: str | os.PathLike | None = None,
) -> FoundJoints:
    """Finds the joints of hands on black, which are first put before backgrounds.

    Args:
        network, classifier: as in `find_joints`.
        images: items (image (3, S, S), label).
        signers: whose each is. None stands for all rendered people together.
        backgrounds, recipe: as in `asl.recognizer.train_reader.train_reader`.
        generator: draws all numbers.
        checkpoint: a file that keeps what was found on the way, see `find_joints`.
    """
    depends = {"signers": signers, "backgrounds": backgrounds, "recipe": recipe}
    kept = _checkpoint(checkpoint, images, network, classifier, generator, depends)
    backgrounds = backgrounds.to(generator.device)

    def draw(indices: Tensor) -> tuple[Tensor, Tensor]:
        some, _ = get_batch(images, indices, generator.device)
        pictures, boxes = picture_hands(
            some,
            generator,
            strength=recipe.strength,
            background_share=6 / 7,
            photographs=backgrounds,
            windows=recipe.joint_windows,
            tilt=recipe.tilt,
            upright_share=recipe.upright_share,
        )
        return 255 * denormalize(pictures), boxes

    labels = torch.tensor([images[i][1] for i in range(len(images))])
    groups = torch.tensor([-1 if s is None else s for s in signers])
    return find_joints(network, classifier, draw, labels, groups, generator, checkpoint=kept)


def joints_on_photographs(
    network: HandJoints,
    classifier: ASLMobileNet,
    photographs: HandPhotographs,
    group: int,
    generator: Generator,
    *,
    checkpoint: str | os.PathLike | None = None,
) -> FoundJoints:
    """Finds the joints of hands in photographs; half of these are mirrored.

    Args:
        network, classifier: as in `find_joints`.
        photographs: as `asl.recognizer.train_reader.cut_photographs` cuts them.
        group: a number for their source.
        generator: draws which, and by how much a finder misses.
        checkpoint: a file that keeps what was found on the way, see `find_joints`.
    """
    images = TensorDataset(photographs.images, photographs.labels)
    kept = _checkpoint(checkpoint, images, network, classifier, generator, {"group": group})

    def draw(indices: Tensor) -> tuple[Tensor, Tensor]:
        some = photographs.images[indices].to(generator.device).float()
        mirrored = torch.rand(len(some), 1, 1, 1, generator=generator, device=generator.device)
        box = torch.tensor([0, 0, 1 / AROUND]).expand(len(some), 3)
        return torch.where(mirrored < 0.5, some.flip(3), some), box

    labels = photographs.labels
    groups = torch.full_like(labels, group)
    return find_joints(network, classifier, draw, labels, groups, generator, checkpoint=kept)


def _checkpoint(
    path: str | os.PathLike | None,
    images: SizedDataset,
    network: HandJoints,
    classifier: ASLMobileNet,
    generator: Generator,
    depends: dict[str, Any],
) -> Checkpoint | None:
    """Returns where found joints are kept, and everything on which they depend."""
    if path is None:
        return None
    parts = {"joints": network.state_dict(), "classifier": classifier.state_dict()}
    depends = depends | parts | {"generator": generator.get_state()}
    classifier.eval()  # as `find_joints` reads with it: its mode counts, too
    described = describe_training(classifier, images, None, depends, {"device": generator.device})
    return Checkpoint(Path(path), described)
