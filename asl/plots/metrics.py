"""Figures that show numbers.

Each function draws one figure with pyplot. A notebook shows it once, when the cell ends, and a
script shows it at `plt.show()`; nothing here calls `show`. Functions that take a model ask
`asl.training` and `asl.evaluation.metrics` for the numbers, then draw.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import nn
from torch.utils.data import DataLoader, Dataset

from asl.evaluation.metrics import accuracy, confusion_matrix, per_class_accuracy
from asl.plots.style import BLUE, GREEN, ORANGE, open_figure
from asl.signs import SIGNS, sign_name
from asl.training import predict_log_probs

# Guessing within the three look-alike pairs is right half the time: 30 of 36 signs, and 3 more.
_CEILING = 33 / 36
_PALETTE = ("0.5", BLUE, ORANGE, GREEN)
_LABELLINGS = ("36 labels", "33 shapes (0/o, 2/v, 6/w merged)")


def plot_training_metrics(
    sequential_metrics: Mapping[str, Sequence[float]],
    module_metrics: Mapping[str, Sequence[float]],
    *,
    baseline: float | None = None,
) -> Figure:
    """Draws losses, test accuracy, learning rate and time per epoch of two trainings.

    Args:
        sequential_metrics: what `train_model` returned for the first model.
        module_metrics: the same for the second.
        baseline: test accuracy of a 1-nearest-neighbour on pixels, in percent, for a dashed line.
    """
    figure, (losses, accuracies, rates, times) = open_figure(11, 8, rows=2, columns=2)
    runs = {
        "Sequential": (sequential_metrics, BLUE, "o", "-"),
        "nn.Module": (module_metrics, ORANGE, "s", ":"),
    }
    for name, (metrics, color, marker, line) in runs.items():
        epochs = range(1, len(metrics["train_losses"]) + 1)
        style = {"color": color, "marker": marker, "markersize": 4}
        losses.plot(epochs, metrics["train_losses"], label=f"{name}, train", **style)
        losses.plot(epochs, metrics["test_losses"], "--", label=f"{name}, test", **style)
        accuracies.plot(epochs, metrics["test_accuracies"], label=name, **style)
        # Two trainings with the same rates would hide each other's line, so one of them is dotted.
        rates.plot(epochs, metrics["learning_rates"], line, label=name, **style)
        seconds = np.asarray(metrics["epoch_times"])
        times.bar(name, seconds.mean(), yerr=seconds.std(), capsize=6, color=color, width=0.6)

    if baseline is not None:
        accuracies.axhline(baseline, color="0.4", linestyle="--", label="1-nearest-neighbour")
    losses.set(title="Loss", ylabel="Mean negative log-likelihood (nats)")
    accuracies.set(title="Test accuracy", ylabel="Accuracy (%)")
    rates.set(title="Learning rate at the end of each epoch", ylabel="Learning rate")
    times.set(title="Time per epoch, mean ± standard deviation", ylabel="Time (s)")
    rates.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    for axis in (losses, accuracies, rates):
        axis.set_xlabel("Epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend()
        axis.grid(alpha=0.3)
    times.grid(axis="y", alpha=0.3)
    return figure


def plot_confusion_matrix(
    model: nn.Module,
    test_loader: DataLoader,
    dataset: Dataset,
    num_classes: int = len(SIGNS),
    model_name: str = "Model",
) -> Figure:
    """Draws how often each sign (row) was taken for each sign (column).

    Args:
        model: images → log-probabilities (N, num_classes).
        test_loader: the images to predict.
        dataset: not used. The notebook we were given passes it.
        num_classes: rows and columns.
        model_name: for the title.
    """
    log_probs, labels = predict_log_probs(model, test_loader)
    counts = confusion_matrix(log_probs, labels, num_classes).numpy()
    figure, (axis,) = open_figure(11, 9.5)
    names = [sign_name(label) for label in range(num_classes)]
    sns.heatmap(
        counts,
        annot=np.where(counts > 0, counts.astype(str), ""),  # a page of zeros hides the errors
        fmt="",
        cmap="Blues",
        xticklabels=names,
        yticklabels=names,
        linewidths=0.4,
        linecolor="0.92",
        annot_kws={"fontsize": 8},
        cbar_kws={"label": "Images", "ticks": MaxNLocator(integer=True)},
        ax=axis,
    )
    axis.tick_params(axis="y", rotation=0)
    axis.set(
        title=f"{model_name}: {100 * accuracy(log_probs, labels):.1f} % of {len(labels)} images",
        xlabel="Predicted sign",
        ylabel="Actual sign",
    )
    return figure


def compare_per_class_accuracy(
    sequential_model: nn.Module, module_model: nn.Module, test_loader: DataLoader
) -> tuple[np.ndarray, np.ndarray]:
    """Draws both models' accuracy on each sign, and returns the two.

    Args:
        sequential_model: images → log-probabilities (N, 36).
        module_model: the same.
        test_loader: the images to predict.

    Returns:
        Two float arrays (36,) from 0 to 1; nan, drawn as "×", for a sign without test images.
    """
    answers = [predict_log_probs(model, test_loader) for model in (sequential_model, module_model)]
    accuracies = [per_class_accuracy(confusion_matrix(*answer)).numpy() for answer in answers]
    figure, (axis,) = open_figure(13, 4.5)
    x, width = np.arange(len(SIGNS)), 0.4
    runs = (("Sequential", BLUE, -width / 2), ("nn.Module", ORANGE, width / 2))
    for (name, color, shift), values in zip(runs, accuracies, strict=True):
        axis.bar(x + shift, 100 * np.nan_to_num(values), width, label=name, color=color)
    absent = x[np.isnan(accuracies[0])]
    if len(absent):
        axis.plot(absent, np.full(len(absent), 3), "x", color="0.4", label="no test images")
    axis.set(title="Accuracy on each sign", xlabel="Sign", ylabel="Accuracy (%)", ylim=(0, 105))
    axis.set_xticks(x, SIGNS)
    axis.margins(x=0.01)
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)
    figure.legend(loc="outside upper right", ncols=3)
    return accuracies[0], accuracies[1]


def plot_protocols(evaluations: Mapping[str, Mapping]) -> Figure:
    """Draws the accuracy of models on seen and unseen bursts and people.

    Args:
        evaluations: protocol → what ``asl evaluate`` wrote for it. All hold the same models, up to
            four.
    """
    questions = {
        "random": "random split:\nnear-copies seen",
        "burst": "new bursts,\nsame people",
        "signer": "unseen signer",
    }
    figure, axes = open_figure(12, 4.8, columns=2)
    models = list(next(iter(evaluations.values()))["models"])
    width = 0.8 / len(models)
    for axis, key, title in zip(axes, ("labels_36", "shapes_33"), _LABELLINGS, strict=True):
        for i, model in enumerate(models):
            entries = [evaluations[protocol]["models"][model][key] for protocol in evaluations]
            means = np.array([100 * entry["accuracy"]["mean"] for entry in entries])
            ends = np.array([entry["accuracy"]["interval"] for entry in entries]).T * 100
            x = np.arange(len(means)) + (i - (len(models) - 1) / 2) * width
            bars = axis.bar(x, means, 0.92 * width, label=_name(model), color=_PALETTE[i])
            axis.errorbar(x, means, yerr=np.abs(ends - means), fmt="none", ecolor="0.2", capsize=2)
            axis.bar_label(bars, fmt="%.0f", label_type="center", color="white", fontsize=9)
        axis.set_xticks(range(len(evaluations)), [questions[p] for p in evaluations])
        axis.set(title=title, ylabel="Accuracy (%)", ylim=(0, 105))
        axis.grid(axis="y", alpha=0.3)
        axis.set_axisbelow(True)
    axes[0].axhline(100 * _CEILING, color="0.2", linestyle=":", linewidth=1.5)
    axes[0].annotate(
        "look-alikes guessed: 92 %", (2.45, 100 * _CEILING), ha="right", va="bottom", fontsize=9
    )
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(models))
    return figure


def plot_signers(models: Mapping[str, Mapping]) -> Figure:
    """Draws the accuracy on each signer, left out in turn, over the 33 shapes.

    Args:
        models: name → what `CrossValidation.scores` returned for the protocol ``"signer"``, up to
            four.
    """
    figure, (axis,) = open_figure(9, 4)
    for i, (model, scores) in enumerate(models.items()):
        entry = scores["shapes_33"]
        rows = entry["per_signer"]
        drawn = [*rows.values(), entry["signer_mean"]]
        axis.errorbar(
            np.arange(len(drawn)) + 0.12 * (i - (len(models) - 1) / 2),
            [100 * row["mean"] for row in drawn],
            yerr=[100 * (row["sd"] or 0) for row in drawn],
            fmt="xos^"[i],
            color=_PALETTE[i],
            capsize=3,
            label=_name(model),
        )
    ticks = [f"signer {signer}\nn = {row['n']}" for signer, row in rows.items()]
    axis.set_xticks(range(len(drawn)), [*ticks, "mean of\nsigners"])
    axis.axvline(len(rows) - 0.5, color="0.8", linewidth=1)
    axis.set(title="Accuracy on each signer when left out, 33 shapes", ylabel="Accuracy (%)")
    axis.grid(axis="y", alpha=0.3)
    axis.legend()
    return figure


def plot_reliability(entry: Mapping[str, Any], name: str) -> Figure:
    """Draws confidence against accuracy, and accuracy against the share of images answered.

    Args:
        entry: ``labels_36`` or ``shapes_33`` from what `CrossValidation.scores` returned.
        name: the title.
    """
    figure, (diagram, answered) = open_figure(10, 4.6, columns=2)
    diagram.plot((0, 100), (0, 100), ":", color="0.4", label="perfectly calibrated")
    runs = {"": ("as trained", ORANGE, "s--"), "_calibrated": ("after temperature", BLUE, "o-")}
    for suffix, (label, color, style) in runs.items():
        if f"ece{suffix}" not in entry:
            continue
        bins = 100 * np.array([row[1:] for row in entry[f"reliability{suffix}"]])
        error = 100 * entry[f"ece{suffix}"]["mean"]
        diagram.plot(*bins.T, style, color=color, label=f"{label}: error {error:.1f} %")
        shares = 100 * np.array(entry[f"selective{suffix}"])
        answered.plot(*shares.T, style, color=color, label=label)
    diagram.set(title="Reliability", xlabel="Confidence (%)", ylabel="Accuracy (%)")
    answered.set(
        title="Answering only when confident", xlabel="Images answered (%)", ylabel="Accuracy (%)"
    )
    for axis in (diagram, answered):
        axis.grid(alpha=0.3)
        axis.legend()
    figure.suptitle(name)
    return figure


def _name(model: str) -> str:
    """Turns a model's name on the command line into its name in figures."""
    names = {
        "nearest": "1-nearest-neighbour",
        "mlp": "MLP",
        "cnn": "CNN",
        "cnn-channel": "CNN, channel attention",
    }
    return names.get(model, model)
