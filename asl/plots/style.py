"""What all figures share: how they are opened, their colours, how an image is shown."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from asl.decoding import denormalize

COLOURS = sns.color_palette("colorblind")  # ten that most colour-blind people can tell apart
BLUE, ORANGE, GREEN, VERMILION, SKY_BLUE = (COLOURS[i] for i in (0, 1, 2, 3, 9))


class _FigureShownOnce(Figure):
    """A figure that a notebook shows once, also when it is the value of its cell's last line."""

    def _repr_mimebundle_(self, **_) -> dict:
        # IPython calls this before it draws the value of a cell. When the cell ends, the notebook's
        # backend draws all figures that pyplot knows, so this one would appear twice.
        if "inline" in plt.get_backend():
            plt.close(self)
        return {}  # IPython then draws the figure like any other


def open_figure(
    width: float,
    height: float,
    rows: int = 1,
    columns: int = 1,
    widths: Sequence[float] | None = None,
) -> tuple[Figure, list]:
    """Opens a figure and returns it with its axes in reading order.

    Args:
        width: of the figure, in inches.
        height: the same.
        rows: of axes.
        columns: of axes.
        widths: how wide the columns are, one to another. None makes them equal.
    """
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, height),
        width_ratios=widths,
        layout="constrained",
        squeeze=False,
        FigureClass=_FigureShownOnce,
    )
    for axis in axes.flat:
        # An image narrower or flatter than its place hangs at the top. In the middle, constrained
        # layout would take the gap for room that the title may use, and cut the title off.
        axis.set_anchor("N")
    return figure, list(axes.flat)


def show_image(axis: Axes, image: Tensor, title: str) -> None:
    """Shows a normalised image (3, H, W) without axes."""
    axis.imshow(denormalize(image.cpu()).permute(1, 2, 0).numpy())
    axis.set_title(title)
    axis.set_axis_off()
