from io import BytesIO
from types import SimpleNamespace
from zlib import compress, crc32

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
        ({"bit_depth": 10, "chroma": 444}, 17),
        ({"bit_depth": 10, "mode": "RGBA"}, 17),
        ({"chroma": 444}, 25),
        ({"mode": "RGBA"}, 25),
        ({"format": "AVIF"}, 25),
        ({"format": "AVIF", "mode": "RGBA"}, 20),
    ],
)
def test_heic_may_be_as_large_as_phones_write_it_and_avif_is_bounded_more(change, most):
    as_written = {"format": "HEIF", "mode": "RGB", "bit_depth": 8, "chroma": 420} | change
    for megapixels in (17, 18, 19, 20, 21, 25, 26, 50, 51):
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


def _in_parts(parts):
    """Returns a PNG of more than 1 MB, whose pixels follow many empty chunks of pixels."""
    file = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)).save(
        file, "png"
    )
    content, empty = file.getvalue(), _chunk(b"IDAT", 0)
    return BytesIO(content[:33] + parts * empty + content[33:])


def _chunk(kind, length, content=b""):
    """Returns a part of a PNG."""
    length = length or len(content)
    content = kind + content.ljust(length, b"\0")
    return length.to_bytes(4) + content + crc32(content).to_bytes(4)


def test_little_may_lie_behind_the_pixels_of_a_png():
    content = _in_parts(0).getvalue()
    for length in (7_900_000, 8_000_000):
        file = BytesIO(content[:-12] + _chunk(b"prVt", length) + content[-12:])
        if length < 8_000_000:
            assert open_rgb(file).size == (700, 700)
        else:
            with pytest.raises(Image.DecompressionBombError, match="at most 8 MB beside the pix"):
                open_rgb(file)


def test_a_picture_in_very_many_parts_is_refused(monkeypatch):
    monkeypatch.setattr(picture_bounds, "_MOST_READS", 5_000)
    assert open_rgb(_in_parts(1_000)).size == (700, 700)
    with pytest.raises(Image.DecompressionBombError, match="at most 5,000 parts, found more"):
        open_rgb(_in_parts(5_000))


@pytest.mark.parametrize(("before", "behind"), [(9, 0), (0, 9)])
def test_texts_of_a_png_may_not_unpack_to_much(before, behind):
    content = _in_parts(0).getvalue()
    texts = [
        _chunk(b"zTXt", 0, f"{i}\0\0".encode("latin1") + compress(bytes(1_000_000)))
        for i in range(9)
    ]
    file = content[:33] + b"".join(texts[:before]) + content[33:-12] + b"".join(texts[:behind])
    with pytest.raises(
        (Image.DecompressionBombError, OSError), match="texts beside|Too much memory"
    ):
        open_rgb(BytesIO(file + content[-12:]))


@pytest.mark.parametrize("last", [0, 1])
def test_a_file_is_bounded_in_all_its_bytes(last, monkeypatch):
    content = _in_parts(0)
    size = len(content.getvalue())
    monkeypatch.setattr(picture_bounds, "_MOST_BYTES", size - last)
    if not last:
        assert open_rgb(content).size == (700, 700)
    else:
        with pytest.raises(Image.DecompressionBombError, match="at most 1 MB, found 1 MB: save"):
            open_rgb(content)


@pytest.mark.parametrize(("compression", "read"), [("raw", True), ("tiff_lzw", False)])
def test_a_tiff_that_libtiff_would_keep_twice_is_bounded_more(compression, read, monkeypatch):
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "tiff", compression=compression)
    monkeypatch.setattr(picture_bounds, "_MOST_OF_PACKED_TIFF", 64 * 64 * 7)
    if read:
        assert open_rgb(file).size == (64, 64)
    else:
        with pytest.raises(
            Image.DecompressionBombError, match="a compressed TIFF: save it without"
        ):
            open_rgb(file)
