"""From any picture a user may have to the pixels that the recogniser's networks read.

`to_pixels` and `cut` are the way; `to_frame` is shared with other networks.

A box says where the hand is: (x, y, half) are the centre of a square, from -1 to 1 across a square
picture, and half its side in the same unit. (0, 0, 1) is the whole picture.
"""

import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from asl.decoding import open_rgb, shown, upright_rgb

FRAME = 192  # pixels a side; a JPEG is not decoded at a smaller scale
LONGEST = 1024  # pixels, the longer side of what is kept of a picture
NEAR, WIDE = 1.0, 1.25  # sides of the two crops in sides of the box: a finder is never exact

Picture = str | os.PathLike | Image.Image | np.ndarray | Tensor


def cut(frame: Tensor, box: Tensor, size: int, *, margin: float = WIDE) -> Tensor:
    """Cuts a box with a margin out of a picture, and shrinks or enlarges it.

    The edges lie where the box says, between pixels if need be, and each new pixel is a weighted
    mean of the old ones around it (a triangle filter, as wide as the picture shrinks: Pillow's
    "bilinear"). What lies beyond the picture is black.

    Args:
        frame: uint8 (H, W, 3).
        box: float (3,): x, y and half, in the square that holds the picture in its middle.
        size: side S of the crop, in pixels.
        margin: side of the crop in sides of the box.

    Returns:
        float (3, S, S), from 0 to 255.
    """
    height, width = frame.shape[:2]
    x, y, reach = window(box, height, width, margin)
    rows, columns = _weights(y, reach, size, height), _weights(x, reach, size, width)
    if not torch.compiler.is_exporting():  # where weights are zero, pixels need not be read
        across, down = (_where_not_zero(weights) for weights in (columns, rows))
        frame, rows, columns = frame[down, across], rows[:, down], columns[:, across]
    return rows @ (frame.permute(2, 0, 1).float() @ columns.T)


def cut_turned(frame: Tensor, place: Tensor, size: int) -> Tensor:
    """Cuts a turned square out of a picture, so that what it holds becomes upright.

    Args:
        frame: uint8 (H, W, 3).
        place: float (4,): x, y and half as in `cut`, and the angle by which the square is turned,
            in radians, clockwise as it is seen.
        size: side S of the crop, in pixels.

    Returns:
        float (3, S, S), from 0 to 255.
    """
    # `cut` shrinks as it should, but only upright. A turned square fits in one 1.41 times as large.
    around = cut(frame, place[:3], math.ceil(size * math.sqrt(2)), margin=math.sqrt(2))
    cos, sin = place[3].cos(), place[3].sin()
    turn = torch.stack([torch.stack([cos, sin]), torch.stack([-sin, cos])]) / math.sqrt(2)
    line = (torch.arange(size, device=frame.device) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    grid = torch.stack([x, y], dim=2) @ turn
    return F.grid_sample(around[None], grid[None], align_corners=False)[0]


def window(box: Tensor, height: int, width: int, margin: float) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the middle (x, y) of what is cut out for a box, and half its side, in pixels."""
    unit = max(height, width) / 2
    x, y = width / 2 + box[0] * unit, height / 2 + box[1] * unit
    return x, y, (box[2] * margin * unit).clamp(min=1)


def _weights(middle: Tensor, reach: Tensor, size: int, length: int) -> Tensor:
    """Returns the weight of each of a line's pixels in each of the new ones, (size, length)."""
    step = 2 * reach / size  # old pixels for each new one
    centres = middle - reach + (torch.arange(size, device=middle.device) + 0.5) * step
    wide = step.clamp(min=1)
    distances = torch.arange(length, device=middle.device) + 0.5 - centres.unsqueeze(1)
    # The sum of the weights, also of those beyond the picture, in closed form: pixels before the
    # centre lie at `before`, `before` + 1 and so on, and likewise after it.
    before = (centres - 0.5) - (centres - 0.5).floor()
    total = _sum_of_weights(before, wide) + _sum_of_weights(1 - before, wide)
    return F.relu(1 - distances.abs() / wide) / total.unsqueeze(1)


def _sum_of_weights(nearest: Tensor, wide: Tensor) -> Tensor:
    """Returns the sum of 1 - d / wide over d = nearest, nearest + 1, … below wide."""
    count = (wide - nearest).floor() + 1
    return count - (count * nearest + count * (count - 1) / 2) / wide


def _where_not_zero(weights: Tensor) -> slice:
    used = weights.any(dim=0).nonzero()
    return slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)


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
