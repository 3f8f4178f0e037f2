"""A hand for tests of what reads joints."""

import torch

from asl.recognizer.hand_joints import Joints


def upright_hand():
    """Returns joints of an open hand: the wrist below, the palm 0.4 high and 0.4 wide."""
    points = torch.zeros(1, 21, 3)
    points[0, 0, 1] = 0.2
    for finger, x in enumerate((-0.2, -0.1, 0.0, 0.1, 0.2)):
        for joint in range(4):
            points[0, 1 + 4 * finger + joint, 0] = x
            points[0, 1 + 4 * finger + joint, 1] = -0.2 - 0.1 * max(0, joint - 1) * (finger > 0)
    return Joints(points, points, torch.ones(1), torch.ones(1))
