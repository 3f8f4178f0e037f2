"""A picture's halvings: one by one, and on the one sheet that an exported file reads."""

import pytest
import torch

from asl.recognizer.crops import cut
from asl.recognizer.pyramid import HALVINGS, Pyramid, _atlas

POINTS = torch.tensor([[4.0, 20.0], [12.0, 28.0]])


def picture(height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(height)
    return torch.randint(256, (height, width, 3), generator=generator).byte()


def test_halvings_are_means_of_whole_blocks():
    frame = picture(32, 48)
    found = Pyramid(frame).sample(POINTS, POINTS.T, torch.tensor(3.0))
    blocks = frame.unflatten(0, (4, 8)).unflatten(2, (6, 8)).float().mean(dim=(1, 3))
    # The points lie in the middle of blocks of eight pixels.
    across, down = (POINTS // 8).long(), (POINTS.T // 8).long()
    torch.testing.assert_close(found, blocks[down, across].permute(2, 0, 1))


def test_between_two_halvings_both_count():
    halved = Pyramid(picture(32, 48))
    once, between, twice = (
        halved.sample(POINTS, POINTS.T, torch.tensor(h)) for h in (1.0, 1.25, 2.0)
    )
    torch.testing.assert_close(between, 0.75 * once + 0.25 * twice)


@pytest.mark.parametrize("sides", [(48, 64), (61, 33), (16, 40), (7, 1), (1, 1)])
@pytest.mark.parametrize("halvings", [0.0, 0.3, 1.0, 2.5, HALVINGS])
def test_the_sheet_shows_what_the_halvings_show(sides: tuple[int, int], halvings: float):
    frame = picture(*sides)
    line = torch.linspace(-5, 67, 145)  # beyond the picture on all sides
    across, down = line.expand(145, 145), line.unsqueeze(1).expand(145, 145)
    ways = Pyramid(frame), Pyramid(frame, _atlas(frame))
    found, on_sheet = (way.sample(across, down, torch.tensor(halvings)) for way in ways)
    torch.testing.assert_close(on_sheet, found, atol=0.05, rtol=0)
    assert found.max() > 0


def test_all_crops_share_the_halvings():
    halved = Pyramid(picture(160, 160))
    cut(halved, torch.tensor([0.0, 0.0, 1.0]), 16)
    made = list(halved._halved)
    cut(halved, torch.tensor([0.2, 0.0, 0.5]), 16)
    assert made and all(a is b for a, b in zip(made, halved._halved, strict=False))
