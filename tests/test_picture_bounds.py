from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from asl import picture_bounds
from asl.decoding import open_rgb
from asl.picture_bounds import check_bounds


def test_too_many_pixels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(picture_bounds._MOST_MEGAPIXELS, "PNG", 64e-6)
    Image.new("RGB", (16, 4)).save(tmp_path / "image.png")
    assert open_rgb(tmp_path / "image.png").size == (16, 4)
    Image.new("RGB", (13, 5)).save(tmp_path / "image.png")
    with pytest.raises(Image.DecompressionBombError, match="13x5 pixels, more than 6.4e-05 meg"):
        open_rgb(tmp_path / "image.png")


@pytest.mark.parametrize(
    ("change", "most"),
    [
        ({}, 50),
        ({"bit_depth": 10}, 25),
        ({"bit_depth": 10, "chroma": 444}, 18),
        ({"bit_depth": 10, "mode": "RGBA"}, 18),
        ({"chroma": 444}, 25),
        ({"mode": "RGBA"}, 25),
        ({"format": "AVIF"}, 25),
        ({"format": "AVIF", "mode": "RGBA"}, 20),
    ],
)
def test_heic_may_be_as_large_as_phones_write_it_and_avif_is_bounded_more(change, most):
    as_written = {"format": "HEIF", "mode": "RGB", "bit_depth": 8, "chroma": 420} | change
    for megapixels in (18, 19, 20, 21, 25, 26, 50, 51):
        image = SimpleNamespace(size=(1000 * megapixels, 1000), info=as_written, **as_written)
        if megapixels <= most:
            assert check_bounds(image, BytesIO()) == 0
        else:
            with pytest.raises(Image.DecompressionBombError, match=f"more than {most} megapixels"):
                check_bounds(image, BytesIO())


@pytest.mark.parametrize(
    ("sides", "read"), [((500, 5), True), ((501, 5), False), ((1, 101), False)]
)
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_long_strips_are_refused(sides, read, suffix, tmp_path):
    path = tmp_path / f"strip.{suffix}"
    Image.new("RGB", sides).save(path)
    if read:
        assert open_rgb(path).size == sides
    else:
        with pytest.raises(OSError, match="more than 100 times as long as wide"):
            open_rgb(path)


def _with_more_scans(more):
    """Returns a progressive JPEG of ten scans whose last scan is repeated."""
    file = BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(noise).save(file, "jpeg", progressive=True)
    content, last = file.getvalue(), file.getvalue().rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * more + content[-2:]


def test_a_jpeg_of_very_many_scans_is_refused():
    assert picture_bounds.count_scans(BytesIO(_with_more_scans(0))) == 10
    assert open_rgb(BytesIO(_with_more_scans(90))).size == (16, 16)
    with pytest.raises(OSError, match="a JPEG of more than 100 scans"):
        open_rgb(BytesIO(_with_more_scans(91)))


def test_what_is_no_scan_is_not_counted():
    scan = b"\xff\xda"
    content = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = scan.decode("latin1") * 200  # in a segment, as a preview's scan is
    Image.new("RGB", (16, 16)).save(content, "jpeg", exif=exif, comment=scan * 200)
    behind = content.getvalue() + b"\0\2" + scan * 200  # where phones put films
    assert picture_bounds.count_scans(BytesIO(behind)) == 1
    assert open_rgb(BytesIO(behind)).size == (16, 16)


def test_many_pixels_in_many_scans_are_refused(monkeypatch):
    content = _with_more_scans(0)
    coefficients = 16 * 16 * 1.5  # colours are stored at half the sides
    for name, least in (("_MOST_COEFFICIENTS", coefficients), ("_MOST_SCANNED", 10 * coefficients)):
        with monkeypatch.context() as patch:
            patch.setattr(picture_bounds, name, least)
            assert open_rgb(BytesIO(content)).size == (16, 16)
            patch.setattr(picture_bounds, name, least - 1)
            with pytest.raises(Image.DecompressionBombError, match="16x16 pixels in 10 scans"):
                open_rgb(BytesIO(content))
