"""Figures of trainings, and of what the trained models answer.

Each function draws one figure with pyplot. A notebook shows it once, when the cell ends, and a
script shows it at `plt.show()`; nothing here calls `show`. Functions that take a model ask
`asl.training` and `asl.evaluation.metrics` for the numbers, then draw. Where a loader is expected,
a dataset will do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import nn
from torch.utils.data import DataLoader, Dataset

from asl.data import SizedDataset
from asl.evaluation.metrics import accuracy, confusion_matrix, per_class_accuracy
from asl.plots.naming import named
from asl.plots.style import BLUE, COLOURS, VERMILION, open_figure
from asl.signs import SIGNS, sign_name
from asl.training import predict_log_probs

_MARKERS = "os^DvPX"
_LINES = ("-", ":", "--", "-.")
_CURVES = ("train_losses", "test_losses", "test_accuracies", "learning_rates", "epoch_times")
_MOST_BARS = 4  # a sign; more would be hairlines

Metrics = Mapping[str, Sequence[float]]
Models = nn.Module | Sequence[nn.Module] | Mapping[str, nn.Module]


def plot_training_metrics(
    sequential_metrics: Metrics | Sequence[Metrics] | Mapping[str, Metrics],
    module_metrics: Metrics | None = None,
    *,
    names: Sequence[str] | None = None,
    baseline: float | None = None,
) -> Figure:
    """Draws losses, test accuracy, learning rate and time per epoch of one or more trainings.

    Trainings may have different numbers of epochs. One without a test part has no test curves.

    Args:
        sequential_metrics: what `train_model` returned, a sequence of such, or a mapping from names
            to such, in any number.
        module_metrics: the same for a second training, if the first argument is one training.
        names: one for each training. None takes the keys of a mapping, or the attribute ``name`` of
            the metrics, or else "Model". Equal names are numbered.
        baseline: test accuracy of a 1-nearest-neighbour on pixels, in percent, for a dashed line.

    Raises:
        ValueError: if these are not metrics of at least one training, or `names` do not fit them.
    """
    given: Any = sequential_metrics
    if _is_metrics(given):
        given = [given] if module_metrics is None else [given, module_metrics]
    elif module_metrics is not None:
        raise ValueError(
            "expected metrics from train_model as first of two arguments, found "
            f"{type(given).__name__}: put all trainings into one mapping from names to metrics"
        )
    runs = named(
        given,
        names,
        fits=_is_metrics,
        expected=f"metrics from train_model ({', '.join(_CURVES)})",
        own_name=lambda run: getattr(run, "name", "Model"),
    )

    figure, (losses, accuracies, rates, times) = open_figure(11, 8, rows=2, columns=2)
    for axis in (accuracies, rates):
        axis.sharex(losses)
    for i, (name, metrics) in enumerate(runs):
        color = COLOURS[i % len(COLOURS)]
        style = {"color": color, "marker": _MARKERS[i % len(_MARKERS)], "markersize": 4}
        _draw_curve(losses, metrics["train_losses"], "-", label=f"{name}, train", **style)
        _draw_curve(losses, metrics["test_losses"], "--", label=f"{name}, test", **style)
        _draw_curve(accuracies, metrics["test_accuracies"], "-", label=name, **style)
        # Trainings with the same rates would hide each other's lines, so the later ones have gaps.
        line = _LINES[i % len(_LINES)]
        _draw_curve(rates, metrics["learning_rates"], line, label=name, **style)
        seconds = np.asarray(metrics["epoch_times"])
        times.bar(i, seconds.mean(), yerr=seconds.std(), capsize=6, color=color, width=0.6)

    if not accuracies.lines:
        where = {"xycoords": "axes fraction", "ha": "center", "va": "center"}
        accuracies.annotate("not measured: no test part", (0.5, 0.25), color="0.4", **where)
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
        if axis.lines:
            axis.legend()
        axis.grid(alpha=0.3)
    crowded = len(runs) > len(_LINES)
    times.set_xticks(
        range(len(runs)),
        [name for name, _ in runs],
        rotation=30 if crowded else 0,
        ha="right" if crowded else "center",
    )
    times.set(xlim=(-0.6, len(runs) - 0.4))
    times.set_ylim(bottom=0)
    times.grid(axis="y", alpha=0.3)
    return figure


def plot_confusion_matrix(
    model: nn.Module,
    test_loader: DataLoader | SizedDataset,
    dataset: Dataset,
    num_classes: int = len(SIGNS),
    model_name: str | None = None,
) -> Figure:
    """Draws how often each sign (row) was taken for each sign (column).

    Right answers are blue and errors vermilion: the more images, the darker.

    Args:
        model: images → log-probabilities (N, num_classes).
        test_loader: the images to predict.
        dataset: not used. The notebook we were given passes it.
        num_classes: rows and columns.
        model_name: for the title. None takes the name of the model's class.
    """
    log_probs, labels = predict_log_probs(model, test_loader)
    counts = confusion_matrix(log_probs, labels, num_classes).numpy()
    right = counts.diagonal()
    errors = counts - np.diag(right)
    figure, (axis,) = open_figure(11, 9.5)
    names = [sign_name(label) for label in range(num_classes)]
    # Errors count below zero, so that one scale of colours, one a number, holds both.
    wrong, blue = _shades(VERMILION, errors.max()), _shades(BLUE, right.max())
    sns.heatmap(
        np.diag(right) - errors,
        annot=np.where(counts > 0, counts.astype(str), ""),  # a page of zeros hides the errors
        fmt="",
        cmap=[*wrong[::-1], (1.0, 1.0, 1.0), *blue],
        vmin=-len(wrong) - 0.5,
        vmax=len(blue) + 0.5,
        xticklabels=names,
        yticklabels=names,
        linewidths=0.4,
        linecolor="0.88",
        annot_kws={"fontsize": 8},
        cbar_kws={
            "label": "wrong  ←  images  →  right",
            "ticks": MaxNLocator(integer=True),
            "format": lambda value, _: f"{abs(value):.0f}",
        },
        ax=axis,
    )
    axis.tick_params(axis="y", rotation=0)
    name = type(model).__name__ if model_name is None else model_name
    share = f"{100 * accuracy(log_probs, labels):.1f} %"
    axis.set(
        title=f"{name}: {share} of {len(labels)} images right",
        xlabel="Predicted sign",
        ylabel="Actual sign",
    )
    return figure


def plot_per_class_accuracy(
    models: Models, test_loader: DataLoader | SizedDataset, *, names: Sequence[str] | None = None
) -> Figure:
    """Draws the accuracy of up to four models on each sign.

    Args:
        models: images → log-probabilities (N, 36). One, a sequence, or a mapping from names.
        test_loader: the images to predict.
        names: one for each model. None takes the keys of a mapping, or else the names of the
            classes. Equal names are numbered.

    Raises:
        ValueError: if these are not one to four models, or `names` do not fit them.
    """
    return _draw_per_class(models, test_loader, names)[0]


def compare_per_class_accuracy(
    sequential_model: nn.Module,
    module_model: nn.Module,
    test_loader: DataLoader | SizedDataset,
    *,
    names: Sequence[str] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws both models' accuracy on each sign, and returns the two.

    Args:
        sequential_model: images → log-probabilities (N, 36).
        module_model: the same.
        test_loader: the images to predict.
        names: of the two models. None takes the names of their classes. Equal names are numbered.

    Returns:
        Two float arrays (36,) from 0 to 1; nan, drawn as "×", for a sign without test images.

    Raises:
        ValueError: as `plot_per_class_accuracy`.
    """
    _, (first, second) = _draw_per_class([sequential_model, module_model], test_loader, names)
    return first, second


