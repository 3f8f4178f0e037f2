"""Random changes to a batch of images, so that a network learns hands and not one studio.

Every image of a batch draws its own numbers, all from one passed generator, and each change is
computed for the whole batch at once on its device. `augment` is the whole; the steps it is made of
work on images from 0 to 1, (N, 3, H, W), and each owns its ranges.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from asl.data import denormalize, normalize
from asl.skin import MONK_TONES

_SURELY_HAND = 0.16  # brightest channel of a pixel that is all hand, on the dataset's black
_JPEG_BLOCK = 8


def augment(
    images: Tensor,
    generator: Generator,
    *,
    strength: float = 1.0,
    background_share: float = 6 / 7,
    photographs: Tensor | None = None,
    windows: tuple[float, float] = (0.9, 1.9),
) -> Tensor:
    """Changes geometry, skin, background, light and picture quality of each image at random.

    Args:
        images: normalised float (N, 3, H, W): hands on black.
        generator: draws all numbers; on the images' device.
        strength: scales every range and probability but those of backgrounds: 1 is for cameras and
            people never seen, 0 changes nothing.
        background_share: probability that a hand is put before something; else it stays on black.
        photographs: uint8 (P, 3, S, S), backgrounds to cut windows from, beside the drawn ones.
        windows: smallest and largest side of the new picture, in sides of the old one.

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
    )
    return pictures


