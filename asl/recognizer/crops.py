"""From any picture a user may have to the pixels that the recogniser's networks read.

A box says where the hand is: (x, y, half) are the centre of a square, from -1 to 1 across a square
picture, and half its side in the same unit. (0, 0, 1) is the whole picture.
"""

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from asl.decoding import open_rgb, shown, upright_rgb

FRAME = 192  # pixels a side; a JPEG is not decoded at a smaller scale
LONGEST = 1024  # pixels, the longer side of what is kept of a picture
MARGIN = 1.1  # side of a crop in sides of the box, since a finder is never exact

Picture = str | os.PathLike | Image.Image | np.ndarray | Tensor


def square(image: Image.Image, size: int) -> Image.Image:
    """Returns a picture shrunk or grown to fit a black square of `size` pixels, centred."""
    return ImageOps.pad(image, (size, size), Image.Resampling.BILINEAR)


def crop(image: Image.Image, box: Sequence[float], size: int) -> Image.Image:
    """Cuts out a box with a margin. What lies beyond the picture's edges is black.

    Args:
        image: of any shape.
        box: (x, y, half), in the square that `square` makes of the image.
        size: side of the crop, in pixels.

    Returns:
        An image of `size` by `size` pixels.
    """
    x, y, half = box
    unit = max(image.size) / 2
    left, top = image.width / 2 + x * unit, image.height / 2 + y * unit
    reach = max(1.0, half * MARGIN * unit)
    edges = (left - reach, top - reach, left + reach, top + reach)
    left, top, right, bottom = (round(edge) for edge in edges)
    cut = image.crop((left, top, right, bottom))
    return cut.resize((size, size), Image.Resampling.BILINEAR)


def small_frame(image: Picture) -> Image.Image:
    """Returns any picture as `to_frame` does, shrunk to at most `LONGEST` pixels a side."""
    frame = to_frame(image)  # a new image, whatever was given
    frame.thumbnail((LONGEST, LONGEST), Image.Resampling.BILINEAR)
    return frame


def to_frame(image: Picture, size: int | None = FRAME) -> Image.Image:
    """Returns any picture as upright RGB.

    Args:
        image: a path, a PIL image, an array (H, W), (H, W, 3) or (H, W, 4), or a tensor (3, H, W)
            or (1, H, W): uint8, or float from 0 to 1. Channels are RGB; OpenCV's arrays are BGR:
            ``frame[..., ::-1]`` turns them.
        size: as in `asl.decoding.open_rgb`.

    Raises:
        OSError: if a path cannot be read as an image.
        ValueError: if a picture is not as described.
    """
    if isinstance(image, str | os.PathLike):
        try:
            return open_rgb(image, size=size)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"expected a picture at '{shown(image)}', found no such file"
            ) from None
        except Exception as error:  # a damaged file can make a decoder raise nearly anything
            raise OSError(f"cannot read '{shown(image)}' as an image: {shown(error)}") from error
    if isinstance(image, Image.Image):
        return upright_rgb(image)
    if isinstance(image, Tensor):
        if image.ndim != 3 or image.shape[0] not in (1, 3):
            raise ValueError(
                f"expected a tensor (3, H, W) or (1, H, W), found {tuple(image.shape)}"
            )
        image = image.detach().cpu().permute(1, 2, 0).numpy()
        image = image[..., 0] if image.shape[2] == 1 else image
    return upright_rgb(Image.fromarray(_to_bytes(image)))


def _to_bytes(array: np.ndarray) -> np.ndarray:
    """Checks an array (H, W), (H, W, 3) or (H, W, 4), and scales floats from 0-1 to 0-255."""
    if not isinstance(array, np.ndarray):
        raise ValueError(
            f"expected a path, a PIL image, an array or a tensor, found {type(array).__name__}"
        )
    if (
        array.ndim not in (2, 3)
        or (array.ndim == 3 and array.shape[2] not in (3, 4))
        or 0 in array.shape
    ):
        raise ValueError(
            f"expected an array (H, W), (H, W, 3) or (H, W, 4) of at least one pixel, found "
            f"{array.shape}"
        )
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"expected uint8, or floats from 0 to 1, found {array.dtype}")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # also catches nan
        raise ValueError(
            f"expected floats from 0 to 1, found {low:.3g} to {high:.3g}; a normalised image is "
            "turned back by asl.denormalize"
        )
    return np.ascontiguousarray((array * 255).round().astype(np.uint8))
