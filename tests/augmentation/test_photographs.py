import pytest
import torch
import torch.nn.functional as F

from asl.augmentation import photographs
from asl.augmentation.photographs import AROUND, crop_photographs, nothing_to_read

PLAIN = {"strength": 0.0, "windows": (1.0, 1.0), "shift": 0.0, "tilt": 0.0}
USUAL = {"strength": 0.6, "windows": (0.85, 1.45), "shift": 0.25, "tilt": 45.0}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(count, side=64):
    """Returns photographs that are smooth enough to be sampled anywhere."""
    coarse = 255 * torch.rand(count, 3, 5, 5, generator=generator())
    smooth = F.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 255)
    return smooth.round().byte()


def bars(count, side=64):
    """Returns photographs of a light bar, upright in the middle."""
    pixels = torch.zeros(count, 3, side, side, dtype=torch.uint8)
    pixels[..., side // 4 : -side // 4, side // 2 - 4 : side // 2 + 4] = 255
    return pixels


def test_each_photograph_is_changed_in_its_own_way_repeatably():
    photographs = noise(1).expand(30, -1, -1, -1)
    first = crop_photographs(photographs, generator(), 32, **USUAL)
    assert first.shape == (30, 3, 32, 32) and first.min() >= 0 and first.max() <= 1
    assert len(first.flatten(1).unique(dim=0)) == 30
    state = torch.get_rng_state()
    assert first.equal(crop_photographs(photographs, generator(), 32, **USUAL))
    assert not first.equal(crop_photographs(photographs, generator(1), 32, **USUAL))
    assert torch.get_rng_state().equal(state)


def test_a_crop_of_the_hands_size_is_the_middle_of_the_photograph_and_half_are_mirrored():
    photographs = noise(1).expand(200, -1, -1, -1)
    crops = crop_photographs(photographs, generator(), 32, **PLAIN)
    middle = photographs[0, :, 16:48, 16:48].float() / 255  # half a side of 64: AROUND is 2
    assert AROUND == 2
    # All but those that are turned: with no tilt, two in five are not turned at all.
    straight, mirrored = (
        (crops - expected).abs().amax(dim=(1, 2, 3)) < 0.02 for expected in (middle, middle.flip(2))
    )
    assert 0.25 < (straight | mirrored).float().mean() < 0.6
    assert 0.3 < mirrored.sum() / (straight | mirrored).sum() < 0.7


def angles(crops):
    """Returns by how many degrees bars are turned from upright, (N,)."""
    light = crops.mean(dim=1)
    axis = torch.arange(crops.shape[-1]).float()
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    total = light.sum(dim=(1, 2)).view(-1, 1, 1)
    dx = x - (light * x).sum(dim=(1, 2)).view(-1, 1, 1) / total.flatten().view(-1, 1, 1)
    dy = y - (light * y).sum(dim=(1, 2)).view(-1, 1, 1) / total.flatten().view(-1, 1, 1)
    xx, yy, xy = ((light * a * b).sum(dim=(1, 2)) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    return torch.rad2deg(torch.atan2(2 * xy, yy - xx) / 2)


def test_two_hands_in_five_are_turned_as_far_as_told_the_others_a_little():
    plain = PLAIN | {"windows": (1.5, 1.5), "tilt": 60.0}
    turned = angles(crop_photographs(bars(400), generator(), 64, **plain))
    assert turned.min() < -50 and turned.max() > 50 and turned.abs().max() < 62
    # Of the two in five, three quarters are turned by more than 15 degrees.
    assert 0.2 < (turned.abs() > 16).float().mean() < 0.4
    assert turned.median().abs() < 3


def test_windows_and_shift_are_as_told():
    plain = PLAIN | {"windows": (0.8, 1.6), "shift": 0.3}
    crops = crop_photographs(bars(300), generator(), 64, **plain).mean(dim=1)
    rows = (crops.amax(dim=2) > 0.5).sum(dim=1) / 64  # of the bar, one hand high, turned a little
    whole = (crops[:, [0, -1]].amax(dim=(1, 2)) < 0.5) & (rows > 0)
    assert 0.58 < rows[whole].min() < 0.72 and rows.max() > 0.95
    axis = torch.linspace(-1, 1, 64)
    middles = (crops.amax(dim=1) * axis).sum(dim=1) / crops.amax(dim=1).sum(dim=1)
    assert middles.abs().max() < 0.36 and middles.min() < -0.22 and middles.max() > 0.22


def test_beyond_the_photograph_it_is_mirrored_not_black():
    white = torch.full((50, 3, 64, 64), 255, dtype=torch.uint8)
    crops = crop_photographs(
        white, generator(), 32, **PLAIN | {"windows": (2.4, 2.4), "tilt": 45.0, "shift": 0.3}
    )
    assert crops.min() > 0.99


# --- what is no hand -----------------------------------------------------------------------------


@pytest.fixture
def backgrounds():
    return torch.full((2, 3, 40, 40), 128, dtype=torch.uint8)


def distinct(count, side=32):
    """Returns pictures in which no pixel occurs twice."""
    values = torch.arange(count * 3 * side * side).view(count, 3, side, side)
    return values / values.max()


@pytest.fixture(params=[True, False], ids=["", "on a GPU"])
def either_way(request, monkeypatch):
    """Counting costs nothing, or is waited for and therefore not done."""
    monkeypatch.setattr(photographs, "counts_freely", lambda device: request.param)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("seed", range(6))
def test_shuffled_tiles_keep_their_pixels_in_another_order(seed, backgrounds):
    pictures = distinct(40)
    made = nothing_to_read(pictures, generator(seed), 0.6, backgrounds)
    assert made.shape == pictures.shape and made.min() >= 0 and made.max() <= 1
    shuffled, before = made[20:], pictures[20:]
    assert shuffled.flatten(2).sort(dim=2).values.equal(before.flatten(2).sort(dim=2).values)
    assert (shuffled != before).flatten(1).any(dim=1).all()  # none is as it was
    # Whole tiles: what was side by side still is, for a quarter of the side at least.
    steps = shuffled[..., 1:] - shuffled[..., :-1]
    assert ((steps[..., :7] - steps[0, 0, 0, 0]).abs() < 1e-6).all()


@pytest.mark.usefixtures("either_way")
def test_tiles_are_halves_or_quarters_of_the_side(backgrounds):
    breaks = set()
    for seed in range(8):
        made = nothing_to_read(distinct(4), generator(seed), 0.6, backgrounds)[2:]
        steps = made[..., 1:] - made[..., :-1]
        jumps = (steps - steps[0, 0, 0, 0]).abs() > 1e-6
        breaks.add(tuple(jumps.flatten(0, 2).any(dim=0).nonzero().flatten().tolist()))
    assert {(15,), (7, 15, 23)} >= breaks and len(breaks) == 2


def test_the_other_half_are_backgrounds_that_show_nothing_of_the_pictures(backgrounds):
    white, black = (torch.full((40, 3, 32, 32), value) for value in (1.0, 0.0))
    first, second = (nothing_to_read(p, generator(), 0.6, backgrounds)[:20] for p in (white, black))
    assert first.equal(second) and len(first.flatten(1).unique(dim=0)) == 20


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("side", [30, 33, 112])
def test_few_pictures_of_any_size(count, side, backgrounds):
    pictures = torch.rand(count, 3, side, side, generator=generator())
    for seed in range(3):
        made = nothing_to_read(pictures, generator(seed), 0.6, backgrounds)
        assert made.shape == pictures.shape and made.isfinite().all()
        assert made.min() >= 0 and made.max() <= 1
