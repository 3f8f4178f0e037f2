"""The posed hand mesh."""

import pytest

from asl.rendering.joints import finger_bones, pose_vector
from asl.rendering.mesh import rest_hand
from asl.rendering.posing import bone_transforms, pose_hand


@pytest.fixture(scope="module")
def hand():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")
    return rest_hand()


def posed(hand, **angles):
    return pose_hand(hand, pose_vector({k.replace("_", " "): v for k, v in angles.items()}))


def test_straight_fingers_are_straight(hand):
    transforms = bone_transforms(hand, pose_vector({}))
    for finger in range(1, 5):
        bones = finger_bones(finger)
        points = [transforms[b, :3, :3] @ hand.heads[b] + transforms[b, :3, 3] for b in bones]
        tip = hand.tips[finger]
        points.append(transforms[bones[-1], :3, :3] @ tip + transforms[bones[-1], :3, 3])
        whole = points[-1] - points[0]
        assert whole[1] / whole.norm() > 0.97  # along the hand
        assert sum((b - a).norm() for a, b in zip(points, points[1:], strict=False)) < (
            1.02 * whole.norm()
        )


def test_flexion_bends_towards_the_palm_and_abduction_away_from_the_middle_finger(hand):
    tip = hand.part == 2
    straight = posed(hand)[tip].mean(0)
    assert posed(hand, index_MCP_flexion=60)[tip].mean(0)[2] > straight[2] + 0.02
    assert posed(hand, index_abduction=15)[tip].mean(0)[0] > straight[0] + 0.005
    little = hand.part == 5
    assert posed(hand, little_abduction=15)[little].mean(0)[0] < posed(hand)[little].mean(0)[0]
