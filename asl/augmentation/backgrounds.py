"""What lies behind a hand and in front of it: drawn and photographed backgrounds, obstacles.

These are steps of `asl.augment`, on pictures from 0 to 1, (N, 3, H, W).
"""

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from asl.augmentation.random_draws import Draw, change_some, coordinates, matrix
from asl.decoding import open_rgb
from asl.files import install_hint
from asl.signs import MONK_TONES

_FACES = 100  # the first ones in scikit-image's file; the others are no faces
_PHOTOGRAPHS = {  # in scikit-image; none is of a hand
    "train": "brick camera chelsea clock_motion coins color grass gravel hubble_deep_field ihc "
    "logo motorcycle_left page rocket",
    "val": "astronaut moon text",
    "test": "cell coffee retina",
}


def draw_backgrounds(like: Tensor, draw: Draw, photographs: Tensor | None = None) -> Tensor:
    """Returns pictures without hands: gradients, textures, clutter, photographs.

    Args:
        like: (N, 3, H, W), whose shape and device to take.
        draw: draws the numbers.
        photographs: uint8 (P, 3, S, S), or None. From another device they are moved each time.
    """
    height, width = like.shape[2:]
    y, x = coordinates(like)
    angle = draw.uniform(0, 2 * math.pi)
    along = x * angle.cos() + y * angle.sin()  # (N, 1, H, W)
    picture = torch.lerp(draw.uniform(0, 1, 3), draw.uniform(0, 1, 3), along / 2.83 + 0.5)
    texture = torch.zeros_like(picture[..., :2, :2])
    for side in (2, 4, 8, 16, 32):  # from coarse to fine
        noise = draw.normal(3, side, side)
        grey = noise.mean(dim=1, keepdim=True)
        strength = draw.uniform(-0.25, 0.25).clamp(min=0)
        noise = strength * torch.lerp(noise, 2 * grey, draw.uniform(0, 1))
        texture = F.interpolate(texture, (side, side), mode="bilinear") + noise
    picture = picture + F.interpolate(texture, (height, width), mode="bilinear")
    waves = (along * draw.uniform(5, 40) + draw.uniform(0, 6)).sin() * draw.uniform(1, 8)
    picture = picture + draw.chance(0.2) * draw.uniform(-0.3, 0.3, 3) * waves.clamp(-1, 1)
    grey = picture.mean(dim=1, keepdim=True)
    picture = torch.lerp(grey, picture, draw.uniform(0, 1))  # few rooms are so colourful
    if photographs is not None:
        picture = _show_windows(picture, draw, photographs, draw.chance(0.5).flatten())
    for _ in range(5):
        picture = torch.where(
            _blob(like, draw, 0.1, 0.9) & draw.chance(0.35), draw.uniform(0, 1, 3), picture
        )
    return picture.clamp(0, 1)


def _show_windows(picture: Tensor, draw: Draw, photographs: Tensor, where: Tensor) -> Tensor:
    """Replaces the pictures at `where`, bool (N,), by turned windows cut out of photographs."""
    which = (draw.uniform(0, 1).flatten() * len(photographs)).long()
    angle, side = draw.uniform(-0.4, 0.4), draw.uniform(0.15, 0.65)
    cos, sin = side * angle.cos(), side * angle.sin()
    centre = draw.uniform(-0.35, 0.35, 2).flatten(1).unsqueeze(2)
    theta = torch.cat([matrix(cos, -sin, sin, cos), centre], dim=2)

    def window(old: Tensor, theta: Tensor, which: Tensor) -> Tensor:
        grid = F.affine_grid(theta, list(old.shape), align_corners=False)
        # Photographs are larger than windows, so only those that are shown become floats.
        chosen = photographs.to(old.device)[which].float() / 255
        return F.grid_sample(chosen, grid, padding_mode="reflection", align_corners=False)

    return change_some(picture, where, window, theta, which)


def _blob(like: Tensor, draw: Draw, smallest: float, largest: float) -> Tensor:
    """Returns where a turned shape, between ellipse and rectangle, lies: bool (N, 1, H, W)."""
    y, x = coordinates(like)
    angle = draw.uniform(0, math.pi)
    dx, dy = x - draw.uniform(-1, 1), y - draw.uniform(-1, 1)
    along = (dx * angle.cos() + dy * angle.sin()).abs() / draw.uniform(smallest, largest)
    across = (dy * angle.cos() - dx * angle.sin()).abs() / draw.uniform(smallest, largest)
    ellipse, rectangle = along * along + across * across, torch.maximum(along, across)
    return torch.lerp(ellipse, rectangle * rectangle, draw.uniform(0, 1)) < 1


