import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure

from asl import normalize
from asl.plots.style import open_figure, show_image


@pytest.fixture
def cell(monkeypatch):
    """Runs a cell whose last line is a figure, as IPython and its inline backend do.

    IPython's own formatter draws the cell's value. Then the backend, of which this is a fake, draws
    every figure that pyplot still knows. The cell returns how often its figure was drawn.
    """
    monkeypatch.setattr(plt, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    formatter = DisplayFormatter()
    formatter.formatters["image/png"].for_type(Figure, lambda figure: b"a picture")

    def run(figure):
        as_value = "image/png" in formatter.format(figure)[0]
        return as_value + plt.fignum_exists(figure.number)

    return run


def test_a_notebook_shows_a_figure_once(cell):
    assert cell(plt.figure()) == 2  # what the figures of `open_figure` avoid
    assert cell(open_figure(2, 1)[0]) == 1
    text = DisplayFormatter().format(open_figure(2, 1)[0])[0]["text/plain"]
    assert text.startswith("<_FigureShownOnce size 200x100")  # stands in the saved notebook


def test_a_notebook_shows_a_figure_that_is_not_the_cells_value(cell):
    figure, _ = open_figure(2, 1)
    assert plt.fignum_exists(figure.number)  # nobody asked for the value: the backend draws it


def test_a_script_keeps_its_figures_until_it_shows_them():
    figure, _ = open_figure(2, 1)
    figure._repr_mimebundle_()
    assert plt.fignum_exists(figure.number)


def test_axes_come_in_reading_order_and_the_size_is_in_inches():
    figure, axes = open_figure(6, 4, rows=2, columns=3)
    assert figure.get_size_inches().tolist() == [6, 4]
    places = [axis.get_subplotspec().get_position(figure) for axis in axes]
    assert len(axes) == 6 and places[0].y0 > places[3].y0 and places[0].x0 < places[1].x0


def test_columns_are_as_wide_as_asked_one_to_another():
    figure, axes = open_figure(6, 4, columns=2, widths=(1, 3))
    first, second = (axis.get_subplotspec().get_position(figure).width for axis in axes)
    assert second == pytest.approx(3 * first)


def test_no_title_is_cut_off_above_a_flat_image():
    figure, axes = open_figure(4.8, 2.9, columns=2)
    for axis in axes:
        axis.imshow(np.zeros((2, 2)))
        axis.set_axis_off()
        axis.set_title("two\nlines")
    figure.canvas.draw()
    assert all(axis.title.get_window_extent().y1 <= figure.bbox.y1 for axis in axes)


def test_an_image_is_shown_as_its_pixels():
    pixels = torch.randint(0, 256, (3, 4, 5), dtype=torch.uint8)
    _, (axis,) = open_figure(1, 1)
    show_image(axis, normalize(pixels), "title")
    shown = axis.images[0].get_array()
    np.testing.assert_allclose(255 * shown, pixels.permute(1, 2, 0), atol=1e-3)
    assert axis.get_title() == "title" and not axis.axison
