"""The joints' names, how far they bend, and the bones that they move."""

import re

import pytest

from asl.rendering.joints import (
    FINGERS,
    JOINT_LIMITS,
    JOINTS,
    check_angles,
    finger_bones,
    moved_bones,
    pose_vector,
)


@pytest.mark.parametrize("joint", JOINTS)
def test_angles_beyond_the_limits_name_joint_value_and_range(joint):
    low, high = JOINT_LIMITS[joint]
    message = f"expected {joint} from {low} to {high} degrees, found {high + 1}"
    with pytest.raises(ValueError, match=re.escape(message)):
        pose_vector({joint: high + 1})


def test_an_unknown_joint_is_named():
    with pytest.raises(ValueError, match="unknown joint 'index knuckle'"):
        check_angles({"index knuckle": 3})


def test_limits_go_at_most_20_degrees_beyond_the_sources():
    sources = {  # as the docstring of `JOINT_LIMITS` cites them
        "thumb MCP flexion": (0, 55),
        "thumb IP flexion": (-15, 80),
        "wrist flexion": (-70, 80),
        "wrist deviation": (-30, 20),
    }
    for finger in FINGERS[1:]:
        sources[f"{finger} MCP flexion"] = (-45, 90)
        sources[f"{finger} PIP flexion"] = (0, 100)
        sources[f"{finger} DIP flexion"] = (0, 90)
    for joint, (least, greatest) in sources.items():
        low, high = JOINT_LIMITS[joint]
        assert least - 20 <= low < 0 < high <= greatest + 20, joint
    unsourced = set(JOINT_LIMITS) - set(sources)
    assert all("abduction" in joint or "thumb CMC" in joint for joint in unsourced)
    for joint in unsourced:
        low, high = JOINT_LIMITS[joint]
        assert low < 0 < high and high - low <= 95, joint  # the widest is the thumb's flexion


def test_bones_are_numbered_finger_by_finger():
    assert [bone for finger in range(5) for bone in finger_bones(finger)] == [
        *range(2, 5), *range(6, 9), *range(10, 13), *range(14, 17), *range(18, 21)
    ]  # fmt: skip
    assert moved_bones("thumb CMC rotation") == [2, 3, 4]
    assert moved_bones("thumb MCP flexion") == [3, 4] and moved_bones("thumb IP flexion") == [4]
    assert moved_bones("ring abduction") == moved_bones("ring MCP flexion") == [14, 15, 16]
    assert moved_bones("ring PIP flexion") == [15, 16] and moved_bones("wrist flexion") == []
