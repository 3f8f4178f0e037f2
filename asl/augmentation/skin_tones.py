"""Gives hands another skin tone, without changing light and shade."""

import torch
from torch import Tensor

from asl.augmentation.random_draws import Draw
from asl.signs import MONK_TONES


def tint_skin(pixels: Tensor, mask: Tensor, draw: Draw) -> Tensor:
    """Changes the contrast of all hands, and the colour of two in three to a Monk tone."""
    tones = torch.tensor(MONK_TONES).to(pixels.device, non_blocking=True) / 255  # (10, 3)
    place = draw.uniform(0, len(tones) - 1).flatten()
    low = place.long().clamp(max=len(tones) - 2)
    tone = torch.lerp(tones[low], tones[low + 1], (place - low).unsqueeze(1))[..., None, None]
    mean = _mean_colour(pixels, mask)
    contrasted = (mean + (pixels - mean) * draw.factor(1.7)) * (mask > 0)  # of light and shade
    # A hand is darker than its tone on a chart in the shade, and lighter in the sun.
    tinted = recolour(contrasted, mask, tone * draw.uniform(0.6, 1.1))
    return torch.where(draw.chance(2 / 3), tinted, contrasted.clamp(0, 1))


def recolour(pixels: Tensor, mask: Tensor, colour: Tensor) -> Tensor:
    """Gives hands a mean colour, (N, 3, 1, 1) from 0 to 1, without changing light and shade."""
    ratio = (colour / _mean_colour(pixels, mask).clamp(min=0.05)).clamp(0.1, 2.5)
    return (pixels * ratio).clamp(0, 1)


def _mean_colour(pixels: Tensor, mask: Tensor) -> Tensor:
    area = mask.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    return (pixels * mask).sum(dim=(2, 3), keepdim=True) / area