def backlight(pixels: Tensor, background: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """Darkens one hand in seven on a bright background, as a window behind a person does."""
    against = draw.chance(1 / 7)
    dark, bright = pixels * draw.uniform(0.1, 0.5), draw.uniform(0.3, 1.0)
    background = torch.where(against, 0.5 * background + 0.5 * bright, background)
    return torch.where(against, dark, pixels), background


def occlude(pixels: Tensor, draw: Draw) -> Tensor:
    """Covers a small part of one picture in six."""
    hidden = _blob(pixels, draw, 0.05, 0.3) & draw.chance(1 / 6)
    return torch.where(hidden, draw.uniform(0, 1, 3), pixels)


def load_photographs(part: str, size: int = 160) -> Tensor:
    """Reads the photographs that ship with scikit-image, as backgrounds for hands.

    Those of ``"people"`` are made: each of the hundred small grey faces of Labeled Faces in the
    Wild (Huang et al. 2007) that ship, too, gets a skin tone, hair, shoulders, and a photograph to
    train with as the room.

    Args:
        part: ``"train"``, ``"people"`` (to train with, too), ``"val"`` or ``"test"``. No
            photograph is in two of these, and ``"val"`` shows one other face.
        size: side of the squares cut from their middles, in pixels.

    Returns:
        uint8 (P, 3, size, size)

    Raises:
        ImportError: if scikit-image is not installed. The message says how to install it.
    """
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise ImportError(
            "training a recogniser needs scikit-image's photographs as backgrounds: "
            + install_hint("train")
        )
    folder = Path(spec.origin).parent / "data"
    squares = []
    for name in _PHOTOGRAPHS["train" if part == "people" else part].split():
        (path,) = folder.glob(f"{name}.*")
        square = ImageOps.fit(open_rgb(path), (size, size), Image.Resampling.BILINEAR)
        squares.append(torch.from_numpy(np.array(square)).permute(2, 0, 1))
    photographs = torch.stack(squares)
    if part != "people":
        return photographs
    faces = np.load(Path(spec.origin).parent / "data" / "lfw_subset.npy")[:_FACES]
    return _people(torch.from_numpy(faces).float(), photographs)


def _people(faces: Tensor, rooms: Tensor) -> Tensor:
    """Puts grey faces (N, F, F), from 0 to 1, on shoulders before rooms, uint8 (P, 3, S, S)."""
    draw = Draw(len(faces), torch.Generator().manual_seed(0))
    room = rooms[(draw.uniform(0, 1).flatten() * len(rooms)).long()].float() / 255
    y, x = coordinates(room)
    side = draw.uniform(0.25, 0.5)
    x, y = (x - draw.uniform(-0.4, 0.4)) / side, (y - draw.uniform(-0.4, 0.1)) / side

    tones = torch.tensor(MONK_TONES) / 255
    tone = tones[(draw.uniform(0, 1).flatten() * len(tones)).long()].view(-1, 3, 1, 1)
    grid = torch.cat(torch.broadcast_tensors(x, y), dim=1).permute(0, 2, 3, 1)
    face = F.grid_sample(faces[:, None], grid, padding_mode="border", align_corners=False)
    face = (0.8 * tone * face / faces.mean(dim=(1, 2)).view(-1, 1, 1, 1)).clamp(0, 1)

    hair = (x / 1.15) ** 2 + ((y + 0.2) / 1.4) ** 2 < 1
    shoulders = ((x / 2.2).abs() ** 3 + ((y - 3.2) / 1.9).abs() ** 3 < 1) | (
        (x.abs() < 0.55) & (y > 0) & (y < 2)
    )
    person = torch.where(hair, draw.uniform(0, 0.4) * draw.uniform(0.7, 1, 3), room)
    person = torch.where(shoulders, draw.uniform(0, 1, 3), person)
    oval = ((1 - (x / 0.95) ** 2 - (y / 1.2) ** 2) * 4).clamp(0, 1)
    return (255 * torch.lerp(person, face, oval)).round().byte()
