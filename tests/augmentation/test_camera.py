import pytest
import torch

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
