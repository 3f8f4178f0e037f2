"""Pictures made for measuring: hands of the dataset before other backgrounds, and no hands."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

import asl
from asl.augmentation.backgrounds import load_photographs
from asl.augmentation.camera import relight
from asl.augmentation.hands import hand_mask, without_rim
from asl.augmentation.random_draws import Draw
from asl.recognizer.crops import to_pixels

SIDE = 640  # pixels
FACE = (-0.13, -0.55, 0.3)  # x, y and half of the face in scikit-image's "astronaut"
KINDS = {  # size of the hand in sides of the picture, degrees by which it is turned, beside a face
    "0.5 of the side": (0.5, 0, False),
    "0.25 of the side": (0.25, 0, False),
    "0.5, turned by 30 degrees": (0.5, 30, False),
    "0.5, turned by 45 degrees": (0.5, 45, False),
    "0.35, beside a face": (0.35, 0, True),
}


def hands_in_scenes(real: asl.ASLDataset, indices: list[int], kind: str) -> list[Tensor]:
    """Puts each hand, upright or turned, somewhere before a photograph: uint8 (3, S, S) each.

    The photographs are those that no network was trained with and no threshold chosen on, or the
    one that shows a face.
    """
    size, degrees, beside = KINDS[kind]
    generator = torch.Generator().manual_seed(0)
    rooms = load_photographs("val" if beside else "test", SIDE).float() / 255
    rooms = rooms[:1] if beside else rooms
    scenes = []
    for count, index in enumerate(indices):
        hand = to_pixels(real.image_files[index]).permute(2, 0, 1)[None] / 255
        mask = hand_mask(hand)
        hand = torch.cat([without_rim(hand, mask), mask], dim=1)
        room = rooms[count % len(rooms)][None]
        x, y = _place(size, beside, generator)
        angle = math.radians(degrees if count % 2 else -degrees)
        cos, sin = math.cos(angle) / size, math.sin(angle) / size
        theta = torch.tensor(
            [[cos, sin, -cos * x - sin * y], [-sin, cos, sin * x - cos * y]], dtype=torch.float
        )
        grid = F.affine_grid(theta[None], [1, 4, SIDE, SIDE], align_corners=False)
        moved = F.grid_sample(hand, grid, align_corners=False)
        covers = moved[:, 3:]
        # Sampling mixed black into the edge; dividing by the mask takes it out again.
        colour = (moved[:, :3] / covers.clamp(min=0.3)).clamp(max=1)
        scenes.append((255 * torch.lerp(room, colour, covers)[0]).round().byte())
    return scenes


def _place(size: float, beside: bool, generator: torch.Generator) -> tuple[float, float]:
    """Returns where a hand's middle lies, from -1 to 1: wholly in the picture, and off a face."""
    room = max(0.0, 1 - 1.2 * size)
    while True:
        x, y = (room * (2 * torch.rand(2, generator=generator) - 1)).tolist()
        apart = max(abs(x - FACE[0]), abs(y - FACE[1]))
        if not beside or apart > 0.8 * size + FACE[2]:
            return x, y


def no_hands(count: int) -> list[Tensor]:
    """Returns windows of photographs, half with the face and half without: uint8 (3, S, S) each."""
    generator = torch.Generator().manual_seed(1)
    half = count // 2
    face, rooms = load_photographs("val", SIDE)[:1], load_photographs("test", SIDE)
    draw = Draw(count, generator)
    whole = torch.cat(
        [face.expand(half, -1, -1, -1), rooms[torch.arange(count - half) % len(rooms)]]
    )
    side, mirror = draw.uniform(0.45, 1), 1 - 2 * draw.chance(0.5).float()
    of_face = (torch.arange(count) < half).view(-1, 1, 1, 1)
    x = torch.where(of_face, FACE[0], draw.uniform(-0.3, 0.3))
    y = torch.where(of_face, FACE[1], draw.uniform(-0.3, 0.3))
    pictures = []
    for i in range(count):
        a, b = (side * mirror)[i].item(), side[i].item()
        theta = torch.tensor([[a, 0, x[i].item() * (1 - b)], [0, b, y[i].item() * (1 - b)]])
        grid = F.affine_grid(theta[None], [1, 3, 320, 320], align_corners=False)
        window = F.grid_sample(whole[i][None] / 255, grid, align_corners=False)
        pictures.append((255 * relight(window, Draw(1, generator, 0.6))[0]).round().byte())
    return pictures
