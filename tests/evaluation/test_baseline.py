import pytest
import torch
from torch.utils.data import Subset, TensorDataset

from asl import NearestNeighbour, nearest_neighbour_accuracy, normalize
from asl.evaluation.metrics import check_answers


def test_nearest_neighbour_measures_raw_pixels():
    grey = torch.tensor([0, 100, 200], dtype=torch.uint8)
    train = normalize(grey.view(-1, 1, 1, 1).expand(-1, 3, 2, 2))
    test = normalize(torch.tensor([40, 160, 190, 255]).view(-1, 1, 1, 1).expand(-1, 3, 2, 2))
    found = nearest_neighbour_accuracy(
        TensorDataset(train, torch.tensor([7, 8, 9])),
        TensorDataset(test, torch.tensor([7, 9, 9, 8])),  # nearest: 7, 9, 9, 9
    )
    assert found == 0.75


def test_answers_are_log_probabilities():
    data = TensorDataset(torch.rand(5, 3, 4, 4), torch.arange(5))
    log_probs = NearestNeighbour().fit(data)(data.tensors[0])
    check_answers(log_probs, data.tensors[1])
    assert log_probs.argmax(dim=1).equal(data.tensors[1])


def test_parts_that_cannot_be_compared():
    small, large = (TensorDataset(torch.zeros(2, 3, s, s), torch.zeros(2).long()) for s in (4, 8))
    with pytest.raises(ValueError, match=r"remembered, \(3, 4, 4\), found \(3, 8, 8\)"):
        nearest_neighbour_accuracy(small, large)
    with pytest.raises(ValueError, match="at least one training image, found none"):
        nearest_neighbour_accuracy(Subset(small, []), small)


def test_an_image_is_its_own_nearest_neighbour():
    levels = torch.arange(0, 252, 7, dtype=torch.uint8)
    images = normalize(levels.view(-1, 1, 1, 1).expand(-1, 3, 2, 2))
    data = TensorDataset(images, torch.arange(36))
    assert nearest_neighbour_accuracy(data, data) == 1
