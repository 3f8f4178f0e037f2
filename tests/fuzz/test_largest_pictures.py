"""A picture at a bound takes the memory that is promised. `make torture` measures every format."""

from io import BytesIO

import pytest
from largest_pictures import LARGEST, LIMIT_MB, measure
from peak_memory import CAN_MEASURE
from PIL import Image

from asl import picture_bounds
from asl.decoding import open_rgb


@pytest.mark.skipif(not CAN_MEASURE, reason="asks Linux how much memory it takes")
def test_a_picture_of_as_many_pixels_and_bytes_as_are_let_in_takes_at_most_300_mb():
    found = measure("PNG, much beside")
    assert 0.99 * picture_bounds._MOST_MEGAPIXELS["PNG"] < found["megapixels"] <= 60
    assert 3 * found["megapixels"] < found["MB"] <= LIMIT_MB  # it was all decoded


def test_every_format_has_a_picture_at_its_bound():
    kinds = {name.partition(",")[0].partition(" ")[0].upper() for name in LARGEST} | {"HEIF"}
    assert kinds >= {*picture_bounds._MOST_MEGAPIXELS, "WEBP"}


@pytest.mark.parametrize(
    "name", [name for name in LARGEST if "beside" in name or "a long file" in name]
)
def test_more_bytes_than_a_format_needs_are_refused(name, monkeypatch):
    content = BytesIO(LARGEST[name](10_000))
    assert min(open_rgb(content).size) >= 50
    for bound in ("_MOST_BYTES", "_MOST_OF_WHOLE", "_MOST_OF_HEIC", "_MOST_BESIDE"):
        monkeypatch.setattr(picture_bounds, bound, getattr(picture_bounds, bound) * 7 // 8)
    with pytest.raises(Image.DecompressionBombError, match="at most .* MB.*, found .*: save "):
        open_rgb(content)
