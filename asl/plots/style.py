"""What all figures share: how they are opened, their colours, how an image is shown."""

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from asl.decoding import denormalize

BLUE, ORANGE, GREEN, VERMILION = (sns.color_palette("colorblind")[i] for i in (0, 1, 2, 3))


class _FigureShownOnce(Figure):
    """A figure that a notebook shows once, also when it is the value of its cell's last line."""

    def _repr_mimebundle_(self, **_) -> dict:
        # IPython calls this before it draws the value of a cell. When the cell ends, the notebook's
        # backend draws all figures that pyplot knows, so this one would appear twice.
        if "inline" in plt.get_backend():
            plt.close(self)
        return {}  # IPython then draws the figure like any other


def open_figure(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple[Figure, list]:
    """Opens a figure (size in inches) and returns it with its axes in reading order."""
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, height),
        layout="constrained",
        squeeze=False,
        FigureClass=_FigureShownOnce,
    )
    return figure, list(axes.flat)


def show_image(axis: Axes, image: Tensor, title: str) -> None:
    """Shows a normalised image (3, H, W) without axes."""
    axis.imshow(denormalize(image.cpu()).permute(1, 2, 0).numpy())
    axis.set_title(title)
    axis.set_axis_off()
