"""The network that finds the joints of a hand."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from asl.recognizer.mobile_net import Block, MobileFeatures

JOINTS_SIZE = 224  # pixels
JOINTS = 21
WRIST, THUMB_TIP, INDEX, MIDDLE, RING, LITTLE = 0, 4, 5, 9, 13, 17  # four of them knuckles

_FULL: tuple[Block, ...] = (
    (64, 3, 2, 24),
    (144, 3, 1, 24),
    (144, 5, 2, 40),
    (240, 5, 1, 40),
    (240, 3, 2, 80),
    (480, 3, 1, 80),
    (480, 3, 1, 80),
    (480, 5, 1, 112),
    (672, 5, 1, 112),
    (672, 5, 1, 112),
    (672, 5, 2, 192),
    (1152, 5, 1, 192),
    (1152, 5, 1, 192),
    (1152, 5, 1, 192),
)


class Joints(NamedTuple):
    """Where the joints of N hands are.

    Attributes:
        points: float (N, 21, 3): x, y and depth in halves of the crop's side, from its middle. Of
            depth only differences mean something.
        world: float (N, 21, 3), in metres, from the middle of the hand.
        present: float (N,), log-odds that this is a hand.
        right: float (N,), log-odds that it is a right one, if the picture is not mirrored.
    """

    points: Tensor
    world: Tensor
    present: Tensor
    right: Tensor


class HandJoints(MobileFeatures):
    """Finds 21 joints in a crop of an upright hand. 2.7 million weights, which are not trained.

    It is MediaPipe's network ("hand landmark, full"; Zhang et al. 2020), layer for layer, the last
    ones included. `asl.recognizer.mediapipe_weights.load_joint_weights` fills it.
    """

    def __init__(self, *, image_size: int = JOINTS_SIZE):
        """Builds the network with random weights. Arguments and errors: `MobileFeatures`."""
        super().__init__(_FULL, image_size)
        self.last = nn.ModuleDict(
            {
                "right": nn.Linear(self.width, 1),
                "present": nn.Linear(self.width, 1),
                "points": nn.Linear(self.width, 3 * JOINTS),
                "world": nn.Linear(self.width, 3 * JOINTS),
            }
        )

    def forward(self, x: Tensor) -> Joints:
        """Looks at normalised crops (N, 3, S, S) of an upright hand, twice as large as its palm."""
        features = self.features(x)
        points = self.last["points"](features).unflatten(1, (JOINTS, 3))
        # MediaPipe counts in pixels of its input, x and y from a corner.
        points = points * (2 / JOINTS_SIZE)
        points = torch.cat([points[..., :2] - 1, points[..., 2:]], dim=2)
        return Joints(
            points=points,
            world=self.last["world"](features).unflatten(1, (JOINTS, 3)),
            present=self.last["present"](features)[:, 0],
            # There "right" is meant for mirrored pictures; ours are not.
            right=-self.last["right"](features)[:, 0],
        )
