import struct

import pytest

from asl.live.frames import read_frame


def test_a_frame_is_decoded_as_it_is(jpeg):
    pixels = read_frame(jpeg(64, 48, (200, 100, 50)))
    assert pixels.shape == (48, 64, 3)
    assert (pixels.float().mean(dim=(0, 1)) - pixels.new_tensor([200, 100, 50])).abs().max() < 3
    assert read_frame(jpeg(1900, 1000)).shape == (500, 950, 3)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "BMP"])
def test_no_other_format_is_opened(format, jpeg):
    with pytest.raises(ValueError, match="expected a JPEG, found something else"):
        read_frame(jpeg(format=format))


def test_damaged_frames_are_refused(jpeg):
    whole = jpeg()
    for content in (whole[:200], whole[:3], b"\xff\xd8\xff" + bytes(5000), b""):
        with pytest.raises(ValueError, match="expected a"):
            read_frame(content)


def test_a_small_file_of_many_pixels_is_refused_before_it_is_decoded(jpeg):
    whole = jpeg(64, 48)
    sides = whole.index(b"\xff\xc0") + 5
    bomb = whole[:sides] + struct.pack(">HH", 60000, 60000) + whole[sides + 4 :]
    with pytest.raises(ValueError, match=r"at most 4,000,000 pixels, found 60000x60000"):
        read_frame(bomb)
