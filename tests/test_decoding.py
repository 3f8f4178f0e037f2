import numpy as np
import pytest
from PIL import Image

from asl import decoding
from asl.decoding import open_rgb, upright_rgb

GREY = 100


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("L", GREY, (GREY, GREY, GREY)),
        ("1", 1, (255, 255, 255)),
        ("I;16", GREY * 256, (GREY, GREY, GREY)),
        ("RGBA", (200, 100, 50, 255), (200, 100, 50)),
        ("RGBA", (200, 100, 50, 0), (0, 0, 0)),
        ("LA", (GREY, 0), (0, 0, 0)),
        ("P", 3, None),
        ("CMYK", (0, 255, 255, 0), (254, 0, 0)),
    ],
)
def test_every_mode_becomes_rgb(mode, color, expected, tmp_path):
    path = tmp_path / ("image.jpg" if mode == "CMYK" else "image.png")
    image = Image.new(mode, (16, 16), color)
    if mode == "P":
        image.putpalette([10, 20, 30] * 256)
        expected = (10, 20, 30)
    image.save(path)
    rgb = open_rgb(path)
    assert rgb.mode == "RGB"
    np.testing.assert_allclose(np.asarray(rgb)[8, 8], expected, atol=2 * (mode == "CMYK"))


def test_camera_rotation_is_applied(tmp_path):
    image = Image.new("RGB", (64, 32))
    image.paste((255, 0, 0), (0, 0, 64, 16))  # red on top as stored
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn 90° clockwise to see it upright"
    image.save(tmp_path / "image.jpg", exif=exif, quality=95)
    for size in (None, 8):
        upright = np.asarray(open_rgb(tmp_path / "image.jpg", size=size))
        assert upright.shape[0] == 2 * upright.shape[1]
        right, left = upright[:, -2].mean(axis=0), upright[:, 1].mean(axis=0)
        assert right[0] > 200 and left[0] < 50


def test_32_bit_grey_is_cut_at_black_and_white():
    image = Image.fromarray(np.array([[-5000, 0, 25_600, 70_000]], np.int32))
    assert np.asarray(upright_rgb(image))[0].tolist() == [[0] * 3, [0] * 3, [100] * 3, [255] * 3]


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "image.png", save_all=True, append_images=frames[1:])
    assert np.asarray(open_rgb(tmp_path / "image.png"))[0, 0].tolist() == [255, 0, 0]


def test_a_jpeg_is_decoded_at_a_smaller_scale_on_request_only(tmp_path):
    Image.new("RGB", (128, 64)).save(tmp_path / "image.jpg")
    assert open_rgb(tmp_path / "image.jpg").size == (128, 64)
    assert open_rgb(tmp_path / "image.jpg", size=30).size == (64, 32)


def test_too_many_pixels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "_MOST_PIXELS", 64)
    Image.new("RGB", (16, 4)).save(tmp_path / "image.png")
    assert open_rgb(tmp_path / "image.png").size == (16, 4)
    Image.new("RGB", (13, 5)).save(tmp_path / "image.png")
    with pytest.raises(Image.DecompressionBombError, match="13x5 pixels, more than 64"):
        open_rgb(tmp_path / "image.png")