def _draw_per_class(
    models: Models, test_loader: DataLoader | SizedDataset, names: Sequence[str] | None
) -> tuple[Figure, list[np.ndarray]]:
    """Draws the accuracy of models on each sign, and returns the figure and the accuracies."""
    runs = named(
        models,
        names,
        fits=lambda model: isinstance(model, nn.Module),
        expected="models (nn.Module)",
        own_name=lambda model: type(model).__name__,
    )
    if len(runs) > _MOST_BARS:
        raise ValueError(
            f"expected at most {_MOST_BARS} models, found {len(runs)}: draw several figures"
        )
    answers = [predict_log_probs(model, test_loader) for _, model in runs]
    accuracies = [per_class_accuracy(confusion_matrix(*answer)).numpy() for answer in answers]
    figure, (axis,) = open_figure(13, 4.5)
    x, width = np.arange(len(SIGNS)), 0.8 / len(runs)
    for i, ((name, _), values) in enumerate(zip(runs, accuracies, strict=True)):
        places = x + (i - (len(runs) - 1) / 2) * width
        axis.bar(places, 100 * np.nan_to_num(values), width, label=name, color=COLOURS[i])
    absent = x[np.isnan(accuracies[0])]
    if len(absent):
        axis.plot(absent, np.full(len(absent), 3), "x", color="0.4", label="no test images")
    axis.set(title="Accuracy on each sign", xlabel="Sign", ylabel="Accuracy (%)")
    axis.set_xticks(x, SIGNS)
    # Room for the legend above the highest bars.
    axis.set(ylim=(0, 114), yticks=range(0, 101, 20))
    axis.margins(x=0.01)
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)
    axis.legend(loc="upper right", ncols=len(runs) + 1)
    return figure, accuracies


def _is_metrics(thing: Any) -> bool:
    return isinstance(thing, Mapping) and set(thing) >= set(_CURVES)


def _draw_curve(axis: Axes, values: Sequence[float], line: str, **style: Any) -> None:
    """Draws one value an epoch, or nothing if nothing was measured."""
    curve = np.asarray(values, dtype=float)
    if not np.isnan(curve).all():  # also true of no values
        axis.plot(range(1, len(curve) + 1), curve, line, **style)


def _shades(color: tuple[float, float, float], most: int) -> list[tuple]:
    """Returns a colour for each number from 1 to `most`; the first stands out from white."""
    dark = tuple(0.5 * part for part in color)
    shades = sns.blend_palette(["white", color, dark], as_cmap=True)
    return [shades(share) for share in np.linspace(0.25, 0.8, most)]
