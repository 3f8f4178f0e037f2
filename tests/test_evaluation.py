import pytest
import torch
from torch.utils.data import TensorDataset

from asl import (
    accuracy,
    confusion_matrix,
    nearest_neighbour_accuracy,
    normalize,
    per_class_accuracy,
    summarize,
)


def answers(predictions, classes=36):
    """Log-probabilities of a model that is sure of its predictions."""
    return torch.nn.functional.one_hot(torch.tensor(predictions), classes).float().log()


def test_accuracy():
    assert accuracy(answers([1, 2, 3, 3]), torch.tensor([1, 2, 3, 4])) == 0.75


def test_confusion_has_actual_rows_and_predicted_columns():
    confusion = confusion_matrix(answers([1, 2, 2, 0], 3), torch.tensor([1, 1, 2, 1]), 3)
    assert confusion.tolist() == [[0, 0, 0], [1, 1, 1], [0, 0, 1]]


def test_absent_class_is_nan_not_zero():
    rates = per_class_accuracy(torch.tensor([[0, 0, 0], [1, 1, 2], [0, 0, 1]]))
    assert rates[0].isnan()
    torch.testing.assert_close(rates[1:], torch.tensor([0.25, 1.0]))


@pytest.mark.parametrize(
    ("log_probs", "labels", "words"),
    [
        (answers([1, 2]), torch.tensor([1]), r"found \(2, 36\) and \(1,\)"),
        (torch.zeros(0, 36), torch.zeros(0, dtype=torch.long), r"found \(0, 36\) and \(0,\)"),
    ],
)
def test_lengths_that_do_not_fit(log_probs, labels, words):
    for function in (accuracy, confusion_matrix):
        with pytest.raises(ValueError, match=words):
            function(log_probs, labels)


@pytest.mark.parametrize("label", [-1, 5])
def test_labels_outside_the_matrix(label):
    with pytest.raises(ValueError, match="from 0 to 2, found"):
        confusion_matrix(answers([0, 1], 3), torch.tensor([0, label]), 3)


def test_nearest_neighbour_measures_raw_pixels():
    grey = torch.tensor([0, 100, 200], dtype=torch.uint8)
    train = normalize(grey.view(-1, 1, 1, 1).expand(-1, 3, 2, 2))
    test = normalize(torch.tensor([40, 160, 190, 255]).view(-1, 1, 1, 1).expand(-1, 3, 2, 2))
    found = nearest_neighbour_accuracy(
        TensorDataset(train, torch.tensor([7, 8, 9])),
        TensorDataset(test, torch.tensor([7, 9, 9, 8])),  # nearest: 7, 9, 9, 9
    )
    assert found == 0.75


def test_summary_reports_best_final_and_difference():
    first = {
        "train_losses": [2.0, 1.0],
        "test_losses": [2.5, 1.5],
        "test_accuracies": [90.0, 80.0],
        "epoch_times": [1.0, 3.0],
    }
    second = {**first, "test_accuracies": [70.0, 95.0], "epoch_times": [4.0, 4.0]}
    table = summarize({"MLP": first, "CNN": second})
    assert table["MLP"].tolist() == [90, 80, 1, 1.5, 2]
    assert table["difference"].tolist() == [5, 15, 0, 0, 2]
    assert "difference" not in summarize({"MLP": first})
