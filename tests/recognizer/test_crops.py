"""Boxes in pictures, and what is cut out of them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps

from asl.recognizer.crops import LONGEST, WIDE, cut, to_pixels, window
from asl.recognizer.pyramid import Pyramid


def picture(height, width, seed=0):
    """Returns noise, on which every filter shows."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (height, width, 3), generator=generator).byte()


def as_pillow_cuts(pixels, box, size, pad):
    """Cuts with Pillow's filter, after adding a black border so that nothing lies beyond it."""
    height, width = pixels.shape[:2]
    image = ImageOps.expand(Image.fromarray(pixels.numpy()), pad)
    x, y, half = box
    unit = max(height, width) / 2
    x, y, reach = pad + width / 2 + x * unit, pad + height / 2 + y * unit, half * WIDE * unit
    reach = max(1, reach)
    edges = (x - reach, y - reach, x + reach, y + reach)
    cut_out = image.resize((size, size), Image.Resampling.BILINEAR, box=edges)
    return torch.from_numpy(np.array(cut_out)).permute(2, 0, 1).float()


BOXES = [(0, 0, 0.5), (0.123, -0.077, 0.333), (0.3, 0.2, 0.08), (0.7, -0.6, 0.5), (-1, 1, 1)]


@pytest.mark.parametrize("sides", [(20, 20), (19, 25)])
@pytest.mark.parametrize("box", BOXES)
def test_an_enlarged_crop_is_what_pillow_cuts_out_at_the_same_real_valued_edges(sides, box):
    pixels = picture(*sides)
    found = cut(Pyramid(pixels), torch.tensor(box), 32)
    assert found.shape == (3, 32, 32)
    # Pillow rounds to whole numbers, after each of two directions.
    torch.testing.assert_close(found, as_pillow_cuts(pixels, box, 32, 600), atol=1.001, rtol=0)


@pytest.mark.parametrize("sides", [(90, 130), (130, 90), (301, 300), (1024, 700)])
@pytest.mark.parametrize("box", BOXES)
def test_a_shrunk_crop_is_about_what_pillow_cuts_out(sides, box):
    pixels = picture(*sides)
    smooth = F.avg_pool2d(pixels.permute(2, 0, 1).float(), 9, 1, 4).permute(1, 2, 0).round().byte()
    found, pillows = (
        cut(Pyramid(smooth), torch.tensor(box), 32),
        as_pillow_cuts(smooth, box, 32, 1500),
    )
    assert (found - pillows).abs().mean() < 1.5  # of 255
    # Of noise, as little is left: no pixels are left out.
    found, pillows = (
        cut(Pyramid(pixels), torch.tensor(box), 32),
        as_pillow_cuts(pixels, box, 32, 1500),
    )
    assert found.std() < 1.5 * pillows.std()


def test_what_lies_beyond_the_picture_is_black_and_the_rest_no_brighter():
    white = torch.full((100, 200, 3), 255, dtype=torch.uint8)
    corner = cut(
        Pyramid(white), torch.tensor([1.0, 0.5, 0.25]), 40, margin=1
    )  # its middle is the corner
    assert corner[:, :19, :19].min() > 254.9 and corner[:, 21:].max() == 0
    assert corner[..., 21:].max() == 0 and corner.max() < 255.1
    assert cut(Pyramid(white), torch.tensor([0.0, 0.9, 0.2]), 40).max() == 0  # beside it altogether


def test_a_crop_moves_with_its_box_without_jumps():
    pixels = picture(200, 200)
    across = [
        cut(Pyramid(pixels), torch.tensor([x, 0.0, 0.4]), 32) for x in torch.linspace(0, 0.02, 41)
    ]
    steps = torch.stack([(b - a).abs().mean() for a, b in zip(across, across[1:], strict=False)])
    assert steps.min() > 0 and steps.max() < 2 * steps.mean() < 5  # 2 pixels in 40 steps
    sizes = [
        cut(Pyramid(pixels), torch.tensor([0.0, 0.0, h]), 32) for h in torch.linspace(0.4, 0.42, 41)
    ]
    steps = torch.stack([(b - a).abs().mean() for a, b in zip(sizes, sizes[1:], strict=False)])
    assert steps.min() > 0 and steps.max() < 2 * steps.mean() < 5


@pytest.mark.parametrize("sides", [(1, 1), (1, 90), (47, 61), (240, 320)])
@pytest.mark.parametrize("box", [(0, 0, 1), (0.2, -0.1, 0.03), (-0.9, 0.9, 0.6)])
def test_an_exported_crop_which_reads_all_pixels_is_the_same(sides, box, monkeypatch):
    pixels, box = picture(*sides), torch.tensor(box)
    found = cut(Pyramid(pixels), box, 24)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(cut(Pyramid(pixels), box, 24), found, atol=0.01, rtol=0)


def test_a_box_of_no_size_shows_the_pixels_around_its_middle():
    pixels = picture(50, 50)
    found = cut(Pyramid(pixels), torch.tensor([0.0, 0.0, 0.0]), 2)
    torch.testing.assert_close(found, pixels[24:26, 24:26].permute(2, 0, 1).float())


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_crop_is_a_crop_that_is_turned_back(turns):
    pixels = picture(60, 90)
    x, y, half = 0.1, -0.05, 0.3
    place = torch.tensor([x, y, half, turns * torch.pi / 2])
    found = cut(Pyramid(pixels), place, 24)
    upright = cut(Pyramid(pixels), place[:3], 24)
    # What points to the right in the picture points upwards in a crop turned by a right angle.
    torch.testing.assert_close(found, upright.rot90(turns, (1, 2)), atol=0.02, rtol=0)


def test_a_window_is_the_box_with_its_margin_in_pixels():
    x, y, reach = window(torch.tensor([0.5, -0.5, 0.2]), 100, 200, 1.1)
    assert [x.item(), y.item(), reach.item()] == pytest.approx([150, 0, 22])
    assert window(torch.tensor([0.0, 0.0, 0.1]), 4, 2, 1.1)[2] == 1  # a pixel each way at least


def test_pictures_are_kept_whole_up_to_a_size_and_shrunk_by_whole_steps_beyond():
    for given, kept in (
        ((LONGEST, 9), (LONGEST, 9)),
        ((3000, 1500), (1000, 500)),
        ((1, 20_000), (1, 1000)),
        ((LONGEST + 1, 3), (513, 2)),
    ):
        assert tuple(to_pixels(Image.new("RGB", given)).shape) == (*kept[::-1], 3)
    stripes = np.zeros((2048, 4, 3), np.uint8)
    stripes[1::2] = 255
    assert set(to_pixels(stripes).flatten().tolist()) == {128}  # no row is left out


def test_what_is_done_to_pixels_does_not_change_the_picture_given():
    array = np.full((20, 20, 3), 7, np.uint8)
    image, tensor = Image.fromarray(array), torch.full((3, 20, 20), 7).byte()
    for given in (array, image, tensor):
        to_pixels(given).zero_()
        assert np.asarray(given).min() == 7
