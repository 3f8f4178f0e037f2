"""Pictures of a hand, traced ray by ray."""

import numpy as np
import pytest

from asl.rendering.joints import pose_vector
from asl.rendering.mesh import rest_hand
from asl.rendering.poses import POSES
from asl.rendering.posing import pose_hand
from asl.rendering.raytracing import DirectedLight, _between, _Places, trace
from asl.rendering.signers import make_signer
from asl.rendering.skin import skin_of


@pytest.fixture(scope="module")
def picture():
    """Traces an open hand under one lamp: (image, mask)."""
    for package in ("anny", "embreex"):
        pytest.importorskip(package, reason="needs the extra: pip install -e .[render]")
    signer = make_signer(1, tone=4)
    hand = rest_hand(signer.phenotype, signer.shape)
    vertices = pose_hand(hand, pose_vector(POSES["5"].angles())).numpy()

    def picture(direction=(0.0, 0.0, 1.0), strength=1.0, distance=0.8, cut=(0, 0, 0)):
        """What lies beyond the wrist in the direction `cut` is cut off."""
        lamp = DirectedLight(direction, (strength,) * 3, 0.1)
        beyond = vertices @ np.array(cut)
        rng = np.random.default_rng(0)
        return trace(vertices, hand, skin_of(signer), [lamp, lamp], beyond, distance, 48, rng)

    return picture


def test_the_hand_just_fits_the_picture_whatever_the_distance(picture):
    for distance in (0.4, 1.2):
        image, mask = picture(distance=distance)
        assert image.shape == (48, 48, 3) and image.dtype == np.uint8
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert max(rows[-1] - rows[0], columns[-1] - columns[0]) >= 46
        assert (image[~mask] == 0).all() and image[mask].mean() > 20


def test_a_stronger_lamp_is_brighter_and_a_lamp_at_the_left_lights_the_left(picture):
    dim, bright = (picture(strength=s)[0].astype(int).sum() for s in (0.5, 1.0))
    assert bright > 1.03 * dim  # a camera evens out the rest
    left, right = (picture(direction=(x, 0.0, 0.3))[0].astype(int) for x in (-1.0, 1.0))
    difference = (left - right).sum(axis=2)
    columns = np.arange(48) * np.abs(difference)
    lit_left = columns[difference > 0].sum() / np.abs(difference)[difference > 0].sum()
    lit_right = columns[difference < 0].sum() / np.abs(difference)[difference < 0].sum()
    assert lit_left < lit_right


def test_a_pixel_between_vertices_has_the_weighted_mean_of_each_of_their_values():
    rng = np.random.default_rng(0)
    widths = {"normals": 3, "albedo": 3, "occlusion": 0, "shadows": 2, "nail": 0, "along": 0}
    widths |= {"palmar": 0}
    vertices = _Places(**{name: rng.random((5, k) if k else 5) for name, k in widths.items()})
    corners = np.array([[0, 1, 2], [4, 3, 2]])
    weights = np.array([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]])
    pixels = _between(vertices, corners, weights)
    for name in _Places._fields:
        one, other = getattr(pixels, name)
        values = getattr(vertices, name)
        np.testing.assert_allclose(one, np.tensordot(weights[0], values[:3], axes=1), rtol=1e-5)
        np.testing.assert_allclose(other, values[3], rtol=1e-5)


def test_what_lies_beyond_the_cut_is_not_drawn_and_the_rest_fits_the_picture(picture):
    def size(mask):
        return [np.flatnonzero(mask.any(axis)).size for axis in (0, 1)]

    (width, height), (half_width, half_height) = (
        size(picture(cut=cut)[1]) for cut in ((0, 0, 0), (1, 0, 0))
    )
    assert half_height >= 46 and half_width / half_height < 0.8 * width / height
    assert max(size(picture(cut=(0, -1, 0))[1])) >= 46  # without the forearm
