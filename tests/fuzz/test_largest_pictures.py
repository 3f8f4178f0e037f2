"""A picture at a bound takes the memory that is promised. `make torture` measures every format."""

import pytest
from largest_pictures import LARGEST, LIMIT_MB, measure
from peak_memory import CAN_MEASURE

from asl import picture_bounds

pytestmark = pytest.mark.skipif(not CAN_MEASURE, reason="asks Linux how much memory it takes")


def test_a_picture_of_as_many_pixels_as_are_let_in_takes_at_most_300_mb():
    found = measure("PNG")
    assert 0.99 * picture_bounds._MOST_MEGAPIXELS["PNG"] < found["megapixels"] <= 60
    assert 3 * found["megapixels"] < found["MB"] <= LIMIT_MB  # it was all decoded


def test_every_format_has_a_picture_at_its_bound():
    kinds = {name.partition(",")[0].partition(" ")[0].upper() for name in LARGEST} | {"HEIF"}
    assert kinds >= {*picture_bounds._MOST_MEGAPIXELS, "WEBP"}
