"""How deep the parts of a posed hand lie in one another."""

import pytest

from asl.rendering.joints import pose_vector
from asl.rendering.mesh import rest_hand
from asl.rendering.poses import POSES
from asl.rendering.posing import pose_hand
from tests.rendering.penetration import penetration


@pytest.fixture(scope="module")
def hand():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")
    return rest_hand()


def test_fingers_driven_through_each_other_are_found(hand):
    through = POSES["5"].angles() | {"index MCP flexion": 60, "middle MCP flexion": 60}
    through |= {"index abduction": -25, "middle abduction": 30}
    assert max(penetration(hand, pose_hand(hand, pose_vector(through))).values()) > 6


def test_an_open_hand_is_free_of_itself(hand):
    spread = {"index abduction": 10, "ring abduction": 10, "little abduction": 22}
    assert not penetration(hand, pose_hand(hand, pose_vector(spread)))
