"""Other ways of making some signs."""

from asl.rendering.joints import check_angles
from asl.rendering.pose_variants import TAUGHT, VARIANTS
from asl.rendering.poses import POSES
from asl.signs import SIGNS


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
