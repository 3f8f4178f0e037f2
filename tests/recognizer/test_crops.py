"""Boxes in pictures, and what is cut out of them."""

from PIL import Image

from asl.recognizer.crops import crop, square


def test_square_keeps_the_shape_of_what_it_shows():
    framed = square(Image.new("RGB", (200, 100), "white"), 64)
    assert framed.size == (64, 64)
    assert framed.getpixel((0, 32)) == (255, 255, 255) and framed.getpixel((32, 10)) == (0, 0, 0)
    assert framed.getbbox() == (0, 16, 64, 48)
    assert square(Image.new("RGB", (1, 900), "white"), 64).size == (64, 64)  # too thin to show


def test_a_crop_shows_what_the_box_holds():
    image = Image.new("RGB", (200, 100))
    image.paste((255, 0, 0), (140, 10, 180, 50))  # centre (160, 30): 0.6 right, 0.2 up
    cut = crop(image, (0.6, -0.2, 0.2), 44)  # 20 pixels each way, and the margin
    assert cut.size == (44, 44)
    left, top, right, bottom = cut.getchannel("R").point(lambda v: 255 * (v > 127)).getbbox()
    assert (left, top) == (2, 2) and (right, bottom) == (42, 42)
    assert crop(image, (0.9, 0.9, 0.3), 30).getpixel((29, 29)) == (0, 0, 0)  # beyond the edge
    assert crop(image, (0, 0, 1e-9), 30).size == (30, 30)
