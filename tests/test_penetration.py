"""What passes through what on the posed mesh."""

import pytest

from asl.hand_model import rest_hand
from asl.joints import pose_vector
from asl.penetration import penetration
from asl.poses import POSES
from asl.posing import pose_hand
from asl.signs import SIGNS

# The aim is none beyond what soft tissue gives, about 2 mm. This is what the poses reach so far, to
# notice if they get worse; it does not say that they are right.
DEEPEST_MM = {"fingers": 5.5, "palm": 7.5}


@pytest.fixture(scope="module")
def hand():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")
    return rest_hand()


def posed(hand, **angles):
    return pose_hand(hand, pose_vector({k.replace("_", " "): v for k, v in angles.items()}))


@pytest.mark.parametrize("sign", SIGNS)
def test_fingers_do_not_pass_through_each_other_or_the_palm(hand, sign):
    depths = penetration(hand, pose_hand(hand, pose_vector(POSES[sign].angles())))
    for parts, depth in depths.items():
        assert depth <= DEEPEST_MM["palm" if "palm" in parts else "fingers"], (parts, depth)


def test_penetration_finds_fingers_driven_through_each_other(hand):
    through = POSES["5"].angles() | {"index MCP flexion": 60, "middle MCP flexion": 60}
    through |= {"index abduction": -25, "middle abduction": 30}
    assert max(penetration(hand, pose_hand(hand, pose_vector(through))).values()) > 6
    assert not penetration(
        hand, posed(hand, index_abduction=10, ring_abduction=10, little_abduction=22)
    )
