import pytest
import torch
from torch.utils.data import Subset, TensorDataset

from asl import ASLDataset, batches
from asl.batches import batches_on
from asl.data import get_batch

CPU = torch.device("cpu")


@pytest.fixture
def dataset(write_images):
    return ASLDataset(write_images())


def test_a_batch_is_what_get_batch_returns(dataset):
    indices = torch.tensor([7, 0, 7, 3])
    some = Subset(Subset(dataset, range(100, 0, -1)), range(10, 90, 2))
    other = TensorDataset(torch.randn(8, 3, 5, 5), torch.arange(8))
    for data in (dataset, some, other, ASLDataset(dataset.data_dir, transform=pixels)):
        for found, expected in zip(
            batches_on(data, CPU)(indices), get_batch(data, indices), strict=True
        ):
            assert found.equal(expected) and found.dtype == expected.dtype


def pixels(image):
    return torch.tensor(image.getpixel((0, 0)), dtype=torch.float32).view(3, 1, 1)


def test_pixels_that_do_not_fit_a_gpu_stay_where_they_are(dataset, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2 * dataset.images.numel(), 0))
    gpu = torch.device("cuda")
    assert not batches._fits(dataset.images, gpu) and batches._fits(dataset.images[1:], gpu)
    monkeypatch.setattr(batches, "_fits", lambda *_: False)
    images, labels = batches_on(dataset, CPU)(torch.tensor([5]))
    assert images.equal(get_batch(dataset, [5])[0]) and labels.tolist() == [1]
