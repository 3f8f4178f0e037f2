"""Random changes to a batch of images, so that a network learns hands and not one studio.

`augment` makes all changes. Every image draws its own numbers from the generator that is passed in,
and each change is computed for the whole batch at once. The steps work on images from 0 to 1,
(N, 3, H, W), and each step owns its ranges. Those that change the hand are here and in
`skin_tones`, the others in `backgrounds` and `camera`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from asl.augmentation.backgrounds import backlight, draw_backgrounds, occlude
from asl.augmentation.camera import cut_off, degrade, relight
from asl.augmentation.random_draws import Draw, matrix
from asl.augmentation.skin_tones import tint_skin
from asl.decoding import denormalize, normalize

SHIFT = 0.15  # how far an image that fills its picture is moved, in halves of its side
TILT = 30.0  # how far a hand is turned, in degrees
UPRIGHT = 15.0  # how far one is that counts as upright
_SURELY_HAND = 0.16  # a pixel whose brightest channel reaches this shows nothing but hand


def augment(
    images: Tensor,
    generator: Generator,
    *,
    strength: float = 1.0,
    background_share: float = 6 / 7,
    photographs: Tensor | None = None,
    windows: tuple[float, float] = (0.9, 1.9),
    shift: float = SHIFT,
    tilt: float = TILT,
    upright_share: float = 0.0,
) -> Tensor:
    """Changes geometry, skin, background, light and picture quality of each image at random.

    Args:
        images: normalised float (N, 3, H, W): hands on black.
        generator: draws all numbers; on the images' device.
        strength: scales every range and probability except those of backgrounds. 1 is for cameras
            and people never seen; 0 changes nothing.
        background_share: probability that a hand gets a background. The others stay on black.
        photographs: uint8 (P, 3, S, S), from which backgrounds are cut, beside the drawn ones.
            On the images' device they need not be moved for each batch.
        windows: smallest and largest side of the new picture, in sides of the old one.
        shift: how far an image that fills the picture is moved at most, in halves of its side. A
            smaller image is moved anywhere.
        tilt: how far hands are turned in the picture's plane at most, in degrees.
        upright_share: share of the hands that are turned by 15 degrees at most.

    Returns:
        Normalised float (N, 3, H, W).

    Raises:
        ValueError: if `strength` or `background_share` is not from 0 to 1.
    """
    pictures, _ = picture_hands(
        images,
        generator,
        strength=strength,
        background_share=background_share,
        photographs=photographs,
        windows=windows,
        shift=shift,
        tilt=tilt,
        upright_share=upright_share,
    )
    return pictures


vars(augment)["draws_for_shards"] = True  # `train_model` then passes a process its part of a batch


def picture_hands(
    images: Tensor,
    generator: Generator,
    *,
    strength: float,
    background_share: float,
    photographs: Tensor | None,
    windows: tuple[float, float],
    shift: float = SHIFT,
    tilt: float = TILT,
    upright_share: float = 0.0,
    hands: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Does what `augment` does, and also says where the hands are.

    Args:
        images, generator, strength, background_share, photographs, windows, shift, tilt,
            upright_share: as in `augment`.
        hands: bool (N,), False for pictures of the background alone. None means all True.

    Returns:
        pictures: normalised float (N, 3, H, W)
        boxes: float (N, 3): x and y of the old image's centre, from -1 to 1 across the new
            picture, and half the old image's side in the same unit
    """
    for name, value in (("strength", strength), ("background_share", background_share)):
        if not 0 <= value <= 1:
            raise ValueError(f"expected {name} from 0 to 1, found {value}")
    draw, full = Draw(len(images), generator, strength), Draw(len(images), generator)
    placed = full.chance(background_share)
    pixels = denormalize(images)
    mask = hand_mask(pixels)
    pixels = torch.where(placed, without_rim(pixels, mask), pixels)
    pixels, mask, boxes = move(pixels, mask, draw, windows, shift, tilt, upright_share)
    pixels = tint_skin(pixels, mask, draw)
    pixels, background = backlight(pixels, draw_backgrounds(pixels, full, photographs), draw)
    if hands is not None:
        mask = mask * hands.view(-1, 1, 1, 1)
    pixels = background * placed + mask * (pixels - background * placed)
    pixels = occlude(pixels, draw)
    pixels = relight(pixels, draw)
    return normalize(255 * cut_off(degrade(pixels, draw).clamp(0, 1), draw)), boxes


