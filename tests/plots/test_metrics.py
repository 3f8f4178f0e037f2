import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from torch import nn
from torch.utils.data import DataLoader, Subset

from asl import (
    SIGNS,
    compare_per_class_accuracy,
    plot_confusion_matrix,
    plot_per_class_accuracy,
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


FIRST = {
    "train_losses": [3.0, 2.0],
    "test_losses": [3.5, 2.5],
    "test_accuracies": [50.0, 60.0],
    "learning_rates": [1e-3, 1e-5],
    "epoch_times": [1.0, 3.0],
}
SECOND = {name: [2 * value for value in values] for name, values in FIRST.items()}


class Named(dict):
    """Metrics that know their model's name."""

    def __init__(self, metrics, name):
        super().__init__(metrics)
        self.name = name


def test_training_panels_show_the_metrics():
    figure = plot_training_metrics(FIRST, SECOND, names=["A", "B"], baseline=98.0)
    losses, accuracies, rates, times = figure.axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in losses.lines}
    assert drawn == {
        "A, train": [3, 2],
        "A, test": [3.5, 2.5],
        "B, train": [6, 4],
        "B, test": [7, 5],
    }
    assert accuracies.lines[1].get_ydata().tolist() == [100, 120]
    assert set(accuracies.lines[2].get_ydata()) == {98}
    assert rates.lines[0].get_ydata().tolist() == [1e-3, 1e-5]
    assert losses.lines[0].get_xdata().tolist() == [1, 2]
    assert [bar.get_height() for bar in times.patches] == [2, 4]
    bottom, top = times.collections[0].get_segments()[0][:, 1]
    assert (bottom, top) == (1, 3)  # mean 2 ± standard deviation 1
    assert all("(" in axis.get_ylabel() for axis in (losses, accuracies, times))  # units


@pytest.mark.parametrize(
    ("given", "names", "shown"),
    [
        ([FIRST], None, ["Model"]),
        ([FIRST, SECOND], None, ["Model 1", "Model 2"]),
        ([Named(FIRST, "MLP"), SECOND], None, ["MLP", "Model"]),
        ([Named(FIRST, "MLP"), Named(SECOND, "MLP")], None, ["MLP 1", "MLP 2"]),
        ([Named(FIRST, "MLP"), SECOND], ["mine", "yours"], ["mine", "yours"]),
        ([[FIRST, SECOND, FIRST]], ["a", "b", "a"], ["a 1", "b", "a 2"]),
        ([{"CNN": FIRST, 7: Named(SECOND, "MLP")}], None, ["CNN", "7"]),
    ],
)
def test_trainings_bear_the_names_that_they_were_given(given, names, shown):
    _, accuracies, rates, times = plot_training_metrics(*given, names=names).axes
    assert [line.get_label() for line in accuracies.lines] == shown
    assert [line.get_label() for line in rates.lines] == shown
    assert [tick.get_text() for tick in times.get_xticklabels()] == shown


def test_many_trainings_of_different_lengths_can_be_told_apart():
    runs = {f"run {i}": {key: values * (i + 1) for key, values in FIRST.items()} for i in range(12)}
    runs["run 11"] |= {"test_losses": [], "test_accuracies": []}
    losses, accuracies, rates, times = plot_training_metrics(runs).axes
    assert [len(line.get_xdata()) for line in accuracies.lines] == list(range(2, 23, 2))
    assert accuracies.get_xlim() == losses.get_xlim()  # epochs stand below each other
    looks = {(line.get_color(), line.get_marker()) for line in rates.lines}
    assert len(looks) == len(times.patches) == 12


@pytest.mark.parametrize("nothing", [[], [np.nan, np.nan]])
def test_a_training_without_test_part_has_no_test_curve(nothing):
    untested = FIRST | {"test_losses": nothing, "test_accuracies": nothing}
    losses, accuracies, *_ = plot_training_metrics(untested, SECOND).axes
    labels = [line.get_label() for line in losses.lines]
    assert labels == ["Model 1, train", "Model 2, train", "Model 2, test"]
    assert [line.get_label() for line in accuracies.lines] == ["Model 2"]
    assert not accuracies.texts
    alone = plot_training_metrics(untested).axes[1]
    assert not alone.lines and alone.texts[0].get_text() == "not measured: no test part"
    plt.gcf().canvas.draw()  # warns of nothing, nor did the lines above


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        ([3], None, r"expected metrics from train_model \(train_losses, .*found int"),
        ([{"train_losses": [1.0]}], None, "found list"),
        ([[]], None, "found none"),
        ([{"A": FIRST}, SECOND], None, "put all trainings into one mapping"),
        ([FIRST, SECOND], ["A"], r"expected a list of 2 name\(s\), found \['A'\]"),
        ([FIRST], "A", r"expected a list of 1 name\(s\), found 'A'"),
        ([{"A": FIRST}], ["B"], "expected no names with a mapping"),
    ],
)
def test_what_is_no_training_is_refused(given, names, message):
    with pytest.raises(ValueError, match=message):
        plot_training_metrics(*given, names=names)