def picture_hands(
    images: Tensor,
    generator: Generator,
    *,
    strength: float,
    background_share: float,
    photographs: Tensor | None,
    windows: tuple[float, float],
    hands: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Does what `augment` does, and says where in the pictures the hands are.

    Args:
        images, generator, strength, background_share, photographs, windows: as for `augment`.
        hands: bool (N,), False for pictures of the background alone; None means all True.

    Returns:
        pictures: normalised float (N, 3, H, W)
        boxes: float (N, 3): x and y of the old image's centre, from -1 to 1 across the new
            picture, and half the old image's side in the same unit
    """
    for name, value in (("strength", strength), ("background_share", background_share)):
        if not 0 <= value <= 1:
            raise ValueError(f"expected {name} from 0 to 1, found {value}")
    draw, full = _Draw(len(images), generator, strength), _Draw(len(images), generator)
    placed = full.chance(background_share)
    pixels = denormalize(images)
    mask = hand_mask(pixels)
    pixels = torch.where(placed, without_rim(pixels, mask), pixels)
    pixels, mask, boxes = move(pixels, mask, draw, windows)
    pixels = tint_skin(pixels, mask, draw)
    pixels, background = backlight(pixels, draw_backgrounds(pixels, full, photographs), draw)
    if hands is not None:
        mask = mask * hands.view(-1, 1, 1, 1)
    pixels = background * placed + mask * (pixels - background * placed)
    pixels = occlude(pixels, draw)
    pixels = relight(pixels, draw)
    return normalize(255 * cut_off(degrade(pixels, draw).clamp(0, 1), draw)), boxes


class _Draw:
    """Draws numbers for each of N images, shaped to spread over (N, 3, H, W).

    `strength`, from 0 to 1, scales `around`, `factor` and `chance`.
    """

    def __init__(self, count: int, generator: Generator, strength: float = 1.0):
        self.count, self.generator, self.device = count, generator, generator.device
        self.strength = strength

    def uniform(self, low: float, high: float, channels: int = 1, side: int = 1) -> Tensor:
        """Returns float (N, channels, side, side)."""
        shape = (self.count, channels, side, side)
        drawn = torch.rand(shape, generator=self.generator, device=self.device)
        return low + (high - low) * drawn

    def around(self, middle: float, below: float, above: float) -> Tensor:
        """Returns float (N, 1, 1, 1) from middle - below to middle + above."""
        return middle + self.strength * self.uniform(-below, above)

    def factor(self, most: float, channels: int = 1) -> Tensor:
        """Returns float (N, channels, 1, 1) from 1 / most to most, as often below 1 as above."""
        return (self.strength * self.uniform(-math.log(most), math.log(most), channels)).exp()

    def chance(self, probability: float) -> Tensor:
        """Returns bool (N, 1, 1, 1)."""
        return self.uniform(0, 1) < self.strength * probability

    def normal(self, channels: int, height: int, width: int) -> Tensor:
        """Returns float (N, channels, height, width)."""
        shape = (self.count, channels, height, width)
        return torch.randn(shape, generator=self.generator, device=self.device)


# --- the hand ------------------------------------------------------------------------------------


def hand_mask(pixels: Tensor) -> Tensor:
    """Returns how much of each pixel is hand, float (N, 1, H, W), for hands on black.

    Soft at the edge, where a pixel is part hand and part black; small dark creases inside the hand
    are closed.
    """
    soft = (pixels.amax(dim=1, keepdim=True) / _SURELY_HAND).clamp(max=1)
    soft = soft * (soft > 0.3)  # JPEG's ringing around a hand is not hand
    grown = F.max_pool2d(soft, 3, stride=1, padding=1)
    return -F.max_pool2d(-grown, 3, stride=1, padding=1)


def without_rim(pixels: Tensor, mask: Tensor) -> Tensor:
    """Gives the pixels at a hand's edge, darkened by the black around it, the colour next to them.

    Before a background that rim would outline every hand, as nothing does in a photograph.
    """
    inner = -F.max_pool2d(-(mask > 0).float(), 3, stride=1, padding=1)
    colour = F.max_pool2d(pixels * inner, 3, stride=1, padding=1)
    return torch.where((mask > 0) & (inner == 0), torch.maximum(pixels, colour), pixels)


def move(
    pixels: Tensor, mask: Tensor, draw: _Draw, windows: tuple[float, float]
) -> tuple[Tensor, Tensor, Tensor]:
    """Mirrors, turns, scales, shears and shifts hands and their masks.

    The lowest row of the picture is continued downwards: the wrist, at which the images are cut
    off, goes on as a forearm, in a sleeve of any colour for some.

    Returns:
        pixels, mask: moved
        boxes: float (N, 3), as of `picture_hands`
    """
    angle = draw.around(0, math.radians(30), math.radians(30))
    low, high = (math.log(side) for side in windows)
    window = (draw.strength * draw.uniform(low, high)).exp()  # the hand is smaller in a larger one
    stretch, shear = draw.factor(1.15), draw.around(0, 0.15, 0.15)
    mirror = 1 - 2 * draw.chance(0.5).float()
    turn = _matrix(angle.cos(), -angle.sin(), angle.sin(), angle.cos())
    shape = _matrix(mirror * window * stretch, mirror * shear, 0 * shear, window / stretch)
    linear = shape @ turn  # (N, 2, 2): from the new picture's coordinates to the old one's
    room = (1 - 1 / window).clamp(min=0) * 0.9 + 0.15 * draw.strength
    centre = torch.cat([draw.uniform(-1, 1), draw.uniform(-1, 1)], dim=1).flatten(1)
    centre = centre * room.flatten(1)  # (N, 2), of the hand in the new picture
    theta = torch.cat([linear, -linear @ centre.unsqueeze(2)], dim=2)
    grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)

    below = grid[..., 1].unsqueeze(1)  # (N, 1, H, W), beyond 1 under the old picture
    last_row = 1 - 7 / pixels.shape[2]  # above the half-black edge
    grid = torch.stack([grid[..., 0], grid[..., 1].clamp(max=last_row)], dim=3)
    moved = F.grid_sample(torch.cat([pixels, mask], dim=1), grid, align_corners=False)
    pixels, mask = moved[:, :3], moved[:, 3:]
    # Bilinear sampling mixed black into the edge; dividing by the mask takes it out again.
    pixels = (pixels / mask.clamp(min=0.3)).clamp(max=1)
    sleeve = (below > draw.uniform(1.02, 1.6)) & draw.chance(0.4)
    boxes = torch.cat([centre, 1 / window.flatten(1)], dim=1)
    return torch.where(sleeve, draw.uniform(0, 1, 3), pixels), mask, boxes


def _matrix(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Returns the matrices ((a, b), (c, d)), (N, 2, 2), of four (N, 1, 1, 1)."""
    return torch.cat([a, b, c, d], dim=1).reshape(-1, 2, 2)


def tint_skin(pixels: Tensor, mask: Tensor, draw: _Draw) -> Tensor:
    """Changes contrast, and for two hands in three the mean colour, to a tone of the Monk scale."""
    tones = torch.tensor(MONK_TONES, device=pixels.device) / 255  # (10, 3)
    place = draw.uniform(0, len(tones) - 1).flatten()
    low = place.long().clamp(max=len(tones) - 2)
    tone = torch.lerp(tones[low], tones[low + 1], (place - low).unsqueeze(1))[..., None, None]
    mean = _mean_colour(pixels, mask)
    contrasted = (mean + (pixels - mean) * draw.factor(1.7)) * (mask > 0)  # of light and shade
    # In shade a hand is darker than its tone on a chart.
    tinted = recolour(contrasted, mask, tone * draw.uniform(0.55, 1.0))
    return torch.where(draw.chance(2 / 3), tinted, contrasted.clamp(0, 1))


def recolour(pixels: Tensor, mask: Tensor, colour: Tensor) -> Tensor:
    """Gives hands a mean colour, (N, 3, 1, 1) from 0 to 1, without changing light and shade."""
    ratio = (colour / _mean_colour(pixels, mask).clamp(min=0.05)).clamp(0.1, 2.5)
    return (pixels * ratio).clamp(0, 1)


def _mean_colour(pixels: Tensor, mask: Tensor) -> Tensor:
    area = mask.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    return (pixels * mask).sum(dim=(2, 3), keepdim=True) / area


# --- what is behind and before it ----------------------------------------------------------------


def draw_backgrounds(like: Tensor, draw: _Draw, photographs: Tensor | None = None) -> Tensor:
    """Returns pictures without hands: gradients, textures, clutter, photographs.

    Args:
        like: (N, 3, H, W), whose shape and device to take.
        draw: the numbers.
        photographs: uint8 (P, 3, S, S), or None.
    """
    height, width = like.shape[2:]
    y, x = _coordinates(like)
    angle = draw.uniform(0, 2 * math.pi)
    along = x * angle.cos() + y * angle.sin()  # (N, 1, H, W)
    picture = torch.lerp(draw.uniform(0, 1, 3), draw.uniform(0, 1, 3), along / 2.83 + 0.5)
    for side in (2, 4, 8, 16, 32):
        texture = F.interpolate(draw.normal(3, side, side), (height, width), mode="bilinear")
        grey = texture.mean(dim=1, keepdim=True)
        strength = draw.uniform(-0.25, 0.25).clamp(min=0)
        picture = picture + strength * torch.lerp(texture, 2 * grey, draw.uniform(0, 1))
    waves = (along * draw.uniform(5, 40) + draw.uniform(0, 6)).sin() * draw.uniform(1, 8)
    picture = picture + draw.chance(0.2) * draw.uniform(-0.3, 0.3, 3) * waves.clamp(-1, 1)
    grey = picture.mean(dim=1, keepdim=True)
    picture = torch.lerp(grey, picture, draw.uniform(0, 1))  # few rooms are as colourful as that
    if photographs is not None:
        picture = _show_windows(picture, draw, photographs, draw.chance(0.5).flatten())
    for _ in range(5):
        picture = torch.where(
            _blob(like, draw, 0.1, 0.9) & draw.chance(0.35), draw.uniform(0, 1, 3), picture
        )
    return picture.clamp(0, 1)


def _show_windows(picture: Tensor, draw: _Draw, photographs: Tensor, where: Tensor) -> Tensor:
    """Replaces the pictures `where`, bool (N,), by turned windows cut out of photographs."""
    which = (draw.uniform(0, 1).flatten() * len(photographs)).long()
    angle, side = draw.uniform(-0.4, 0.4), draw.uniform(0.15, 0.65)
    cos, sin = side * angle.cos(), side * angle.sin()
    centre = draw.uniform(-0.35, 0.35, 2).flatten(1).unsqueeze(2)
    theta = torch.cat([_matrix(cos, -sin, sin, cos), centre], dim=2)[where]
    if not len(theta):  # none may be drawn, in a small batch
        return picture
    grid = F.affine_grid(theta, [len(theta), *picture.shape[1:]], align_corners=False)
    # Only those shown are turned into floats: photographs are larger than what is cut from them.
    chosen = photographs[which[where].to(photographs.device)].to(picture.device).float() / 255
    window = F.grid_sample(chosen, grid, padding_mode="reflection", align_corners=False)
    return picture.index_copy(0, where.nonzero().flatten(), window)


def _coordinates(like: Tensor) -> tuple[Tensor, Tensor]:
    """Returns y (1, 1, H, 1) and x (1, 1, 1, W), each from -1 to 1."""
    height, width = like.shape[2:]
    y = torch.linspace(-1, 1, height, device=like.device).view(1, 1, -1, 1)
    return y, torch.linspace(-1, 1, width, device=like.device).view(1, 1, 1, -1)


def _blob(like: Tensor, draw: _Draw, smallest: float, largest: float) -> Tensor:
    """Returns where a turned shape between ellipse and rectangle lies, bool (N, 1, H, W)."""
    y, x = _coordinates(like)
    angle = draw.uniform(0, math.pi)
    dx, dy = x - draw.uniform(-1, 1), y - draw.uniform(-1, 1)
    along = (dx * angle.cos() + dy * angle.sin()).abs() / draw.uniform(smallest, largest)
    across = (dy * angle.cos() - dx * angle.sin()).abs() / draw.uniform(smallest, largest)
    power = draw.uniform(1.5, 8)
    return along**power + across**power < 1


def backlight(pixels: Tensor, background: Tensor, draw: _Draw) -> tuple[Tensor, Tensor]:
    """Darkens one hand in seven before a bright background, as a window behind a person does."""
    against = draw.chance(1 / 7)
    dark, bright = pixels * draw.uniform(0.1, 0.5), draw.uniform(0.3, 1.0)
    background = torch.where(against, 0.5 * background + 0.5 * bright, background)
    return torch.where(against, dark, pixels), background


def occlude(pixels: Tensor, draw: _Draw) -> Tensor:
    """Covers a small part of one picture in six."""
    hidden = _blob(pixels, draw, 0.05, 0.3) & draw.chance(1 / 6)
    return torch.where(hidden, draw.uniform(0, 1, 3), pixels)


def cut_off(pixels: Tensor, draw: _Draw) -> Tensor:
    """Makes one side in eight black to some depth, as where a crop reaches beyond a photograph."""
    y, x = _coordinates(pixels)
    for side in (x, -x, y, -y):
        pixels = pixels * ~((side > draw.uniform(0.5, 1)) & draw.chance(1 / 8))
    return pixels


# --- light and picture quality -------------------------------------------------------------------


def relight(pixels: Tensor, draw: _Draw) -> Tensor:
    """Changes exposure, its fall across the picture, white balance, gamma and saturation."""
    y, x = _coordinates(pixels)
    angle = draw.uniform(0, 2 * math.pi)
    fall = 1 + draw.around(0, 0, 0.45) * (x * angle.cos() + y * angle.sin())
    pixels = (pixels * fall * draw.factor(1.5) * draw.factor(1.15, 3)).clamp(1e-4, 1)
    pixels = pixels ** draw.factor(1.5)
    grey = pixels.mean(dim=1, keepdim=True)
    return (grey + draw.around(1, 0.6, 0.4) * (pixels - grey)).clamp(0, 1)


def degrade(pixels: Tensor, draw: _Draw) -> Tensor:
    """Blurs, adds noise and loses detail as JPEG does, each to some of the pictures."""
    blurred = F.avg_pool2d(pixels, 3, 1, padding=1, count_include_pad=False)
    blurred = F.avg_pool2d(blurred, 3, 1, padding=1, count_include_pad=False)
    # Beyond 0 the picture is softened, below 0 sharpened.
    pixels = torch.lerp(pixels, blurred, draw.around(0, 0.4, 1.0))
    noise = draw.normal(3, *pixels.shape[2:])
    pixels = pixels + draw.chance(0.5) * draw.around(0, 0, 0.06) * noise
    return torch.where(draw.chance(0.3), _jpeg(pixels, draw), pixels)


def _jpeg(pixels: Tensor, draw: _Draw) -> Tensor:
    """Rounds the cosine transform of blocks, the coarser the higher the frequency."""
    height, width = pixels.shape[2:]
    pad = (0, -width % _JPEG_BLOCK, 0, -height % _JPEG_BLOCK)
    blocks = F.pad(pixels, pad, mode="replicate")
    n, c, h, w = blocks.shape
    # (N, 3, H, W) → (N, 3, H/8, W/8, 8, 8)
    blocks = blocks.unfold(2, _JPEG_BLOCK, _JPEG_BLOCK).unfold(3, _JPEG_BLOCK, _JPEG_BLOCK)
    k = torch.arange(_JPEG_BLOCK, device=pixels.device, dtype=pixels.dtype)
    cosines = (math.pi / _JPEG_BLOCK * torch.outer(k, k + 0.5)).cos() * (2 / _JPEG_BLOCK) ** 0.5
    cosines[0] /= 2**0.5
    step = draw.uniform(0.01, 0.12).reshape(-1, 1, 1, 1, 1, 1) * (1 + k + k.view(-1, 1)) / 2
    frequencies = (cosines @ blocks @ cosines.T / step).round() * step
    blocks = cosines.T @ frequencies @ cosines
    return blocks.permute(0, 1, 2, 4, 3, 5).reshape(n, c, h, w)[..., :height, :width]
