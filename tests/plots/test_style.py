import matplotlib.pyplot as plt
import numpy as np
import torch

from asl import normalize
from asl.plots.style import open_figure, show_image


def test_a_notebook_shows_a_figure_once(monkeypatch):
    """The inline backend draws what pyplot knows when a cell ends, and IPython a cell's value."""
    figure, _ = open_figure(2, 1)
    monkeypatch.setattr(plt, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    assert plt.fignum_exists(figure.number)
    assert figure._repr_mimebundle_() == {}  # as IPython asks for a cell's value
    assert not plt.fignum_exists(figure.number)


def test_a_script_keeps_its_figures_until_it_shows_them():
    figure, _ = open_figure(2, 1)
    figure._repr_mimebundle_()
    assert plt.fignum_exists(figure.number)


def test_axes_come_in_reading_order_and_the_size_is_in_inches():
    figure, axes = open_figure(6, 4, rows=2, columns=3)
    assert figure.get_size_inches().tolist() == [6, 4]
    places = [axis.get_subplotspec().get_position(figure) for axis in axes]
    assert len(axes) == 6 and places[0].y0 > places[3].y0 and places[0].x0 < places[1].x0


def test_an_image_is_shown_as_its_pixels():
    pixels = torch.randint(0, 256, (3, 4, 5), dtype=torch.uint8)
    _, (axis,) = open_figure(1, 1)
    show_image(axis, normalize(pixels), "title")
    shown = axis.images[0].get_array()
    np.testing.assert_allclose(255 * shown, pixels.permute(1, 2, 0), atol=1e-3)
    assert axis.get_title() == "title" and not axis.axison
