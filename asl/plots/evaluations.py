"""Figures of whole evaluations: protocols side by side, signers, reliability.

Each function draws one figure, as in `asl.plots.metrics`, from figures that `asl.evaluation.report`
computed. They read the same from `CrossValidation.scores` or from the file of ``asl evaluate``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from asl.plots.style import BLUE, GREEN, ORANGE, open_figure

# Guessing within the three look-alike pairs is right half the time: 30 of 36 signs, and 3 more.
_CEILING = 33 / 36
_PALETTE = ("0.5", BLUE, ORANGE, GREEN)
_LABELLINGS = ("36 labels", "33 shapes (0/o, 2/v, 6/w merged)")


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
            ends = (
                np.array([entry["accuracy"]["interval"] or 2 * [np.nan] for entry in entries]).T
                * 100
            )
            x = np.arange(len(means)) + (i - (len(models) - 1) / 2) * width
            bars = axis.bar(x, means, 0.92 * width, label=_name(model), color=_PALETTE[i])
            axis.errorbar(x, means, yerr=np.abs(ends - means), fmt="none", ecolor="0.2", capsize=2)
            axis.bar_label(bars, fmt="%.0f", label_type="center", color="white", fontsize=9)
        axis.set_xticks(range(len(evaluations)), [questions[p] for p in evaluations])
        axis.set(title=title, ylabel="Accuracy (%)", ylim=(0, 105))
        axis.grid(axis="y", alpha=0.3)
        axis.set_axisbelow(True)
    # In the legend, since any place in the panel may be a bar's.
    ceiling = f"look-alikes guessed: {100 * _CEILING:.0f} %"
    axes[0].axhline(100 * _CEILING, color="0.2", linestyle=":", linewidth=1.5, label=ceiling)
    line, *bars = axes[0].get_legend_handles_labels()[0]
    figure.legend(handles=[*bars, line], loc="outside lower center", ncols=len(models) + 1)
    return figure


def plot_signers(models: Mapping[str, Mapping]) -> Figure:
    """Draws the accuracy on each signer, left out in turn, over the 33 shapes.

    Error bars are one standard deviation over seeds to either side. A single seed has none.

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
    seeds = {scores["seeds"] for scores in models.values()}
    over = f"{min(seeds)} seeds" if len(seeds) == 1 else "seeds"
    axis.legend(title="one seed" if seeds == {1} else f"mean ± standard deviation\nover {over}")
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
