import pytest

from asl import ASLDataset


@pytest.fixture
def dataset(write_images):
    """Five images of each sign."""
    return ASLDataset(write_images())