def hand_mask(pixels: Tensor) -> Tensor:
    """Returns how much of each pixel is hand, float (N, 1, H, W), for hands on black.

    It is soft at the edge, where a pixel is part hand and part black. Small dark creases inside the
    hand are closed.
    """
    soft = (pixels.amax(dim=1, keepdim=True) / _SURELY_HAND).clamp(max=1)
    soft = soft * (soft > 0.3)  # JPEG's ringing around a hand is not hand
    return -brightest_near(-brightest_near(soft))


def without_rim(pixels: Tensor, mask: Tensor) -> Tensor:
    """Gives the pixels at a hand's edge, which black has darkened, the colour next to them.

    Otherwise every hand on a background would have a dark rim, unlike in a photograph.
    """
    inner = -brightest_near(-(mask > 0).float())
    colour = brightest_near(pixels * inner)
    return torch.where((mask > 0) & (inner == 0), torch.maximum(pixels, colour), pixels)


def brightest_near(x: Tensor) -> Tensor:
    """Returns the maximum of each pixel and its eight neighbours, (N, C, H, W).

    `F.max_pool2d` returns the same but takes four times as long on a CPU, since it also finds where
    each maximum is.
    """
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    x = torch.maximum(torch.maximum(x[..., :-2], x[..., 1:-1]), x[..., 2:])
    return torch.maximum(torch.maximum(x[..., :-2, :], x[..., 1:-1, :]), x[..., 2:, :])


def move(
    pixels: Tensor,
    mask: Tensor,
    draw: Draw,
    windows: tuple[float, float],
    shift: float = SHIFT,
    tilt: float = TILT,
    upright_share: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Mirrors, turns, scales, shears and shifts hands and their masks.

    The images are cut off at the wrist. Repeating the lowest row of the picture downwards adds
    a forearm, which for some hands is in a sleeve of any colour.

    Returns:
        pixels, mask: moved
        boxes: float (N, 3), as in `picture_hands`
    """
    angle = draw.around(0, math.radians(tilt), math.radians(tilt))
    if upright_share:
        few = draw.uniform(0, 1) < upright_share
        angle = torch.where(few, angle * min(1.0, UPRIGHT / tilt), angle)
    low, high = (math.log(side) for side in windows)
    window = (draw.strength * draw.uniform(low, high)).exp()  # the hand is smaller in a larger one
    stretch, shear = draw.factor(1.15), draw.around(0, 0.15, 0.15)
    # From half the strength on, half are left hands: a network reads a rarer hand worse.
    mirror = 1 - 2 * (draw.uniform(0, 1) < min(0.5, draw.strength)).float()
    turn = matrix(angle.cos(), -angle.sin(), angle.sin(), angle.cos())
    shape = matrix(mirror * window * stretch, mirror * shear, 0 * shear, window / stretch)
    linear = shape @ turn  # (N, 2, 2): from the new picture's coordinates to the old one's
    room = (1 - 1 / window).clamp(min=0) * 0.9 + shift * draw.strength
    centre = torch.cat([draw.uniform(-1, 1), draw.uniform(-1, 1)], dim=1).flatten(1)
    centre = centre * room.flatten(1)  # (N, 2), of the hand in the new picture
    theta = torch.cat([linear, -linear @ centre.unsqueeze(2)], dim=2)
    grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)

    below = grid[..., 1].unsqueeze(1)  # (N, 1, H, W), beyond 1 under the old picture
    last_row = 1 - 7 / pixels.shape[2]  # above the half-black edge
    grid = torch.stack([grid[..., 0], grid[..., 1].clamp(max=last_row)], dim=3)
    moved = F.grid_sample(torch.cat([pixels, mask], dim=1), grid, align_corners=False)
    pixels, mask = moved[:, :3], moved[:, 3:]
    # Bilinear sampling mixed black into the edge. Dividing by the mask takes it out again.
    pixels = (pixels / mask.clamp(min=0.3)).clamp(max=1)
    sleeve = (below > draw.uniform(1.02, 1.6)) & draw.chance(0.4)
    boxes = torch.cat([centre, 1 / window.flatten(1)], dim=1)
    return torch.where(sleeve, draw.uniform(0, 1, 3), pixels), mask, boxes
