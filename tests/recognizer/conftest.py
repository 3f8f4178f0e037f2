import pytest
import torch

from asl import ASLDataset


@pytest.fixture
def real(people):
    """Sixty images of three signers and two signs."""
    return ASLDataset(people, image_size=32, progress=False)


@pytest.fixture
def photographs():
    return torch.randint(0, 256, (3, 3, 40, 40), generator=torch.Generator().manual_seed(0)).byte()
