"""Trains the reader of joints: on joints that are found once, and moved as they may be."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from asl.augmentation.hands import picture_hands
from asl.augmentation.photographs import AROUND
from asl.data import SizedDataset, get_batch
from asl.decoding import denormalize, normalize
from asl.devices import drawn_generator, seeded, usable_device
from asl.optimization import run_epochs
from asl.recognizer.crops import NEAR, cut
from asl.recognizer.hand_joints import INDEX, MIDDLE, RING, WRIST, HandJoints, Joints
from asl.recognizer.joint_reader import JointReader, hand_poses, pose_numbers, turned
from asl.recognizer.mobile_net import ASLMobileNet
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_reader import HandPhotographs

_AT_ONCE = 16
_PALM = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)  # joints of palm and first bones
_FIRST_LOOK = 1.6  # side of what is looked at first, in sides of the hand's square
_AIMED = 6000  # pictures from which the aim is learnt at most


class FoundJoints(NamedTuple):
    """What was seen of N hands.

    Attributes:
        poses: float (N, 2, 21, 3), as `asl.recognizer.joint_reader.hand_poses` gives them.
        labels: int64 (N,).
        groups: int64 (N,), who made the sign: every group counts by the root of its size.
        crops: uint8 (A, 3, S, S), of the first A hands, as the other reader sees them.
        aims: float (A, 5), where their joints are, from the box of the crop.
    """

    poses: Tensor
    labels: Tensor
    groups: Tensor
    crops: Tensor
    aims: Tensor


@torch.inference_mode()
def find_joints(
    network: HandJoints,
    draw: Callable[[Tensor], tuple[Tensor, Tensor]],
    labels: Tensor,
    groups: Tensor,
    generator: Generator,
    *,
    crop_size: int,
) -> FoundJoints:
    """Finds the joints of hands whose squares are known.

    They are looked for twice: in an upright square, and then, as MediaPipe does, in one that the
    joints found first say, turned so that the hand is upright.

    Args:
        network: finds joints.
        draw: indices (M,) → pictures float (M, 3, P, P), from 0 to 255, and boxes (M, 3).
        labels, groups: int64 (N,).
        generator: draws by how much a finder misses.
        crop_size: side of the crops that are kept of some.
    """
    device = next(network.parameters()).device
    poses, crops, aims = [], [], []
    order = torch.randperm(len(labels), generator=generator, device=generator.device)
    kept = (order < _AIMED).tolist()
    for some in torch.arange(len(labels)).split(_AT_ONCE):
        pictures, boxes = draw(some)
        boxes = _missed(boxes.to(device), generator, 0.12, 0.15)
        upright = torch.zeros(len(boxes), 1, device=device)
        place = torch.cat([boxes[:, :2], _FIRST_LOOK * boxes[:, 2:], upright], dim=1)
        place = place_of(_look(network, pictures, place), place)
        place = _missed(place, generator, 0.06, 0.08)
        place[:, 3] += 0.15 * torch.randn(len(place), generator=generator, device=device)
        joints = _look(network, pictures, place)
        poses.append(hand_poses(joints, place[:, 3]))
        place = place_of(joints, place)
        half = boxes[:, 2:]
        angle = place[:, 3:]
        moved, larger = (place[:, :2] - boxes[:, :2]) / half, (place[:, 2:3] / half).log()
        aim = torch.cat([moved, larger, angle.cos(), angle.sin()], dim=1)
        for i in (i for i, index in enumerate(some.tolist()) if kept[index]):
            near = cut(_frame(pictures[i]), boxes[i], crop_size, margin=NEAR)
            crops.append(near.round().byte())
            aims.append(aim[i])
    found = torch.cat(poses), labels, groups, torch.stack(crops), torch.stack(aims)
    return FoundJoints(*(part.cpu() for part in found))


def place_of(joints: Joints, place: Tensor) -> Tensor:
    """Returns where MediaPipe looks for joints that were found at a place, (N, 4).

    The square is turned so that the middle of the hand points upwards from the wrist, lies round
    the palm and the first bones, is twice as large as these, and is moved towards the finger tips.

    Args:
        joints: N.
        place: float (N, 4), as `asl.recognizer.crops.cut` takes one.
    """
    points = turned(joints.points, place[:, 3])[..., :2]
    points = place[:, None, :2] + points * place[:, None, 2:3]
    knuckles = (points[:, INDEX] + 2 * points[:, MIDDLE] + points[:, RING]) / 4
    along = knuckles - points[:, WRIST]
    angle = torch.atan2(along[:, 0], -along[:, 1])
    flat = F.pad(points[:, list(_PALM)], (0, 1))
    upright = turned(flat, -angle)
    low, high = upright.amin(dim=1), upright.amax(dim=1)
    middle = (low + high) / 2
    middle[:, 1] -= 0.1 * (high - low)[:, 1]
    half = (high - low).amax(dim=1)
    middle = turned(middle[:, None], angle)[:, 0]
    return torch.cat([middle[:, :2], half[:, None].clamp(min=1e-3), angle[:, None]], dim=1)


def _missed(boxes: Tensor, generator: Generator, shift: float, size: float) -> Tensor:
    """Moves and resizes boxes (N, 3 or more) by up to shares of their halves."""
    drawn = torch.rand(len(boxes), 3, generator=generator, device=boxes.device) * 2 - 1
    half = boxes[:, 2:3]
    moved = [boxes[:, :2] + shift * drawn[:, :2] * half, half * (size * drawn[:, 2:]).exp()]
    return torch.cat([*moved, boxes[:, 3:]], dim=1)


def _look(network: HandJoints, pictures: Tensor, places: Tensor) -> Joints:
    crops = [
        cut(_frame(picture), place, network.image_size, margin=1)
        for picture, place in zip(pictures, places, strict=True)
    ]
    return network(normalize(torch.stack(crops).to(places.device)))


def _frame(picture: Tensor) -> Tensor:
    """Returns a picture (3, P, P) from 0 to 255 as `cut` takes one."""
    return picture.permute(1, 2, 0).round().byte()


def joints_on_black(
    network: HandJoints,
    images: SizedDataset,
    signers: Sequence[int | None],
    backgrounds: Tensor,
    recipe: Recipe,
    generator: Generator,
) -> FoundJoints:
    """Finds the joints of hands on black, which are first put before backgrounds.

    Args:
        network: finds joints.
        images: items (image (3, S, S), label).
        signers: whose each is. None stands for all rendered people together.
        backgrounds, recipe: as in `asl.recognizer.train_reader.train_reader`.
        generator: draws all numbers.
    """
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
    return find_joints(network, draw, labels, groups, generator, crop_size=recipe.image_size)


def joints_on_photographs(
    network: HandJoints,
    photographs: HandPhotographs,
    group: int,
    recipe: Recipe,
    generator: Generator,
) -> FoundJoints:
    """Finds the joints of hands in photographs; half of these are mirrored.

    Args:
        network: finds joints.
        photographs: as `asl.recognizer.train_reader.cut_photographs` cuts them.
        group: a number for their source.
        recipe: how often each is looked at.
        generator: draws which, and by how much a finder misses.
    """

    def draw(indices: Tensor) -> tuple[Tensor, Tensor]:
        some = photographs.images[indices].to(generator.device).float()
        mirrored = torch.rand(len(some), 1, 1, 1, generator=generator, device=generator.device)
        box = torch.tensor([0, 0, 1 / AROUND]).expand(len(some), 3)
        return torch.where(mirrored < 0.5, some.flip(3), some), box

    labels = photographs.labels
    groups = torch.full_like(labels, group)
    return find_joints(network, draw, labels, groups, generator, crop_size=recipe.image_size)


def train_joint_reader(
    reader: JointReader,
    classifier: ASLMobileNet,
    found: Sequence[FoundJoints],
    recipe: Recipe = Recipe(),
    *,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> list[float]:
    """Trains a reader of joints in place, except for the network that finds them.

    Args:
        reader: ends in evaluation mode.
        classifier: the other reader, trained: from its features the place of the joints is told.
        found: joints, each group of which counts by the root of its size.
        recipe: epochs, learning rate, and by how much joints are moved.
        device, progress: as in `asl.train_model`.

    Returns:
        The mean loss of each epoch.
    """
    device = usable_device(device)
    reader.to(device).joints.requires_grad_(False)
    found = [FoundJoints(*(part.to(device) for part in some)) for some in found]
    _learn_aim(reader, classifier, found)
    poses, labels = (torch.cat([some[i] for some in found]) for i in (0, 1))
    of_group = torch.cat([some.groups for some in found]).unique(return_inverse=True)[1]
    weights = of_group.bincount().double().rsqrt()[of_group]
    numbers = pose_numbers(poses)
    reader.mean.copy_(numbers.mean(dim=0))
    reader.spread.copy_(numbers.std(dim=0) + 0.1)
    reader.trust.fill_(recipe.joint_trust)
    results: dict[str, list[float]] = {"train_losses": [], "learning_rates": []}
    with seeded(recipe.seed, device):
        generator = drawn_generator(device)

        def loss_of(indices: Tensor) -> Tensor:
            some = weights.multinomial(len(indices), replacement=True, generator=generator)
            angle = math.radians(recipe.joint_tilt) * torch.randn(
                len(some), generator=generator, device=device
            )
            moved = turned(poses[some], angle)
            noise = torch.randn(moved.shape, generator=generator, device=device)
            log_probs = reader.answer(pose_numbers(moved + recipe.joint_noise * noise))
            return F.cross_entropy(log_probs, labels[some], label_smoothing=recipe.joint_smoothing)

        run_epochs(
            reader,
            len(labels),
            loss_of,
            recipe.joint_epochs,
            results,
            batch_size=128,
            lr=recipe.joint_learning_rate,
            weight_decay=recipe.weight_decay,
            drawn=generator,
            name="Joints" if progress else None,
        )
    return results["train_losses"]


@torch.no_grad()
def _learn_aim(reader: JointReader, classifier: ASLMobileNet, found: Sequence[FoundJoints]) -> None:
    """Fits the linear layer that aims by least squares, with a little ridge."""
    classifier.eval()
    crops, aims = torch.cat([some.crops for some in found]), torch.cat([s.aims for s in found])
    features = torch.cat([classifier.features(normalize(p)) for p in crops.split(_AT_ONCE)])
    mean, spread = features.mean(dim=0), features.std(dim=0) + 0.05
    x = (features - mean) / spread
    ridge = 0.02 * len(x) * torch.eye(x.shape[1], device=x.device)
    slope = torch.linalg.solve(x.T @ x + ridge, x.T @ (aims - aims.mean(dim=0)))
    reader.aim.weight.copy_((slope / spread.unsqueeze(1)).T)
    reader.aim.bias.copy_(aims.mean(dim=0) - reader.aim.weight @ mean)
