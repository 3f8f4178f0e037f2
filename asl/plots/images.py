"""Figures that show images: people, signs, suspects, changed images, what was recognised.

Each function draws one figure, as in `asl.plots.metrics`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from asl.data import ASLDataset, known
from asl.decoding import normalize, open_rgb
from asl.plots.style import BLUE, SKY_BLUE, VERMILION, open_figure, show_image
from asl.signs import SIGNS

if TYPE_CHECKING:
    from pandas import DataFrame

# Side of what is read in sides of the box: `WIDE` of `asl.recognizer.crops`, which figures need
# not import.
READ_MARGIN = 1.25


class Seen(Protocol):
    """The parts of an `asl.Sight` that are drawn. Figures need not import the recogniser."""

    @property
    def frame(self) -> Image.Image: ...
    @property
    def box(self) -> tuple[float, float, float]: ...
    @property
    def crop(self) -> Image.Image: ...
    @property
    def answers(self) -> list[tuple[str | None, float]]: ...


def visualize_data_samples(dataloader: DataLoader, dataset: Dataset) -> Figure:
    """Draws the first twelve images of a loader's first batch, or all of them if there are fewer.

    Args:
        dataloader: batches of normalised images (N, 3, H, W) and labels (N,).
        dataset: the loader's `ASLDataset`, or a `Subset` of it.

    Raises:
        ValueError: if the first argument is no `DataLoader`.
    """
    if not isinstance(dataloader, DataLoader):
        raise ValueError(
            f"expected a DataLoader as first argument, found {type(dataloader).__name__}: pass "
            "DataLoader(dataset, batch_size=12)"
        )
    images, labels = next(iter(dataloader))
    named: Any = dataset.dataset if isinstance(dataset, Subset) else dataset
    count = min(12, len(images))
    figure, axes = open_figure(9, 2.5 * -(-count // 4), rows=-(-count // 4), columns=4)
    for axis in axes[count:]:
        axis.set_axis_off()
    for axis, image, label in zip(axes, images, labels, strict=False):
        show_image(axis, image, f"Sign: {named.get_label_name(int(label))}")
    return figure


def plot_suspects(table: "DataFrame", count: int = 10) -> Figure:
    """Draws the images at the top of an audit, without near-copies.

    The frames of a burst are near-copies and tend to be suspected together. Those that are filed
    as the same sign and look like the same sign are drawn once: the most suspicious of them.

    Args:
        table: what `audit_dataset` returned.
        count: how many images at most, at least 1.

    Raises:
        ValueError: if there is nothing to draw.
    """
    firsts: dict[tuple, dict] = {}
    for row in table.to_dict("records"):
        firsts.setdefault((row["given"], row["suspected"], _burst_of(row["file"])), row)
    rows = list(firsts.values())[: max(0, count)]
    if not rows:
        raise ValueError(
            f"expected at least one image and a count of at least 1, found {len(table)} images and "
            f"a count of {count}"
        )
    columns = min(5, len(rows))
    lines = -(-len(rows) // columns)
    figure, axes = open_figure(1.7 * columns, 2.2 * lines, rows=lines, columns=columns)
    for axis in axes:
        axis.set_axis_off()
    for axis, row in zip(axes, rows, strict=False):
        axis.imshow(open_rgb(row["file"]))
        axis.set_title(f"filed as {row['given']}\nlike {row['suspected']}")
    return figure


def plot_signs(*datasets: ASLDataset, signer: int | None = None) -> Figure:
    """Draws one image of each sign from each dataset, one dataset below the other.

    Args:
        datasets: for example rendered hands and photographs.
        signer: whose images to draw. None takes the first image of each sign.
    """
    count, columns = len(datasets), 12
    rows = count * -(-len(SIGNS) // columns)
    figure, axes = open_figure(0.9 * columns, 1.0 * rows, rows=rows, columns=columns)
    grid = np.array(axes).reshape(-1, count, columns)  # rows of signs, dataset, column
    for label, sign in enumerate(SIGNS):
        for i, dataset in enumerate(datasets):
            axis = grid[label // columns, i, label % columns]
            _show_first(axis, dataset, label, signer)
            if i == 0:
                axis.set_title(sign, fontsize=11)
    return figure


def plot_people(dataset: ASLDataset, signs: Sequence[str] = ("5", "f", "k", "y")) -> Figure:
    """Draws a row of pictures for each signer: some signs, each in every light.

    Args:
        dataset: images whose file names tell signers and lights.
        signs: the signs to draw.
    """
    people = known(dataset.signers)
    lights = sorted({light for light in dataset.lights if light is not None})
    columns = [(sign, light) for sign in signs for light in lights]
    width = len(columns)
    figure, axes = open_figure(1.05 * width, 1.1 * len(people), rows=len(people), columns=width)
    for i, axis in enumerate(axes):
        sign, light = columns[i % width]
        person = people[i // width]
        _show_first(axis, dataset, SIGNS.index(sign), person, light)
        if i < width:
            axis.set_title(f"{sign}, {light}", fontsize=10)
        if i % width == 0:
            where = {"xycoords": "axes fraction", "ha": "center", "va": "center"}
            axis.annotate(f"signer {person}", (-0.08, 0.5), rotation=90, fontsize=9, **where)
    return figure


def plot_augmented(
    dataset: ASLDataset,
    augment: Callable[[Tensor, torch.Generator], Tensor],
    *,
    rows: int = 4,
    columns: int = 11,
    seed: int = 0,
) -> Figure:
    """Draws images as they are, on the left, and as a network sees them, changed at random.

    Args:
        dataset: the images. Some are drawn, spread over the signs.
        augment: as in `asl.train_model`.
        rows: number of images.
        columns: number of pictures of each image.
        seed: fixes the choice and the changes.
    """
    generator = torch.Generator().manual_seed(seed)
    offset = torch.rand((), generator=generator)  # images are sorted by sign
    chosen = ((torch.arange(rows) + offset) * len(dataset) / rows).long()
    figure, axes = open_figure(1.3 * columns, 1.35 * rows + 0.2, rows=rows, columns=columns)
    for row, image in enumerate(normalize(dataset.images[chosen])):
        changed = augment(image.repeat(columns - 1, 1, 1, 1), generator)
        for column, picture in enumerate([image, *changed]):
            show_image(axes[row * columns + column], picture, "")
    axes[0].set_title("as it is")
    axes[1].set_title("as a network sees it", loc="left")
    return figure


def plot_sights(sights: Sequence[Seen]) -> Figure:
    """Draws what a recogniser saw: for each picture a row with a box, the crop and the answers.

    The box is what is cut out and read: the hand's, with its margin.

    Args:
        sights: what `asl.Recognizer.look` returned, at least one.

    Raises:
        ValueError: if there is no sight.
    """
    if not sights:
        raise ValueError("expected at least one sight to draw, found none")
    # The first column fits the widest picture, within reason. Crops are square.
    widest = max(sight.frame.width / sight.frame.height for sight in sights)
    widths = (min(max(widest, 1), 2), 1, 2)
    rows = len(sights)
    figure, axes = open_figure(2.1 * sum(widths), 2.7 * rows, rows, columns=3, widths=widths)
    for (whole, cut, bars), sight in zip(np.array(axes).reshape(-1, 3), sights, strict=True):
        _show_sight(whole, sight)
        whole.set_title("where the hand is")
        cut.imshow(sight.crop)
        cut.set_title("what is read")
        cut.set_axis_off()
        names = ["no confident sign" if sign is None else sign for sign, _ in sight.answers]
        shares = [100 * probability for _, probability in sight.answers]
        colours = ["0.6" if sign is None else BLUE for sign, _ in sight.answers]
        drawn = bars.barh(range(len(names)), shares, color=colours)
        bars.bar_label(drawn, fmt="%.0f %%", padding=3)
        bars.set_yticks(range(len(names)), names)
        bars.invert_yaxis()
        bars.set_xlim(0, 118)
        bars.set_xlabel("probability (%)")
        bars.spines[["top", "right"]].set_visible(False)
    return figure


def plot_gallery(
    sights: Sequence[Seen], signs: Sequence[str | None] | None = None, columns: int = 10
) -> Figure:
    """Draws many small pictures, each with the box that is read and the answer above it.

    Args:
        sights: what `asl.Recognizer.look` returned, at least one.
        signs: the true sign of each picture, or None where it is not known. Wrong answers are red,
            with the true sign in brackets.
        columns: pictures in a row.

    Raises:
        ValueError: if there is no sight, or not one sign for each sight.
    """
    signs = [None] * len(sights) if signs is None else signs
    if not sights or len(signs) != len(sights):
        raise ValueError(
            f"expected at least one sight and a sign for each, found {len(sights)} sights and "
            f"{len(signs)} signs"
        )
    columns = min(columns, len(sights))
    rows = -(-len(sights) // columns)
    figure, axes = open_figure(1.3 * columns, 1.5 * rows, rows=rows, columns=columns)
    for axis, sight, sign in zip(axes, sights, signs, strict=False):
        _show_sight(axis, sight)
        answer, probability = sight.answers[0]
        wrong = sign is not None and sign not in (answer or "").split(" or ")
        title = "no sign" if answer is None else f"{answer} {100 * probability:.0f} %"
        colour = VERMILION if wrong else "black"
        axis.set_title(f"{title} ({sign})" if wrong else title, color=colour, fontsize=9)
    for axis in axes[len(sights) :]:
        axis.set_axis_off()
    return figure


def _burst_of(file: str) -> tuple[Path, str]:
    """Returns a file's folder and its name without the frame's number, alike within a burst."""
    path = Path(file)
    return path.parent, path.name.partition("_seg_")[0]


def _show_sight(axis: Axes, sight: Seen) -> None:
    """Shows a picture, and the box of what is read of it, which may reach beyond its edges."""
    axis.imshow(sight.frame)
    x, y, half = sight.box
    width, height = sight.frame.size
    unit = max(width, height) / 2
    reach = READ_MARGIN * half * unit
    left, top = width / 2 + x * unit - reach - 0.5, height / 2 + y * unit - reach - 0.5
    box = Rectangle((left, top), 2 * reach, 2 * reach, fill=False, color=SKY_BLUE, linewidth=2)
    axis.add_patch(box)
    line = 0.01 * unit  # half of the line's width, roughly
    axis.set_xlim(min(-0.5, left - line), max(width - 0.5, left + 2 * reach + line))
    axis.set_ylim(max(height - 0.5, top + 2 * reach + line), min(-0.5, top - line))
    axis.set_axis_off()


def _show_first(
    axis: Axes, dataset: ASLDataset, label: int, signer: int | None, light: str | None = None
) -> None:
    """Shows the first image of a sign, a signer and a light, or nothing if there is none."""
    axis.set_axis_off()
    facts = zip(dataset.labels, dataset.signers, dataset.lights, strict=True)
    for i, (its_label, its_signer, its_light) in enumerate(facts):
        if its_label == label and signer in (None, its_signer) and light in (None, its_light):
            axis.imshow(dataset.images[i].permute(1, 2, 0).numpy())
            return
