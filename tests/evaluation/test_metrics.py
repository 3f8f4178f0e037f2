import math

import pytest
import torch

from asl import (
    ANSWERS,
    SHAPES,
    SIGNS,
    accuracy,
    accuracy_within,
    bootstrap_interval,
    confusion_matrix,
    find_label_issues,
    fit_temperature,
    group_accuracy,
    merge_look_alikes,
    per_class_accuracy,
    reliability,
    selective_accuracy,
    summarize,
)
from asl.evaluation.metrics import merge_shapes


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
def test_labels_out_of_range(label):
    for function in (accuracy, confusion_matrix):
        with pytest.raises(
            ValueError, match=f"from 0 to 2, found {min(0, label)} to {max(0, label)}"
        ):
            function(answers([0, 1], 3), torch.tensor([0, label]))


def test_predictions_outside_the_matrix():
    with pytest.raises(ValueError, match="from 0 to 1, found up to 2"):
        confusion_matrix(answers([0, 2], 3), torch.tensor([0, 1]), 2)


@pytest.mark.parametrize(
    ("row", "found"), [(torch.zeros(3), "3"), (torch.full((3,), torch.nan), "nan")]
)
def test_probabilities_that_do_not_sum_to_one(row, found):
    log_probs = torch.cat([answers([0], 3), row.unsqueeze(0)])
    with pytest.raises(ValueError, match=rf"found a sum of {found} for image 1 \(1 of 2 images\)"):
        accuracy(log_probs, torch.tensor([0, 1]))


def test_look_alikes_are_merged_by_adding_their_probabilities():
    probs = torch.full((1, 36), 0.1 / 33)
    probs[0, [0, 24, 5]] = torch.tensor([0.25, 0.25, 0.4])  # "0", "o" and "5"
    log_probs, labels = merge_look_alikes(probs.log(), torch.tensor([24]))
    assert log_probs.shape == (1, 33)
    assert SHAPES[log_probs.argmax()] == SHAPES[labels[0]] == "0/o"
    assert log_probs.exp()[0, labels[0]].item() == pytest.approx(0.5)
    assert accuracy(log_probs, labels) == 1 and accuracy(probs.log(), torch.tensor([24])) == 0


def test_answers_of_strangers_are_merged_into_32_with_f_and_9_as_one():
    probs = torch.full((2, 36), 0.1 / 33)
    probs[:, [9, 15, 10]] = torch.tensor([0.25, 0.25, 0.4])  # "9", "f" and "a"
    labels = torch.tensor([15, 9])
    log_probs, merged = merge_look_alikes(probs.log(), labels, ANSWERS)
    assert log_probs.shape == (2, 32) and merged[0] == merged[1]
    assert ANSWERS[log_probs[0].argmax()] == ANSWERS[merged[0]] == "9 or f"
    assert log_probs.exp()[0, merged[0]].item() == pytest.approx(0.5)
    assert SHAPES[merge_look_alikes(probs.log(), labels)[0][0].argmax()] == "a"
    torch.testing.assert_close(log_probs.exp().sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("names", [SHAPES, ANSWERS])
def test_each_label_is_merged_into_the_name_that_holds_its_sign(names):
    sure = answers(range(36))
    log_probs, labels = merge_look_alikes(sure.clamp(min=-50), torch.arange(36), names)
    assert log_probs.argmax(dim=1).equal(labels)
    for sign, label in zip(SIGNS, labels, strict=True):
        assert sign in names[label].replace(" or ", "/").split("/")
    several = torch.stack([sure, sure]).clamp(min=-50)  # of two runs
    assert merge_shapes(several, names)[1].equal(log_probs)


def test_group_accuracy_comes_with_counts():
    found = group_accuracy(answers([1, 2, 3, 3]), torch.tensor([1, 2, 3, 4]), [5, 2, 5, 5])
    assert list(found.items()) == [(2, (1.0, 1)), (5, (pytest.approx(2 / 3), 3))]
    with pytest.raises(ValueError, match="each of 1 images, found 2"):
        group_accuracy(answers([1]), torch.tensor([1]), [1, 2])


def test_bootstrap_draws_whole_clusters():
    values = torch.tensor([1.0, 0.0]).repeat_interleave(50)
    # Two bursts of fifty: every draw is all right, half right or all wrong.
    assert bootstrap_interval(values, [0] * 50 + [1] * 50) == (0.0, 1.0)
    low, high = bootstrap_interval(values, range(100))
    assert 0.38 < low < 0.43 and 0.57 < high < 0.62  # 0.5 ± 1.96 · 0.05
    assert bootstrap_interval(values, range(100)) == (low, high)
    # A burst counts by its images: of the draws of two, half hold both, and are right to 0.9.
    unequal = torch.tensor([1.0] * 90 + [0.0] * 10)
    both = bootstrap_interval(unequal, [0] * 90 + [1] * 10, level=0.4)
    assert both == (pytest.approx(0.9), pytest.approx(0.9))
    with pytest.raises(ValueError, match="found 100 values and 3 clusters"):
        bootstrap_interval(values, [0, 1, 2])


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


def test_within_its_signs_only_those_present_may_be_answered():
    log_probs = torch.full((2, 36), 0.01)
    log_probs[0, [3, 20]] = torch.tensor([0.2, 0.46])  # 20 is the answer, but does not occur
    log_probs[1, [3, 7]] = torch.tensor([0.46, 0.2])
    labels = torch.tensor([3, 7])
    assert accuracy(log_probs.log(), labels) == 0
    assert accuracy_within(log_probs.log(), labels) == 0.5


def test_an_interval_is_as_wide_as_its_level_asks():
    values = torch.tensor([1.0, 0.0]).repeat_interleave(200)
    for level, deviations in ((0.95, 1.96), (0.5, 0.674)):
        low, high = bootstrap_interval(values, range(400), level=level)
        assert high - low == pytest.approx(2 * deviations * 0.025, rel=0.1)


class Elsewhere(torch.Tensor):
    """A tensor on a device without float64, as Apple's MPS is."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        if function is torch.Tensor.cpu:
            return arguments[0].as_subclass(torch.Tensor)
        if function is torch.Tensor.double:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return super().__torch_function__(function, types, arguments, options or {})


@pytest.mark.parametrize(
    "measure",
    [
        accuracy,
        accuracy_within,
        confusion_matrix,
        reliability,
        selective_accuracy,
        fit_temperature,
        lambda log_probs, labels: find_label_issues(labels, log_probs),
        lambda log_probs, labels: group_accuracy(log_probs, labels, [0, 1]),
        lambda log_probs, labels: bootstrap_interval(log_probs[:, 0], [0, 1]),
    ],
)
def test_answers_may_lie_on_a_device_without_float64(measure):
    log_probs, labels = torch.zeros(2, 36).log_softmax(1), torch.tensor([0, 1])
    elsewhere = measure(log_probs.as_subclass(Elsewhere), labels.as_subclass(Elsewhere))
    assert str(elsewhere) == str(measure(log_probs, labels))


def test_groups_that_are_not_known_come_last():
    log_probs, labels = torch.zeros(3, 36).log_softmax(1), torch.tensor([0, 0, 1])
    found = group_accuracy(log_probs, labels, [None, 2, 2])
    assert list(found.items()) == [(2, (0.5, 2)), (None, (1.0, 1))]


def test_of_one_burst_there_is_no_interval():
    low, high = bootstrap_interval(torch.ones(5), ["burst"] * 5)
    assert math.isnan(low) and math.isnan(high)
