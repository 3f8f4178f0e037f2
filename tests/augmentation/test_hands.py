import math

import pytest
import torch

from asl import denormalize, normalize
from asl.augmentation.hands import (
    augment,
    brightest_near,
    hand_mask,
    move,
    picture_hands,
    without_rim,
)
from asl.augmentation.random_draws import Draw


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_each_image_is_changed_in_its_own_way_repeatably(images):
    first = augment(images, generator())
    assert first.shape == images.shape and first.isfinite().all()
    assert not first[0].equal(first[1])
    assert first.equal(augment(images, generator()))
    assert not first.equal(augment(images, generator(1)))
    assert augment(images[:1], generator()).shape == (1, 3, 32, 32)


def test_pixels_stay_in_range_and_the_global_generator_is_left_alone(images):
    before = torch.get_rng_state()
    low, high = (normalize(torch.full((3, 1, 1), value)) for value in (0, 255))
    changed = augment(images, generator(), photographs=torch.full((2, 3, 50, 50), 200).byte())
    assert (changed >= low - 1e-4).all() and (changed <= high + 1e-4).all()
    assert torch.get_rng_state().equal(before)


def test_no_strength_and_no_background_is_no_change(images):
    same = augment(images, generator(), strength=0, background_share=0)
    # But for the forearm: the picture's last rows are drawn from just above them.
    torch.testing.assert_close(same, images, atol=1e-3, rtol=0)
    weak, full = (
        augment(images, generator(), strength=s, background_share=0) - images for s in (0.2, 1)
    )
    assert 0 < weak.abs().mean() < 0.5 * full.abs().mean()


def test_hands_may_stay_on_black(images):
    kept = augment(images, generator(), background_share=0)
    dark = (denormalize(kept).amax(dim=1) < 0.2).flatten(1).float().mean(dim=1)
    assert dark.median() > 0.5
    changed = augment(images, generator(), background_share=1)
    assert (denormalize(changed).amax(dim=1) < 0.2).flatten(1).float().mean() < 0.3
    for option in ("strength", "background_share"):
        with pytest.raises(ValueError, match=f"expected {option} from 0 to 1, found 2"):
            augment(images, generator(), **{option: 2})


def test_the_mask_is_the_hand(pixels):
    mask = hand_mask(pixels)
    assert mask.shape == (40, 1, 32, 32)
    assert mask[:, :, 8:, 12:20].min() == 1 and mask.sum() == 40 * 24 * 8
    pixels[:, :, 15, 15] = 0.01  # a dark crease
    pixels[:, :, 2, 2] = 0.03  # what JPEG leaves in the black
    assert hand_mask(pixels).equal(mask)


def test_neighbours_are_searched_as_pooling_does(pixels):
    noise = torch.rand(pixels.shape, generator=generator()) - 0.5
    pooled = torch.nn.functional.max_pool2d(noise, 3, stride=1, padding=1)
    assert brightest_near(noise).equal(pooled)


@pytest.mark.parametrize(("strength", "share"), [(0.0, 0), (0.5, 0.5), (1.0, 0.5)])
def test_half_are_left_hands_from_half_the_strength_on(strength, share):
    pixels = torch.zeros(400, 3, 32, 32)
    pixels[..., 6:26, 18:30] = 0.8  # right of the middle
    moved, _, boxes = move(pixels, hand_mask(pixels), Draw(400, generator(), strength), (1, 1))
    x = torch.linspace(-1, 1, 32) - boxes[:, :1]
    left = (moved.sum(dim=(1, 2)) * x).sum(dim=1) < 0
    assert left.float().mean().item() == pytest.approx(share, abs=0.1 if share else 0)


def test_a_smaller_hand_has_a_forearm_to_the_edge(pixels):
    moved, mask, _ = move(pixels, hand_mask(pixels), Draw(40, generator()), (0.9, 1.9))
    area = mask.sum(dim=(1, 2, 3))
    assert area.std() > 20  # scales differ
    border = torch.cat([mask[..., 0, :], mask[..., -1, :], mask[..., 0], mask[..., -1]], dim=2)
    assert (border.amax(dim=(1, 2)) > 0.5).float().mean() > 0.95
    inside = moved.amax(dim=1, keepdim=True)[mask > 0.9]
    assert (inside > 0.3).float().mean() > 0.8  # no dark rim; sleeves may be dark


