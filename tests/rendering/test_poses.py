"""The table of the 36 poses."""

from asl.rendering.joints import JOINTS, check_angles
from asl.rendering.poses import POSES
from asl.signs import LOOK_ALIKES, SIGNS


def test_every_sign_has_a_pose_within_the_limits():
    assert tuple(POSES) == SIGNS
    for sign, pose in POSES.items():
        assert set(pose.angles()) == set(JOINTS)
        check_angles(pose.angles())
        assert pose.source, sign
    for first, second in LOOK_ALIKES:
        assert POSES[first].angles() == POSES[second].angles()
