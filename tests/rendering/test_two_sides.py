import numpy as np
import pytest

from asl.rendering.two_sides import render_two_sides


@pytest.fixture
def render():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")


def test_a_sign_is_shown_whole_from_two_sides_and_always_the_same(render):
    image = render_two_sides("l", size=48)
    assert image.shape == (48, 96, 3) and image.dtype == np.uint8
    front, side = image[:, :48], image[:, 48:]
    for view in (front, side):
        rows, columns = np.nonzero(view.any(axis=2))
        assert rows.min() >= 3 and rows.max() < 45 and columns.min() >= 3 and columns.max() < 45
        assert np.ptp(rows) > 30
    assert (front != side).mean() > 0.1
    np.testing.assert_array_equal(image, render_two_sides("l", size=48))


def test_what_is_no_sign_is_refused():
    with pytest.raises(ValueError, match="expected sign to be one of 0, 1"):
        render_two_sides("ä")
    with pytest.raises(ValueError, match="expected a size from 16"):
        render_two_sides("a", size=8)