@pytest.mark.parametrize("side", [28, 64, 33])
def test_any_size(side):
    images = normalize(torch.randint(0, 256, (3, 3, side, side)))
    assert augment(images, generator()).shape == images.shape
    photographs = torch.zeros(1, 3, 20, 20).byte()
    for seed in range(4):  # with a photograph and without
        alone = augment(images[:1], generator(seed), photographs=photographs)
        assert alone.shape == (1, 3, side, side)


def test_a_box_tells_where_the_hand_went(pixels):
    pixels[:, :, :16] = 0  # now its upper end is the old picture's middle
    _, mask, boxes = move(pixels, hand_mask(pixels), Draw(40, generator()), (2.0, 4.0))
    x, y, half = boxes.T
    assert (half >= 1 / 4 - 1e-6).all() and (half <= 1 / 2 + 1e-6).all()
    assert x.abs().max() > 0.3 and (x.abs() + half < 1.2).all() and (y.abs() + half < 1.2).all()
    # There the mask is cut in two: nothing above the middle of the box, something below.
    at = torch.stack([x, y], dim=1).view(-1, 1, 1, 2)
    for offset, expected in ((-0.4, 0), (0.4, 1)):
        shift = torch.stack([0 * half, offset * half], dim=1).view(-1, 1, 1, 2)
        found = torch.nn.functional.grid_sample(mask, at + shift, align_corners=False)
        assert ((found.flatten() > 0.5) == expected).float().mean() > 0.9


@pytest.mark.parametrize("shift", [0.1, 0.4])
def test_a_hand_that_fills_the_picture_is_shifted_as_far_as_told(images, shift):
    _, boxes = picture_hands(
        images.repeat(20, 1, 1, 1),
        generator(),
        strength=0.5,
        background_share=0,
        photographs=None,
        windows=(1, 1),
        shift=shift,
    )
    furthest = boxes[:, :2].abs().amax(dim=0)
    assert (furthest <= 0.5 * shift).all() and (furthest > 0.8 * 0.5 * shift).all()


def test_pictures_without_hands_show_the_background_alone(images):
    settings = {"strength": 1.0, "background_share": 0.0, "photographs": None, "windows": (1, 1.2)}
    none = torch.zeros(40, dtype=torch.bool)
    pictures, _ = picture_hands(images, generator(), **settings, hands=none)
    light = (denormalize(pictures).amax(dim=1) > 0.25).flatten(1).float().mean(dim=1)
    assert light.median() == 0  # some have an occluding spot


def test_the_dark_rim_of_a_hand_takes_the_colour_beside_it(pixels):
    clean = pixels.clone()
    pixels[:, :, 8:, 12] *= 0.3
    pixels[:, :, 8:, 19] *= 0.1
    whole = without_rim(pixels, hand_mask(pixels))
    torch.testing.assert_close(whole[:, :, 10:30, 12:20], clean[:, :, 10:30, 12:20])
    assert whole[..., :12].max() == 0  # what is not hand stays black


def test_hands_are_sheared_to_both_sides():
    class Upright(Draw):
        """Draws no turn, so that only shear can slant an upright bar."""

        def around(self, middle, below, above):
            drawn = super().around(middle, below, above)
            return 0 * drawn if below == math.radians(30) else drawn

    bar = torch.zeros(100, 3, 32, 32)
    bar[..., 14:18] = 0.8
    _, mask, _ = move(bar, hand_mask(bar), Upright(100, generator()), (1, 1), shift=0)
    columns = torch.arange(32.0)
    top, bottom = ((mask[:, 0, row] * columns).sum(1) / mask[:, 0, row].sum(1) for row in (6, 22))
    slant = (bottom - top) / 16
    assert slant.min() < -0.1 and slant.max() > 0.1 and slant.abs().max() < 0.2
