import torch

from asl.augmentation.hands import hand_mask
from asl.augmentation.random_draws import Draw
from asl.augmentation.skin_tones import tint_skin


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_skin_covers_the_range_of_tones_and_keeps_what_is_light_and_dark(pixels):
    pixels[:, :, 8:16] *= 0.5  # a shadow
    tinted = tint_skin(pixels, hand_mask(pixels), Draw(40, generator()))
    tone = tinted[:, :, 20, 15].mean(dim=1)
    assert tone.min() < 0.2 and tone.max() > 0.7
    assert (tinted[:, :, 10, 15] <= tinted[:, :, 20, 15]).all()
    assert tinted[:, :, 0].max() == 0
