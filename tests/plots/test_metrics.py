import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from asl import (
    SIGNS,
    ASLDataset,
    NearestNeighbour,
    compare_per_class_accuracy,
    create_sequential_model,
    cross_validate,
    plot_confusion_matrix,
    plot_protocols,
    plot_reliability,
    plot_signers,
    plot_training_metrics,
)


class Remembers(nn.Module):
    """Gives a fixed list of predictions, whatever it is shown."""

    def __init__(self, predictions):
        super().__init__()
        self.predictions = list(predictions)

    def forward(self, x):
        now, self.predictions = self.predictions[: len(x)], self.predictions[len(x) :]
        return torch.nn.functional.one_hot(torch.tensor(now), 36).float().log()


def test_training_panels_show_the_metrics():
    first = {
        "train_losses": [3.0, 2.0],
        "test_losses": [3.5, 2.5],
        "test_accuracies": [50.0, 60.0],
        "learning_rates": [1e-3, 1e-5],
        "epoch_times": [1.0, 3.0],
    }
    second = {name: [2 * value for value in values] for name, values in first.items()}
    figure = plot_training_metrics(first, second, baseline=98.0)
    losses, accuracies, rates, times = figure.axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in losses.lines}
    assert drawn == {
        "Sequential, train": [3, 2],
        "Sequential, test": [3.5, 2.5],
        "nn.Module, train": [6, 4],
        "nn.Module, test": [7, 5],
    }
    assert accuracies.lines[1].get_ydata().tolist() == [100, 120]
    assert set(accuracies.lines[2].get_ydata()) == {98}
    assert rates.lines[0].get_ydata().tolist() == [1e-3, 1e-5]
    assert losses.lines[0].get_xdata().tolist() == [1, 2]
    assert [bar.get_height() for bar in times.patches] == [2, 4]
    bottom, top = times.collections[0].get_segments()[0][:, 1]
    assert (bottom, top) == (1, 3)  # mean 2 ± standard deviation 1
    assert all("(" in axis.get_ylabel() for axis in (losses, accuracies, times))  # units


def test_confusion_shows_counts_and_leaves_zeros_blank(dataset):
    predictions = [*dataset.labels[:-1], 0]  # one z taken for a 0
    figure = plot_confusion_matrix(
        Remembers(predictions), DataLoader(dataset, batch_size=64), dataset, model_name="A model"
    )
    axis = figure.axes[0]
    counts = np.asarray(axis.collections[0].get_array()).reshape(36, 36)
    assert counts[35, 0] == 1 and counts[35, 35] == 4 and counts[0, 0] == 5
    assert [label.get_text() for label in axis.get_xticklabels()] == list(SIGNS)
    assert [label.get_text() for label in axis.get_yticklabels()] == list(SIGNS)
    assert sorted(text.get_text() for text in axis.texts if text.get_text())[:2] == ["1", "4"]
    assert len([text for text in axis.texts if text.get_text()]) == 37
    assert axis.get_title() == "A model: 99.4 % of 180 images"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("Predicted sign", "Actual sign")


def test_per_class_bars_and_absent_signs(dataset):
    shown = [i for i in range(180) if dataset.labels[i] != 35]  # no z
    part = DataLoader(Subset(dataset, shown), batch_size=64)
    right = [dataset.labels[i] for i in shown]
    wrong_on_0 = [1] * 2 + right[2:]
    first, second = compare_per_class_accuracy(Remembers(right), Remembers(wrong_on_0), part)
    assert first.shape == second.shape == (36,)
    assert np.isnan(first[35]) and np.isnan(second[35])
    assert first[0] == 1 and second[0] == pytest.approx(0.6)
    axis = plt.gcf().axes[0]
    heights = [[bar.get_height() for bar in bars] for bars in axis.containers]
    assert heights[0][0] == 100 and heights[1][0] == pytest.approx(60)
    assert axis.lines[0].get_xdata().tolist() == [35]
    assert [label.get_text() for label in axis.get_xticklabels()] == list(SIGNS)


@pytest.fixture
def scores(people):
    """A lookup and an MLP that has hardly learnt, on three signers."""
    with pytest.warns(UserWarning, match="2 of 36 signs"):
        dataset = ASLDataset(people)
    models = {"nearest": NearestNeighbour, "mlp": create_sequential_model}
    return {
        name: cross_validate(make, dataset, calibrate=True, epochs=1, progress=False).scores()
        for name, make in models.items()
    }


def heights(axis):
    return [bar.get_height() for bar in axis.patches]


def test_protocols_stand_side_by_side_with_their_intervals(scores):
    figure = plot_protocols({"random": {"models": scores}, "signer": {"models": scores}})
    axes = figure.axes
    for axis, key in zip(axes, ("labels_36", "shapes_33"), strict=True):
        accuracies = [100 * scores[name][key]["accuracy"]["mean"] for name in scores]
        assert heights(axis) == pytest.approx(np.repeat(accuracies, 2))
        assert [tick.get_text()[:6] for tick in axis.get_xticklabels()] == ["random", "unseen"]
        ends = axis.containers[1].lines[2][0].get_segments()[0][:, 1]
        interval = scores["nearest"][key]["accuracy"]["interval"]
        np.testing.assert_allclose(ends, 100 * np.array(interval))
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["1-nearest-neighbour", "MLP"]
    assert axes[0].lines[-1].get_ydata()[0] == pytest.approx(100 * 33 / 36)


def test_each_signer_is_drawn_with_n_and_the_mean_last(scores):
    rows = scores["mlp"]["shapes_33"]["per_signer"].values()
    for i, row in enumerate(rows):
        row["mean"] = i / 10
    scores["mlp"]["shapes_33"]["signer_mean"]["mean"] = 0.15
    (axis,) = plot_signers(scores).axes
    ticks = [tick.get_text() for tick in axis.get_xticklabels()]
    assert ticks == [*(f"signer {s}\nn = 20" for s in (1, 2, 3)), "mean of\nsigners"]
    assert axis.containers[1].lines[0].get_ydata().tolist() == pytest.approx([0, 10, 20, 15])


def test_reliability_before_and_after(scores):
    entry = scores["mlp"]["shapes_33"]
    diagram, answered = plot_reliability(entry, "MLP").axes
    for line, suffix in zip(diagram.lines[1:], ("", "_calibrated"), strict=True):
        bins = entry[f"reliability{suffix}"]
        np.testing.assert_allclose(line.get_xydata(), [[100 * c, 100 * a] for _, c, a in bins])
        assert f"error {100 * entry[f'ece{suffix}']['mean']:.1f} %" in line.get_label()
    assert answered.lines[0].get_xdata()[-1] == 100
    del entry["ece_calibrated"]
    assert len(plot_reliability(entry, "MLP").axes[0].lines) == 2
