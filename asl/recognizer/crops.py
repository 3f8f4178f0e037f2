"""Turns any picture a user may have into the pixels that the recogniser's networks read.

`to_pixels` and `cut` do this; `to_frame` is shared with other networks.

A box says where the hand is: (x, y, half) are the centre of a square, from -1 to 1 across a square
picture, and half its side in the same unit. (0, 0, 1) is the whole picture.
"""

import os
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from asl.decoding import open_rgb, shown, upright_rgb
from asl.recognizer.pyramid import HALVINGS, Pyramid

FRAME = 192  # pixels a side; a JPEG is not decoded at a smaller scale
LONGEST = 1024  # pixels, the longer side of what is kept of a picture
_SHARPER = 0.5  # halvings fewer than would use every pixel: it reads strangers' letters better
NEAR, WIDE = 1.0, 1.25  # sides of the two crops in sides of the box: a finder is never exact

_HALF = (0.03, 1.0)  # smallest and largest box: no hand is larger than its picture

Picture = str | os.PathLike | Image.Image | np.ndarray | Tensor


def cut(picture: Pyramid, place: Tensor, size: int, *, margin: float = WIDE) -> Tensor:
    """Cuts a square with a margin out of a picture, turns it upright, and shrinks or enlarges it.

    The edges lie where the place says, between pixels if need be. Each new pixel is a weighted mean
    of the old ones around it: of the nearest four where the picture is enlarged; where it is
    shrunk, of the nearest four in each of two copies, halved so often that the pixels are about as
    large as the new ones. What lies beyond the picture is black.

    Args:
        picture: H × W pixels.
        place: float (3,) or (4,): x, y and half, in the square that holds the picture in its
            middle, and the angle by which the square is turned, in radians, clockwise as it is
            seen.
        size: side S of the crop, in pixels.
        margin: side of the crop in sides of the square.

    Returns:
        float (3, S, S), from 0 to 255.
    """
    height, width = picture.frame.shape[:2]
    x, y, reach = window(place, height, width, margin)
    line = reach * ((torch.arange(size, device=place.device) + 0.5) * (2 / size) - 1)
    across, down = line.expand(size, size), line.unsqueeze(1).expand(size, size)
    if len(place) == 4:
        cos, sin = place[3].cos(), place[3].sin()
        across, down = cos * across - sin * down, sin * across + cos * down
    halvings = ((2 * reach / size).log2() - _SHARPER).clamp(0, HALVINGS)
    return picture.sample(across + x, down + y, halvings)


def window(place: Tensor, height: int, width: int, margin: float) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the middle (x, y) of what is cut out for a place, and half its side, in pixels."""
    # `max` becomes the smaller one inside of an exported `torch.cond` (torch 2.14).
    unit = cast(float, torch.sym_max(height, width)) / 2
    x, y = width / 2 + place[0] * unit, height / 2 + place[1] * unit
    return x, y, (place[2] * margin * unit).clamp(min=1)


def bounded(boxes: Tensor) -> Tensor:
    """Gives boxes (…, 3) a sensible size and a middle in the picture, whatever a network says."""
    boxes = boxes.nan_to_num()
    return torch.cat([boxes[..., :2].clamp(-1, 1), boxes[..., 2:].clamp(*_HALF)], dim=-1)


def to_pixels(image: Picture) -> Tensor:
    """Returns any picture as upright RGB, uint8 (H, W, 3), of at most `LONGEST` pixels a side.

    A larger one is shrunk by whole steps first, which costs least.
    """
    frame = to_frame(image)  # a new image, whatever was given
    if (steps := -(-max(frame.size) // LONGEST)) > 1:
        frame = frame.reduce(steps)
    return torch.from_numpy(np.array(frame))


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
