"""Boxes: where in a picture a hand is, and what is cut out there.

A box is (x, y, half): the centre of a square, from -1 to 1 across a square picture, and half its
side in the same unit. (0, 0, 1) is the whole picture.
"""

from collections.abc import Sequence

from PIL import Image

MARGIN = 1.1  # side of a crop, in sides of the box: a finder is never exact


def square(image: Image.Image, size: int) -> Image.Image:
    """Returns a picture shrunk or grown to fit a black square of `size` pixels, centred."""
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    fitted = image.resize((width, height), Image.Resampling.BILINEAR)
    if width == height:
        return fitted
    framed = Image.new("RGB", (size, size))
    framed.paste(fitted, ((size - width) // 2, (size - height) // 2))
    return framed


def crop(image: Image.Image, box: Sequence[float], size: int) -> Image.Image:
    """Cuts out a box, with a margin, as `size` pixels squared; black beyond the picture's edges.

    Args:
        image: of any shape.
        box: (x, y, half), in the square that `square` makes of it.
        size: side of the crop, in pixels.
    """
    x, y, half = box
    unit = max(image.size) / 2
    left, top = image.width / 2 + x * unit, image.height / 2 + y * unit
    reach = max(1.0, half * MARGIN * unit)
    edges = (left - reach, top - reach, left + reach, top + reach)
    cut = image.crop(tuple(round(edge) for edge in edges))
    return cut.resize((size, size), Image.Resampling.BILINEAR)
