"""What the joints are called and how far they go."""

import re

import pytest

from asl.rendering.joints import JOINT_LIMITS, JOINTS, check_angles, pose_vector


@pytest.mark.parametrize("joint", JOINTS)
def test_angles_beyond_the_limits_name_joint_value_and_range(joint):
    low, high = JOINT_LIMITS[joint]
    message = f"expected {joint} from {low} to {high} degrees, found {high + 1}"
    with pytest.raises(ValueError, match=re.escape(message)):
        pose_vector({joint: high + 1})


def test_an_unknown_joint_is_named():
    with pytest.raises(ValueError, match="unknown joint 'index knuckle'"):
        check_angles({"index knuckle": 3})
