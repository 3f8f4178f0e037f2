import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

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


# --- files that people have ----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "jpg", "jfif", "webp", "bmp", "tif", "tiff", "avif"])
def test_files_that_people_have_are_read_alike(suffix, tmp_path):
    image = Image.new("RGB", (64, 48), (200, 100, 50))
    path = tmp_path / f"image.{suffix}"
    image.save(path, "jpeg" if suffix == "jfif" else None)
    assert path.suffix in decoding.IMAGE_SUFFIXES
    np.testing.assert_allclose(np.asarray(open_rgb(path)), np.asarray(image), atol=3)
    with open(path, "rb") as file:
        assert open_rgb(file, size=8).size >= (8, 8)


def test_the_content_decides_not_the_name(tmp_path):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "image.jpg", "png")
    assert np.asarray(open_rgb(tmp_path / "image.jpg"))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\xff\xd8\xff nothing", b""]
)
def test_other_formats_are_refused_whatever_their_name(content, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(OSError, match="no PNG, JPEG, WebP"):
        open_rgb(tmp_path / "photo.jpg")


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_heic_without_its_package_is_named_with_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "find_spec", lambda name: None)
    decoding._reads_heif.cache_clear()
    (tmp_path / "photo.jpg").write_bytes(HEIC)  # as an iPhone's file is often named
    with pytest.raises(OSError, match="HEIC picture.*pip install pillow-heif"):
        open_rgb(tmp_path / "photo.jpg")
    decoding._reads_heif.cache_clear()


def test_heic_is_read_where_its_package_is_installed(tmp_path, monkeypatch):
    red = BytesIO()
    Image.new("RGB", (8, 8), "red").save(red, "png")

    def read(file, name):
        file.close()
        return PngImagePlugin.PngImageFile(BytesIO(red.getvalue()))

    class Package:
        @staticmethod
        def register_heif_opener():
            Image.register_open("HEIF", read, lambda start: start[4:12] == b"ftypheic")

    monkeypatch.setattr(decoding, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "pillow_heif", Package)
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    decoding._reads_heif.cache_clear()
    (tmp_path / "photo.heic").write_bytes(HEIC)
    assert np.asarray(open_rgb(tmp_path / "photo.heic"))[0, 0].tolist() == [255, 0, 0]
    decoding._reads_heif.cache_clear()


@pytest.mark.parametrize("size", [None, 192])
def test_a_phones_200_megapixels_are_decoded_at_an_eighth(size, tmp_path):
    Image.new("L", (16_320, 12_240)).save(tmp_path / "photo.jpg", quality=10)
    assert open_rgb(tmp_path / "photo.jpg", size=size).size == (2040, 1530)


def test_an_image_becomes_the_input_of_models():
    image = Image.new("RGB", (90, 60), (255, 255, 255))
    mean, std = np.array(decoding.IMAGENET_MEAN), np.array(decoding.IMAGENET_STD)
    tensor = decoding.standard_input(image, 4)
    assert tensor.shape == (3, 4, 4)
    np.testing.assert_allclose(tensor.mean(dim=(1, 2)), (1 - mean) / std, rtol=1e-5)
