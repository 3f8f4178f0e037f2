"""A picture and its halvings, from which `asl.recognizer.crops.cut` takes a crop's pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor

HALVINGS = 4  # of a picture at most
_STEP = 2**HALVINGS


class Pyramid:
    """A picture in its own size, half of it, a quarter of it, and so on (Williams 1983).

    Halvings are made when they are first needed, so all crops of a picture share them.

    Attributes:
        frame: the picture, uint8 (H, W, 3).
        atlas: while a file is exported, all halvings on one sheet, float (3, H', W'); otherwise
            None. A file holds the same steps for every picture, so it cannot choose a halving, but
            it can choose where it looks on a sheet.
    """

    def __init__(self, frame: Tensor, atlas: Tensor | None = None):
        """Takes a picture, and its atlas if there is one already."""
        self.frame = frame
        self.atlas = _atlas(frame) if torch.compiler.is_exporting() and atlas is None else atlas
        self._halved: list[Tensor] = []  # once, twice and so on: float (h, w, 3)

    def sample(self, across: Tensor, down: Tensor, halvings: Tensor) -> Tensor:
        """Returns the picture's colours at some points. Beyond the picture all is black.

        Each is a mean of the nearest four pixels in each of two halvings, weighted by how near
        these are ("trilinear").

        Args:
            across, down: float (S, S), in pixels of the picture from its upper left corner.
            halvings: float (), from 0 to 4: how often the picture should be halved.

        Returns:
            float (3, S, S), from 0 to 255
        """
        if self.atlas is not None:
            return self._sample_atlas(across, down, halvings)
        least = int(halvings)
        share = float(halvings) - least
        found = self._sample_level(least, across, down)
        if share > 0:
            found = found + share * (self._sample_level(least + 1, across, down) - found)
        return found

    def _sample_level(self, number: int, across: Tensor, down: Tensor) -> Tensor:
        scale = 0.5**number
        across, down = across * scale, down * scale
        if number:
            level = self._level(number)
        else:  # as large as it is, only a part is turned to floats
            level, across, down = _around(self.frame, across, down)
        height, width = level.shape[:2]
        grid = torch.stack([across * (2 / width) - 1, down * (2 / height) - 1], dim=2)
        pixels = level.permute(2, 0, 1)[None].float()
        return F.grid_sample(pixels, grid[None], align_corners=False)[0]

    def _level(self, number: int) -> Tensor:
        for made in range(len(self._halved), number):
            self._halved.append(_half(self._halved[-1] if made else self.frame))
        return self._halved[number - 1]

    def _sample_atlas(self, across: Tensor, down: Tensor, halvings: Tensor) -> Tensor:
        assert self.atlas is not None
        height, width = _whole_sides(self.frame)
        least = halvings.floor().clamp(max=HALVINGS - 1)
        grids = []
        for number in (least, least + 1):
            scale = torch.exp2(-number)
            # Half a pixel beyond the edge all is black, as it is farther away.
            x = (across * scale).clamp(min=-0.5).minimum(width * scale + 0.5)
            y = (down * scale).clamp(min=-0.5).minimum(height * scale + 0.5)
            y = y + 2 * height * (1 - scale) + number  # the halvings above, and their black rows
            x, y = x * (2 / self.atlas.shape[2]) - 1, y * (2 / self.atlas.shape[1]) - 1
            grids.append(torch.stack([x, y], dim=2))
        both = F.grid_sample(self.atlas[None], torch.cat(grids)[None], align_corners=False)[0]
        once, again = both.unflatten(1, (2, -1)).unbind(1)
        return once + (halvings - least) * (again - once)


def _half(level: Tensor) -> Tensor:
    """Halves a picture (h, w, 3): float, rounded up to whole pixels."""
    if level.shape[0] % 2 or level.shape[1] % 2:
        level = F.pad(level, (0, 0, 0, level.shape[1] % 2, 0, level.shape[0] % 2))
    if level.dtype == torch.uint8:
        level = level.to(torch.int16)
    rows = level[0::2] + level[1::2]  # sums take a fifth of the time of `avg_pool2d`
    return (rows[:, 0::2] + rows[:, 1::2]).float() / 4


def _around(frame: Tensor, across: Tensor, down: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the part of a picture that a crop needs, and where its pixels lie in that part."""
    parts, moved = [], []
    for where, length in ((down, frame.shape[0]), (across, frame.shape[1])):
        low, high = where.aminmax()
        first = min(max(int(low) - 1, 0), length - 1)
        parts.append(slice(first, max(int(high) + 2, first + 1)))
        moved.append(where - first)
    return frame[parts[0], parts[1]], moved[1], moved[0]


def _whole_sides(frame: Tensor) -> tuple[int, int]:
    """Returns the height and width that all halvings divide, at least as large as a picture's."""
    # Two smallest pixels at least: `torch.export` would take one for a fixed number.
    height, width = (_STEP * ((side + 2 * _STEP - 1) // _STEP) for side in frame.shape[:2])
    return height, width


def _atlas(frame: Tensor) -> Tensor:
    """Puts all halvings below each other, a black row and column after each."""
    height, width = _whole_sides(frame)
    beyond = (0, width - frame.shape[1], 0, height - frame.shape[0])
    level = F.pad(frame.permute(2, 0, 1), beyond).float()
    levels = [F.pad(level, (0, 1, 0, 1))]
    for number in range(1, HALVINGS + 1):
        level = F.avg_pool2d(level, 2)
        levels.append(F.pad(level, (0, width - width // 2**number + 1, 0, 1)))
    return torch.cat(levels, dim=1)
