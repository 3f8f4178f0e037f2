"""Poses settled on the mesh: parts touch without passing through each other."""

import pytest

from asl.rendering.contact import press, settle
from asl.rendering.joints import JOINTS, check_angles, pose_vector
from asl.rendering.mesh import rest_hand
from asl.rendering.pose_variants import TAUGHT, VARIANTS
from asl.rendering.poses import POSES
from asl.rendering.posing import pose_hand
from asl.rendering.surface import contacts, place
from tests.rendering.penetration import penetration

# The table's poses stay below these. Real skin gives by 1 to 2 mm where it is pressed.
DEEPEST_MM = {"fingers": 1.2, "palm": 1.8}


@pytest.fixture(scope="module")
def hand():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")
    return rest_hand()


@pytest.fixture(scope="module")
def known(hand):
    return contacts(hand)


def through(hand, known, angles):
    posed = press(hand, known, pose_hand(hand, angles))
    depths = penetration(hand, posed)
    return {p: d for p, d in depths.items() if d > DEEPEST_MM["palm" if "palm" in p else "fingers"]}


@pytest.mark.parametrize("sign", POSES)
def test_fingers_do_not_pass_through_each_other_or_the_palm(hand, known, sign):
    assert not through(hand, known, pose_vector(POSES[sign].angles()))


@pytest.mark.parametrize("pose", [*VARIANTS.values(), *TAUGHT.values()])
def test_fingers_do_not_pass_through_anything_in_variants_and_taught_signs(hand, known, pose):
    assert not through(hand, known, pose_vector(pose.angles()))


@pytest.mark.parametrize("sign", [s for s in POSES if POSES[s].touches])
def test_what_should_touch_is_as_near_as_the_table_says(hand, sign):
    angles = pose_vector(POSES[sign].angles())
    for touch in POSES[sign].touches:
        assert gap_mm(hand, touch, angles) <= touch[2] + 0.01


def test_settling_frees_fingers_and_keeps_to_the_limits(hand, known):
    deep = POSES["s"].angles() | {"thumb CMC flexion": 60, "index DIP flexion": 80}
    before = pose_vector(deep)
    after = settle(hand, known, before, steps=30)
    check_angles(dict(zip(JOINTS, after.tolist(), strict=True)))
    depth = [max(penetration(hand, pose_hand(hand, x)).values()) for x in (before, after)]
    assert depth[1] < 0.6 * depth[0]
    assert after[JOINTS.index("wrist flexion")] == before[JOINTS.index("wrist flexion")]


def gap_mm(hand, touch, angles):
    vertices = pose_hand(hand, angles)
    return 1000 * float((vertices[place(hand, touch[0])] - vertices[place(hand, touch[1])]).norm())


def test_settling_closes_a_gap(hand, known):
    touch = POSES["o"].touches[0]
    opened = pose_vector(POSES["o"].angles() | {"thumb CMC abduction": 5.0})
    closed = settle(hand, known, opened, POSES["o"].touches)
    assert gap_mm(hand, touch, closed) < min(gap_mm(hand, touch, opened) / 2, touch[2] + 3)


def test_a_finger_goes_to_the_one_that_it_should_touch(hand, known):
    touch = POSES["r"].touches[-1]
    straight = pose_vector(
        POSES["r"].angles() | {"middle PIP flexion": 0.0, "middle DIP flexion": 5.0}
    )
    crossed, apart = (
        gap_mm(hand, touch, settle(hand, known, straight, touches))
        for touches in (POSES["r"].touches, POSES["r"].touches[:1])
    )
    assert crossed < apart / 2


def test_an_open_hand_is_left_alone(hand, known):
    angles = pose_vector(POSES["5"].angles())
    assert settle(hand, known, angles).equal(angles)
    vertices = pose_hand(hand, angles)
    assert press(hand, known, vertices).equal(vertices)


def test_skin_yields_by_five_millimetres_at_most(hand, known):
    deep = POSES["5"].angles() | {"thumb CMC flexion": 60, "thumb MCP flexion": 60}
    vertices = pose_hand(hand, pose_vector(deep))
    moved = (press(hand, known, vertices) - vertices).norm(dim=1)
    assert 0.001 < moved.max() <= 0.00501
