import os
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
    with pytest.raises(OSError, match="not a PNG, JPEG, WebP"):
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


def test_of_a_large_heic_only_some_pixels_are_kept(tmp_path, monkeypatch):
    shades = Image.fromarray(np.arange(60 * 40, dtype=np.uint16).reshape(40, 60) % 251).convert("L")
    whole = np.asarray(shades.convert("RGB"))
    loaded = []

    class Opened(PngImagePlugin.PngImageFile):
        format = "HEIF"

        def load(self):
            loaded.append(self)
            return super().load()

    def opened(file, name=None):
        content = BytesIO()
        Image.fromarray(whole).save(content, "png")
        content.seek(0)
        return Opened(content)

    class File(list):
        primary_index = 1

    class Package:
        @staticmethod
        def open_heif(file):
            assert file.read(12)[4:] == b"ftypheic"
            return File([None, whole])

    monkeypatch.setitem(sys.modules, "pillow_heif", Package)
    monkeypatch.setattr(decoding, "_open", opened)
    monkeypatch.setattr(decoding, "_KEPT", 300)
    (tmp_path / "photo.heic").write_bytes(HEIC)
    found = np.asarray(open_rgb(tmp_path / "photo.heic"))
    assert not loaded and (found == whole[1::3, 1::3]).all() and found.shape == (13, 20, 3)
    monkeypatch.setattr(decoding, "_KEPT", 60 * 40)
    assert (np.asarray(open_rgb(tmp_path / "photo.heic")) == whole).all() and loaded


def test_a_real_heic_is_shrunk_and_stays_upright(tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    image = Image.new("RGB", (64, 48))
    image.paste((255, 255, 255), (0, 0, 64, 24))  # light on top
    heif.from_pillow(image).save(tmp_path / "photo.heic", quality=90)
    whole = np.asarray(open_rgb(tmp_path / "photo.heic"))
    monkeypatch.setattr(decoding, "_KEPT", 800)
    shrunk = np.asarray(open_rgb(tmp_path / "photo.heic"))
    assert whole.shape == (48, 64, 3) and shrunk.shape == (24, 32, 3)
    np.testing.assert_allclose(shrunk, whole[1::2, 1::2], atol=2)


@pytest.mark.parametrize(("size", "part"), [(None, 4), (192, 8)])
def test_a_phones_200_megapixels_are_decoded_at_a_part_of_their_sides(size, part, tmp_path):
    Image.new("L", (16_320, 12_240)).save(tmp_path / "photo.jpg", quality=10)
    assert open_rgb(tmp_path / "photo.jpg", size=size).size == (16_320 // part, 12_240 // part)


# --- files that do harm --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1", "I;16"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_large_pictures_are_shrunk_and_stay_upright(mode, suffix, tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "_KEPT", 300)
    monkeypatch.setattr(decoding, "_KEPT_WITH_SIZE", 300)
    image = Image.new("L", (60, 40))
    image.paste(255, (0, 0, 60, 20))  # light on top as stored
    image = image.convert("I").point(lambda v: v * 256) if mode == "I;16" else image
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn 90° clockwise to see it upright"
    path = tmp_path / f"image.{suffix}"
    image.convert(mode).save(path, exif=exif)
    for size, sides in ((None, (13, 20)), (15, (20, 30)), (30, (40, 60))):
        upright = open_rgb(path, size=size)
        assert upright.size == sides and upright.mode == "RGB"
        assert np.asarray(upright)[:, -1].min() > 240 and np.asarray(upright)[:, 0].max() < 10


def test_large_pictures_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    Image.new("RGB", (20, 20)).save(tmp_path / "image.png")
    monkeypatch.setattr(decoding, "_BIG", 399)
    seen = []
    load = decoding._loaded

    def loaded(*arguments):
        seen.append(decoding._one_big_picture.locked())
        return load(*arguments)

    monkeypatch.setattr(decoding, "_loaded", loaded)
    open_rgb(tmp_path / "image.png")
    monkeypatch.setattr(decoding, "_BIG", 400)
    open_rgb(tmp_path / "image.png")
    assert seen == [True, False]


def test_what_is_no_file_is_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    os.mkfifo(tmp_path / "photo.jpg")
    with pytest.raises(OSError, match="expected a file"):
        open_rgb(tmp_path / "photo.jpg")


def test_a_file_that_vanishes_while_others_are_decoded_is_reported(tmp_path):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    (tmp_path / "c.png").touch()
    files = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    images, unreadable = decoding.decode_all(files, 4, progress=False)
    assert len(images) == 1 and unreadable[files[1]].startswith("FileNotFoundError")
    assert unreadable[files[2]] == "empty file"


@pytest.mark.parametrize("size", [1, 5])
def test_images_come_in_the_order_of_files_whatever_cannot_be_read(size, tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(75)]
    for number, path in enumerate(files):
        if number % 3 or number < 20:
            Image.new("RGB", (8, 8), (number, 0, 255 - number)).save(path)
    images, unreadable = decoding.decode_all(files, size, progress=False)
    missing = [path for number, path in enumerate(files) if not (number % 3 or number < 20)]
    assert list(unreadable) == missing and len(images) == 75 - len(missing)
    read = [number for number in range(75) if number % 3 or number < 20]
    assert images[:, 0, 0, 0].tolist() == read and images[:, 1].max() == 0
    assert images[:, 2, -1, -1].tolist() == [255 - number for number in read]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hand 1_é手👋.png", "hand 1_é手👋.png"),
        ("\x1b[2Jx\n.png", r"\x1b[2Jx\n.png"),
        ("a\u202eb\u2028\udc80", r"a\u202eb\u2028\udc80"),
        ("at 3.00\u202fPM", "at 3.00\u202fPM"),  # macOS names screenshots so
    ],
)
def test_names_are_shown_without_what_a_terminal_obeys(name, words):
    assert decoding.shown(name) == words


def test_an_image_becomes_the_input_of_models():
    image = Image.new("RGB", (90, 60), (255, 255, 255))
    mean, std = np.array(decoding.IMAGENET_MEAN), np.array(decoding.IMAGENET_STD)
    tensor = decoding.standard_input(image, 4)
    assert tensor.shape == (3, 4, 4)
    np.testing.assert_allclose(tensor.mean(dim=(1, 2)), (1 - mean) / std, rtol=1e-5)
