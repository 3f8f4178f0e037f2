"""What light and camera do to a picture: exposure, blur, noise, lossy compression, cut-off sides.

These are steps of `asl.augment`, on pictures from 0 to 1, (N, 3, H, W).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from asl.augmentation.random_draws import Draw, change_some, coordinates

_JPEG_BLOCK = 8


def relight(pixels: Tensor, draw: Draw) -> Tensor:
    """Changes exposure, its fall-off across the picture, white balance, gamma and saturation."""
    y, x = coordinates(pixels)
    angle = draw.uniform(0, 2 * math.pi)
    fall = 1 + draw.around(0, 0, 0.45) * (x * angle.cos() + y * angle.sin())
    pixels = (pixels * fall * draw.factor(1.5) * draw.factor(1.15, 3)).clamp(1e-4, 1)
    pixels = pixels ** draw.factor(1.5)
    grey = pixels.mean(dim=1, keepdim=True)
    return (grey + draw.around(1, 0.6, 0.4) * (pixels - grey)).clamp(0, 1)


def degrade(pixels: Tensor, draw: Draw) -> Tensor:
    """Blurs or sharpens, adds noise and loses detail as JPEG does, each in some pictures."""
    # Above 0 the picture is softened, below 0 sharpened.
    pixels = torch.lerp(pixels, _blur(pixels), draw.around(0, 0.4, 1.0))
    noise = draw.normal(3, *pixels.shape[2:])
    pixels = pixels + draw.chance(0.5) * draw.around(0, 0, 0.06) * noise
    coarseness, some = draw.uniform(0.01, 0.12), draw.chance(0.3).flatten()
    return change_some(pixels, some, _jpeg, coarseness)


def _blur(pixels: Tensor) -> Tensor:
    """Returns the means of nine neighbours, twice: the weights along a line are 1 2 3 2 1."""
    x = F.pad(pixels, (2, 2, 2, 2), mode="replicate")
    for _ in range(2):
        x = x[..., :-2] + x[..., 1:-1] + x[..., 2:]
        x = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    return x / 81


def _jpeg(pixels: Tensor, coarseness: Tensor) -> Tensor:
    """Rounds the cosine transform of blocks, higher frequencies more coarsely.

    Args:
        pixels: (N, 3, H, W)
        coarseness: rounding step of the lowest frequency, (N, 1, 1, 1).
    """
    height, width = pixels.shape[2:]
    pad = (0, -width % _JPEG_BLOCK, 0, -height % _JPEG_BLOCK)
    blocks = F.pad(pixels, pad, mode="replicate")
    n, c, h, w = blocks.shape
    # (N, 3, H, W) → (N, 3, H/8, W/8, 8, 8)
    blocks = blocks.unfold(2, _JPEG_BLOCK, _JPEG_BLOCK).unfold(3, _JPEG_BLOCK, _JPEG_BLOCK)
    k = torch.arange(_JPEG_BLOCK, device=pixels.device, dtype=pixels.dtype)
    cosines = (math.pi / _JPEG_BLOCK * torch.outer(k, k + 0.5)).cos() * (2 / _JPEG_BLOCK) ** 0.5
    cosines[0] /= 2**0.5
    step = coarseness.reshape(-1, 1, 1, 1, 1, 1) * (1 + k + k.view(-1, 1)) / 2
    frequencies = (cosines @ blocks @ cosines.T / step).round() * step
    blocks = cosines.T @ frequencies @ cosines
    return blocks.permute(0, 1, 2, 4, 3, 5).reshape(n, c, h, w)[..., :height, :width]


def cut_off(pixels: Tensor, draw: Draw) -> Tensor:
    """Blackens one side in eight to some depth, as where a crop reaches beyond a photograph."""
    y, x = coordinates(pixels)
    for side in (x, -x, y, -y):
        pixels = pixels * ~((side > draw.uniform(0.5, 1)) & draw.chance(1 / 8))
    return pixels
