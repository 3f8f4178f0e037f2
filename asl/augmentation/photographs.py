"""Random changes to photographs of hands before real backgrounds, which cannot be taken apart.

They get the steps of `asl.augment` that need no mask of the hand.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from asl.augmentation.backgrounds import draw_backgrounds, occlude
from asl.augmentation.camera import cut_off, degrade, relight
from asl.augmentation.random_draws import Draw, counts_freely, matrix

AROUND = 2.0  # side of a photograph in sides of the hand in its middle
_UPRIGHT = 15.0  # degrees by which most hands are turned at most


def crop_photographs(
    photographs: Tensor,
    generator: Generator,
    size: int,
    *,
    strength: float,
    windows: tuple[float, float],
    shift: float,
    tilt: float,
) -> Tensor:
    """Cuts a hand out of each photograph, turned and moved, and changes light and quality.

    Args:
        photographs: uint8 (N, 3, P, P), of `AROUND` sides of the hand.
        generator: draws all numbers.
        size: side S of the crops, in pixels.
        strength: of the changes to light and quality, as in `asl.augment`.
        windows: smallest and largest side of a crop, in sides of the hand.
        shift: how far a hand lies from the middle of its crop at most, in halves of the crop.
        tilt: how far two hands in five are turned at most, in degrees; the others by 15.

    Returns:
        float (N, 3, S, S), from 0 to 1. Half of the hands are mirrored.
    """
    count = len(photographs)
    draw, full = Draw(count, generator, strength), Draw(count, generator)
    most = torch.where(full.chance(0.4), tilt, _UPRIGHT)
    angle = full.uniform(-1, 1) * most * (math.pi / 180)
    smallest, largest = (math.log(window) for window in windows)
    side = full.uniform(smallest, largest).exp() / AROUND
    stretch, mirror = draw.factor(1.15), 1 - 2 * full.chance(0.5).float()
    cos, sin = angle.cos(), angle.sin()
    wide, high = mirror * side * stretch, side / stretch
    linear = matrix(wide * cos, -wide * sin, high * sin, high * cos)
    middle = shift * torch.cat([full.uniform(-1, 1), full.uniform(-1, 1)], dim=1).flatten(1)
    theta = torch.cat([linear, -linear @ middle.unsqueeze(2)], dim=2)
    grid = F.affine_grid(theta, [count, 3, size, size], align_corners=False)
    pixels = photographs.float() / 255
    crops = F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    return cut_off(degrade(relight(occlude(crops, draw), draw), draw).clamp(0, 1), draw)


def nothing_to_read(
    pictures: Tensor, generator: Generator, strength: float, photographs: Tensor
) -> Tensor:
    """Makes as many pictures that show no hand shape: half are backgrounds, half shuffled tiles.

    Args:
        pictures: float (N, 3, S, S), from 0 to 1; their tiles are shuffled.
        generator: draws all numbers.
        strength: of changes to light and quality, as in `asl.augment`.
        photographs: as in `asl.augment`.

    Returns:
        float (N, 3, S, S), from 0 to 1.
    """
    half = len(pictures) // 2
    draw = Draw(half, generator, strength)
    empty = draw_backgrounds(pictures[:half], Draw(half, generator), photographs)
    empty = degrade(relight(empty, draw), draw).clamp(0, 1)
    return torch.cat([empty, _shuffled_tiles(pictures[half:], generator)])


def _shuffled_tiles(pictures: Tensor, generator: Generator) -> Tensor:
    """Cuts pictures into 2x2 or 4x4 tiles and puts these together in another order."""
    coarse = torch.rand((), generator=generator, device=generator.device) < 0.5
    if counts_freely(generator.device):
        return _shuffled(pictures, 2 if coarse else 4, generator)
    halves, quarters = (_shuffled(pictures, across, generator) for across in (2, 4))
    return torch.where(coarse, halves, quarters)


def _shuffled(pictures: Tensor, across: int, generator: Generator) -> Tensor:
    count, _, side, _ = pictures.shape
    device, tile = generator.device, side // across
    tiles = pictures.unfold(2, tile, tile).unfold(3, tile, tile)[:, :, :across, :across]
    tiles = tiles.flatten(2, 3)  # (N, 3, across², tile, tile)
    order = torch.rand(count, across**2, generator=generator, device=device).argsort(dim=1)
    unchanged = (order == torch.arange(across**2, device=device)).all(dim=1, keepdim=True)
    order = torch.where(unchanged, order.roll(1, dims=1), order)
    tiles = tiles.gather(2, order.view(count, 1, -1, 1, 1).expand_as(tiles))
    rows = tiles.unflatten(2, (across, across)).transpose(3, 4)  # (N, 3, row, y, column, x)
    joined = rows.reshape(count, 3, across * tile, across * tile)
    return F.interpolate(joined, (side, side), mode="bilinear")
