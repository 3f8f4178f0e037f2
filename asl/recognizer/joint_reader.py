"""Reads a hand shape from where the joints are, not from how it looks."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.recognizer.crops import bounded
from asl.recognizer.hand_joints import (
    INDEX,
    LITTLE,
    MIDDLE,
    RING,
    THUMB_TIP,
    WRIST,
    HandJoints,
    Joints,
)
from asl.signs import SIGNS

_TIPS = (4, 8, 12, 16, 20)
_FROM = (*_TIPS, WRIST, INDEX, MIDDLE, RING, LITTLE)
_TO = (THUMB_TIP, 6, 8, 10, 12, 14, 16, 18, 20, INDEX, MIDDLE, RING, LITTLE)
_NUMBERS = 2 * 63 + len(_FROM) * len(_TO)
_HIDDEN = 256
_PALM = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)  # joints of palm and first bones
_BEYOND = 4.0  # half sides of the picture: no hand is farther from its middle, or larger
_FLESH = 1.2  # side of a hand's square in sides of that of its joints
_FAR = 8.0  # palms: no joint is farther from the wrist
_PER_METRE = 10.0  # brings metres near 1


class Look(NamedTuple):
    """What a `JointReader` saw of N hands.

    Attributes:
        answers: float (N, 36), log-probabilities times how much they count.
        places: float (N, 4), where the joints should be looked for again.
        present: float (N,), log-odds that there are joints at all.
        boxes: float (N, 3), of the hands, round their joints.
    """

    answers: Tensor
    places: Tensor
    present: Tensor
    boxes: Tensor


class JointReader(nn.Module):
    """Says which sign a hand makes, from its joints: 0.1 million weights of its own.

    How a hand looks differs from person to person, from lamp to lamp and from camera to camera.
    Where its joints are does so much less, and the network that finds them knows many people's
    hands. So this reader is the better one for strangers, and the other one, `ASLMobileNet`, for
    hands like those it was trained on. `asl.recognizer.graph` joins their answers.

    Attributes:
        joints: finds the joints.
        aim: from the other reader's features of a hand to where the joints should be looked for.
        read: from `pose_numbers` to signs.
        mean, spread: of `pose_numbers` in training, (256,).
        trust: what the answer counts where the hand is surely one; the other reader's counts 1.
    """

    mean: Tensor
    spread: Tensor
    trust: Tensor

    def __init__(self, features: int):
        """Builds the layers with PyTorch's default initialisation.

        Args:
            features: how many numbers the other reader's features are.
        """
        super().__init__()
        self.joints = HandJoints()
        self.aim = nn.Linear(features, 5)
        self.read = nn.Sequential(
            nn.Linear(_NUMBERS, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(_HIDDEN, len(SIGNS)),
        )
        self.register_buffer("mean", torch.zeros(_NUMBERS))
        self.register_buffer("spread", torch.ones(_NUMBERS))
        self.register_buffer("trust", torch.tensor(1.0))

    def places(self, features: Tensor, boxes: Tensor) -> Tensor:
        """Says where the joints should be looked for.

        Args:
            features: float (N, features), the other reader's, of the nearer crop.
            boxes: float (N, 3), of the hands, see `asl.recognizer.crops`.

        Returns:
            float (N, 4): x, y and half of a square, and by which angle it is turned, in radians,
            clockwise as it is seen
        """
        aim = self.aim(features)
        half = boxes[:, 2:]
        middle = boxes[:, :2] + aim[:, :2].clamp(-2, 2) * half
        size = half * aim[:, 2:3].clamp(-1, 2).exp()
        return torch.cat([middle, size, torch.atan2(aim[:, 4:], aim[:, 3:4])], dim=1)

    def forward(self, crops: Tensor, places: Tensor) -> Look:
        """Reads normalised crops (N, 3, 224, 224) of places (N, 4)."""
        joints = self.joints(crops)
        weight = (self.trust * joints.present.sigmoid()).unsqueeze(1)
        answers = self.answer(pose_numbers(hand_poses(joints, places[:, 3])))
        return Look(
            answers=weight * answers,
            places=place_of(joints, places),
            present=joints.present,
            boxes=box_of(joints, places),
        )

    def answer(self, numbers: Tensor) -> Tensor:
        """Maps `pose_numbers` (N, 256) to log-probabilities (N, 36)."""
        return F.log_softmax(self.read((numbers - self.mean) / self.spread).float(), dim=1)


def hand_poses(joints: Joints, angles: Tensor) -> Tensor:
    """Describes hands by their joints, whatever their place, size and side.

    The joints count from the wrist. They lie as the picture shows them, since some signs differ by
    where the hand points. Left hands are mirrored.

    Args:
        joints: of crops that were turned by `angles`.
        angles: float (N,), in radians, clockwise.

    Returns:
        float (N, 2, 21, 3): the picture's joints in palms, and the world's in tenths of a metre
    """
    both = turned(torch.stack([joints.points, joints.world], dim=1), angles)
    side = torch.where(joints.right > 0, 1.0, -1.0).view(-1, 1, 1, 1)
    both = torch.cat([both[..., :1] * side, both[..., 1:]], dim=3)
    both = both - both[:, :, WRIST : WRIST + 1]
    palm = (
        chosen(both[:, 0], (INDEX, MIDDLE, LITTLE))[..., :2].norm(dim=2).mean(dim=1).clamp(min=1e-3)
    )
    points = (both[:, 0] / palm.view(-1, 1, 1)).clamp(-_FAR, _FAR)
    return torch.stack([points, both[:, 1] * _PER_METRE], dim=1)


def place_of(joints: Joints, place: Tensor) -> Tensor:
    """Returns where MediaPipe looks for joints that were found at a place, (N, 4).

    The square is turned so that the middle of the hand points upwards from the wrist, lies round
    the palm and the first bones, is twice as large as these, and is moved towards the finger tips.

    Args:
        joints: N.
        place: float (N, 4), as `asl.recognizer.crops.cut` takes one.
    """
    points = _in_picture(joints, place)
    knuckles = (points[:, INDEX] + 2 * points[:, MIDDLE] + points[:, RING]) / 4
    along = knuckles - points[:, WRIST]
    angle = torch.atan2(along[:, 0], -along[:, 1])
    flat = F.pad(chosen(points, _PALM), (0, 1))
    upright = turned(flat, -angle)
    low, high = upright.amin(dim=1), upright.amax(dim=1)
    middle = (low + high) / 2
    middle[:, 1] -= 0.1 * (high - low)[:, 1]
    half = (high - low).amax(dim=1)
    middle = turned(middle[:, None], angle)[:, 0]
    # Whatever a network says of a picture without a hand, the place is near the picture.
    middle, half = middle[:, :2].clamp(-_BEYOND, _BEYOND), half[:, None].clamp(1e-3, _BEYOND)
    return torch.cat([middle, half, angle[:, None]], dim=1).nan_to_num(1e-3)


def box_of(joints: Joints, place: Tensor) -> Tensor:
    """Returns the squares round all joints, wider by a fifth, float (N, 3). Arguments: `place_of`.

    A finder's square is 1.3 times as large as the joints reach, in the median: there is flesh
    around them.
    """
    points = _in_picture(joints, place)
    low, high = points.amin(dim=1), points.amax(dim=1)
    half = (high - low).amax(dim=1, keepdim=True) * (_FLESH / 2)
    return bounded(torch.cat([(low + high) / 2, half], dim=1))


def _in_picture(joints: Joints, place: Tensor) -> Tensor:
    """Returns where joints that were found at a place are in the picture, x and y: (N, 21, 2)."""
    points = turned(joints.points, place[:, 3])[..., :2]
    return place[:, None, :2] + points * place[:, None, 2:3]


def pose_numbers(poses: Tensor) -> Tensor:
    """Returns poses (N, 2, 21, 3) and distances between the world's joints, (N, 256)."""
    world = poses[:, 1]
    apart = chosen(world, _FROM).unsqueeze(2) - chosen(world, _TO).unsqueeze(1)
    return torch.cat([poses.flatten(1), apart.norm(dim=3).flatten(1)], dim=1)


def chosen(points: Tensor, joints: Sequence[int]) -> Tensor:
    """Returns some joints of points (N, 21, D).

    One by one: a GPU's tensor that is indexed by a list waits for it, and `torch.cond` cannot be
    exported with one.
    """
    return torch.stack([points[:, joint] for joint in joints], dim=1)


def turned(points: Tensor, angles: Tensor) -> Tensor:
    """Turns points (N, …, 3) in the picture's plane by angles (N,), clockwise as it is seen."""
    shape = (-1, *[1] * (points.ndim - 2))
    cos, sin = angles.cos().view(shape), angles.sin().view(shape)
    x, y, z = points.unbind(dim=-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y, z], dim=-1)
