import pytest
import torch

from asl import normalize


@pytest.fixture
def pixels():
    """Forty hands, or what stands for one: a skin-coloured bar from the lower edge upwards."""
    pixels = torch.zeros(40, 3, 32, 32)
    pixels[:, :, 8:, 12:20] = torch.tensor([0.8, 0.6, 0.5]).view(3, 1, 1)
    return pixels


@pytest.fixture
def images(pixels):
    return normalize(255 * pixels)
