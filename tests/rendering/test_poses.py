"""The table of the 36 poses."""

from asl.rendering.joints import JOINTS, check_angles
from asl.rendering.pose_variants import TAUGHT, VARIANTS
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


def test_variants_are_of_known_signs_and_within_the_limits():
    assert set(VARIANTS) <= set(SIGNS)
    for sign, pose in VARIANTS.items():
        check_angles(pose.angles())
        assert pose.view == POSES[sign].view
        assert pose.angles() != POSES[sign].angles()


def test_taught_signs_are_known_within_the_limits_and_not_the_datasets():
    assert set(TAUGHT) <= set(SIGNS)
    for sign, pose in TAUGHT.items():
        check_angles(pose.angles())
        assert pose.source and pose.note, sign
        assert (pose.angles(), pose.view) != (POSES[sign].angles(), POSES[sign].view)
