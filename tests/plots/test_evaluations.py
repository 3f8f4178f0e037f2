import numpy as np
import pytest

from asl import (
    ASLDataset,
    NearestNeighbour,
    create_sequential_model,
    cross_validate,
    plot_protocols,
    plot_reliability,
    plot_signers,
)


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
    assert legend == ["1-nearest-neighbour", "MLP", "look-alikes guessed: 92 %"]
    assert not [text for text in axes[0].texts if "look-alikes" in text.get_text()]
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


def test_signers_say_what_their_error_bars_are(scores):
    def title():
        return plot_signers(scores).axes[0].get_legend().get_title().get_text()

    assert title() == "one seed"
    for entry in scores.values():
        entry["seeds"] = 5
    assert title() == "mean ± standard deviation\nover 5 seeds"
    scores["mlp"]["seeds"] = 3
    assert title() == "mean ± standard deviation\nover seeds"


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
