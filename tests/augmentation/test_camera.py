import pytest
import torch

from asl.augmentation import camera
from asl.augmentation.camera import cut_off, degrade, relight
from asl.augmentation.random_draws import Draw


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("step", [cut_off, relight, degrade])
def test_steps_keep_shape_and_change_some(step, pixels):
    changed = step(pixels, Draw(40, generator()))
    assert changed.shape == pixels.shape and changed.isfinite().all()
    different = (changed != pixels).flatten(1).any(dim=1).float().mean()
    assert 0.05 < different <= 1


def test_a_side_may_be_black_but_not_the_middle():
    white = torch.ones(40, 3, 32, 32)
    cut = cut_off(white, Draw(40, generator()))
    assert cut[:, :, 9:23, 9:23].min() == 1
    rows, columns = (cut.amax(dim=(1, 3)) == 0).any(dim=1), (cut.amax(dim=(1, 2)) == 0).any(dim=1)
    assert 3 <= rows.sum() <= 18 and 3 <= columns.sum() <= 18


def test_light_changes_contrast_as_gamma_does():
    stripes = torch.full((200, 3, 32, 32), 0.05)
    stripes[..., 1::2] = 0.2
    lit = relight(stripes, Draw(200, generator()))[:, 0, 16, 14:18].log()
    # Exposure scales both stripes alike. Only gamma scales the distance of their logarithms.
    gamma = (lit[:, 1] - lit[:, 0]) / (torch.tensor(0.2 / 0.05)).log()
    assert gamma.min() < 0.75 and gamma.max() > 1.3 and gamma.std() > 0.15
    assert gamma.min() > 0.6 and gamma.max() < 1.6


def test_half_of_the_pictures_get_noise():
    flat = torch.full((200, 3, 32, 32), 0.5)  # blur and JPEG leave it flat
    grain = degrade(flat, Draw(200, generator())).flatten(1).std(dim=1)
    assert 0.3 < (grain > 0.003).float().mean() < 0.6
    assert 0.04 < grain.max() < 0.08


def test_three_pictures_in_ten_lose_detail_as_in_jpeg(pixels, monkeypatch):
    monkeypatch.setattr(camera, "_jpeg", lambda pixels, coarseness: 0 * pixels - 1)
    lost = (degrade(pixels.repeat(5, 1, 1, 1), Draw(200, generator())) == -1).flatten(1).all(dim=1)
    assert 0.2 < lost.float().mean() < 0.4


def test_coarser_jpeg_loses_more_and_keeps_the_mean():
    noise = 0.5 + 0.1 * torch.randn(2, 3, 20, 20, generator=generator())  # no multiple of a block
    fine, coarse = camera._jpeg(noise, torch.tensor([0.001, 0.12]).view(2, 1, 1, 1))
    torch.testing.assert_close(fine, noise[0], atol=0.01, rtol=0)
    assert coarse.std() < 0.8 * noise[1].std()
    assert abs(coarse.mean() - noise[1].mean()) < 0.02