def confusion_of(figure):
    """The heatmap's axis and its numbers, in which errors are negative."""
    figure.canvas.draw()
    axis = figure.axes[0]
    return axis, np.asarray(axis.collections[0].get_array()).reshape(36, 36)


def test_confusion_shows_counts_and_leaves_zeros_blank(dataset):
    predictions = [*dataset.labels[:-1], 0]  # one z taken for a 0
    figure = plot_confusion_matrix(
        Remembers(predictions), DataLoader(dataset, batch_size=64), dataset, model_name="A model"
    )
    axis, counts = confusion_of(figure)
    assert counts[35, 0] == -1 and counts[35, 35] == 4 and counts[0, 0] == 5
    assert [label.get_text() for label in axis.get_xticklabels()] == list(SIGNS)
    assert [label.get_text() for label in axis.get_yticklabels()] == list(SIGNS)
    assert sorted(text.get_text() for text in axis.texts if text.get_text())[:2] == ["1", "4"]
    assert len([text for text in axis.texts if text.get_text()]) == 37
    assert axis.get_title() == "A model: 99.4 % of 180 images right"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("Predicted sign", "Actual sign")
    scale = figure.axes[1]
    assert not any("-" in tick.get_text() for tick in scale.get_yticklabels())
    assert "wrong" in scale.get_ylabel() and "right" in scale.get_ylabel()


@pytest.mark.parametrize("most", [1, 5, 500])
def test_a_single_image_stands_out_however_many_others_there_are(most):
    labels = [0] * (most + 1) + [1] * (most + 1)
    predictions = [0] * most + [1] + [1] + [0] * most  # one of 0 is wrong, one of 1 is right
    images = torch.utils.data.TensorDataset(torch.zeros(len(labels), 3), torch.tensor(labels))
    axis, counts = confusion_of(plot_confusion_matrix(Remembers(predictions), images, None))
    assert counts[:2, :2].tolist() == [[most, -1], [-most, 1]]
    colours = axis.collections[0].get_facecolors().reshape(36, 36, 4)[..., :3]
    for red, green, blue in (colours[0, 1], colours[1, 0]):
        assert red > green > blue and red - blue > 0.4  # vermilion
    for red, green, blue in (colours[0, 0], colours[1, 1]):
        assert blue > green > red and max(blue, 1 - red) > 0.3
    assert to_rgb(colours[2, 2]) == (1, 1, 1)


def test_confusions_of_models_that_are_always_right_or_always_wrong(dataset):
    figure = plot_confusion_matrix(Remembers(dataset.labels), dataset, dataset)
    assert figure.axes[0].get_title() == "Remembers: 100.0 % of 180 images right"
    assert confusion_of(figure)[1].min() == 0
    shifted = [(label + 1) % 36 for label in dataset.labels]
    assert confusion_of(plot_confusion_matrix(Remembers(shifted), dataset, dataset))[1].max() == 0


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
    compare_per_class_accuracy(Remembers(right), Remembers(right), part, names=["A", "B"])
    assert names_in_legend(plt.gcf())[1:] == ["A", "B"]


def names_in_legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_the_legend_of_single_signs_covers_no_bar(dataset):
    models = [Remembers(dataset.labels) for _ in range(4)]
    figure = plot_per_class_accuracy(models, dataset)
    figure.canvas.draw()
    (axis,) = figure.axes
    legend = axis.get_legend().get_window_extent()
    assert axis.bbox.y1 >= legend.y1 and axis.bbox.x1 >= legend.x1
    assert all(bar.get_window_extent().y1 < legend.y0 for bar in axis.patches)


def test_accuracies_of_one_model_or_of_several_side_by_side(dataset):
    def model():
        return Remembers(dataset.labels)

    assert names_in_legend(plot_per_class_accuracy(model(), dataset)) == ["Remembers"]
    mapping = {"A": model(), "B": model(), "C": model()}
    figure = plot_per_class_accuracy(mapping, DataLoader(dataset, batch_size=64))
    assert names_in_legend(figure) == ["A", "B", "C"]
    places = [bars[7].get_x() for bars in figure.axes[0].containers]
    np.testing.assert_allclose(np.diff(places), 0.8 / 3)
    assert places[0] > 7 - 0.5 and places[-1] + 0.8 / 3 < 7 + 0.5
    unnamed = plot_per_class_accuracy((model(), model()), dataset)
    assert names_in_legend(unnamed) == ["Remembers 1", "Remembers 2"]
    assert names_in_legend(plot_per_class_accuracy([model()], dataset, names=["A"])) == ["A"]


def test_what_is_no_model_and_too_many_are_refused(dataset):
    for bad, found in (("mlp", "str"), ([], "none"), ({"A": 3}, "int")):
        with pytest.raises(ValueError, match=f"expected models .*found {found}"):
            plot_per_class_accuracy(bad, dataset)
    with pytest.raises(ValueError, match="expected at most 4 models, found 5"):
        plot_per_class_accuracy([Remembers(dataset.labels)] * 5, dataset)
