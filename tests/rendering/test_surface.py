"""The parts of the hand's surface, and places on it that have names."""

import numpy as np
import pytest

from asl.rendering.mesh import rest_hand
from asl.rendering.surface import contacts, grown_together, place, vertex_normals


@pytest.fixture(scope="module")
def hand():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")
    return rest_hand()


def test_normals_are_of_length_one_and_point_outwards():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    normals = vertex_normals(corners, faces)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    assert ((corners - corners.mean(0)) * normals).sum(1).min() > 0


def test_skin_grows_together_further_at_the_palm_than_between_fingers():
    assert grown_together(0, 2) == grown_together(2, 0) > grown_together(1, 2)


def test_a_vertex_cannot_pass_through_its_own_part(hand):
    known = contacts(hand)
    part = hand.part.numpy()
    for i, members in enumerate(known.members):
        assert (part[members] == i).all() and not known.apart[members, i].any()
    assert known.apart.any(axis=0).all()


def test_places_lie_on_their_finger_and_side(hand):
    back, front = place(hand, "middle 3 0.5 dorsal"), place(hand, "middle 3 0.5 palmar")
    assert hand.part[back] == hand.part[front] == 3
    assert hand.vertices[front, 2] > hand.vertices[back, 2]
    assert np.isclose(hand.vertices[place(hand, "thumb 3 0.9 tip")], hand.tips[0], atol=0.006).all()
