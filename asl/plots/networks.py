"""Figures of what a network makes of an image: its attention and its features.

Each function draws one figure, as in `asl.plots.metrics`. The models are asked in evaluation mode.
"""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from asl.decoding import normalize
from asl.plots.style import BLUE, GREEN, VERMILION, open_figure, show_image
from asl.signs import sign_name
from asl.training import EVALUATION_BATCH

CHANNELS = {"red": VERMILION, "green": GREEN, "blue": BLUE}


def visualize_channel_attention(model: nn.Module, data_loader: DataLoader | Dataset) -> np.ndarray:
    """Draws images with the weights that the gate gives to red, green and blue.

    It draws the first image of each sign in the batch, up to five. Neighbours in a batch may be
    near-copies.

    Args:
        model: an `ASLNet`, or any model whose ``attention_weights`` maps images to weights (N, 3).
            In an `ASLNet` with ``attention="scalar"`` only the mean of the three weights acts.
        data_loader: its first batch is used. Of a dataset, the first images.

    Returns:
        Float array (N, 3): the weights of every image of that batch.

    Raises:
        ValueError: if the model has no such method, or there is no image.
    """
    images, labels = _first_batch(data_loader)
    weights = _ask(model, "attention_weights", images).numpy()
    firsts: dict[int, int] = {}  # label → its first image
    for i, label in enumerate(labels.tolist()):
        firsts.setdefault(label, i)
    chosen = list(firsts.items())[:5]
    count = len(chosen)
    figure, axes = open_figure(2.2 * count + 0.4, 4.6, rows=2, columns=count)
    for (label, i), top, bottom in zip(chosen, axes[:count], axes[count:], strict=True):
        show_image(top, images[i], f"Sign: {sign_name(label)}")
        bars = bottom.bar(list(CHANNELS), weights[i], color=list(CHANNELS.values()))
        bottom.bar_label(bars, fmt="%.2f")
        bottom.set(ylim=(0, 1.1), yticks=(0, 0.5, 1))
        bottom.label_outer()
    axes[count].set_ylabel("Attention weight")
    figure.suptitle("Weights of the colour channels")
    return weights


def visualize_features(model: nn.Module, data_loader: DataLoader | Dataset) -> Figure:
    """Draws the first image and where the features of each colour channel respond to the hand.

    A feature map is not zero where the image is black. Its biases act there, and at the borders
    convolution pads with zeros, which are brighter than black in a normalised image. So each panel
    shows by how much the maps differ from those of an empty, all-black picture: the absolute
    difference, averaged over the maps. Where it is zero, the network sees only background.

    Args:
        model: an `ASLNet`, or any model whose ``channel_features`` maps images to feature maps
            (N, 3, maps, height, width), one set for each colour channel.
        data_loader: a loader or a dataset. Its first image is used.

    Raises:
        ValueError: if the model has no such method, or there is no image.
    """
    images, labels = _first_batch(data_loader)
    empty = normalize(torch.zeros(images[:1].shape, dtype=torch.uint8))
    seen, background = _ask(model, "channel_features", torch.cat([images[:1], empty]))
    response = (seen - background).abs().mean(dim=1).numpy()  # (3, height, width)
    figure, axes = open_figure(11, 3, columns=4)
    show_image(axes[0], images[0], f"Sign: {sign_name(int(labels[0]))}")
    for axis, channel, panel in zip(axes[1:], CHANNELS, response, strict=True):
        # One scale for the three panels, so that brighter means more active in all of them.
        drawn = axis.imshow(panel, cmap="viridis", vmin=0, vmax=response.max())
        axis.set_title(f"Features from {channel}")
        axis.set_axis_off()
    figure.colorbar(drawn, ax=axes[1:], label="Mean absolute difference", shrink=0.8)
    figure.suptitle("Response beyond an empty picture")
    return figure


def _first_batch(data: DataLoader | Dataset) -> tuple[Tensor, Tensor]:
    """Returns the images (N, 3, H, W) and labels (N,) of a loader's first batch, on the CPU."""
    loader = data if isinstance(data, DataLoader) else DataLoader(data, EVALUATION_BATCH)
    batch = next(iter(loader), None)
    if batch is None:
        raise ValueError("expected at least one image to draw, found none")
    images, labels = batch
    return images.cpu(), labels


@torch.inference_mode()
def _ask(model: nn.Module, method: str, images: Tensor) -> Tensor:
    """Returns what a model's method answers to images, in evaluation mode, on the CPU."""
    if not hasattr(model, method):
        raise ValueError(
            f"expected a model with a method {method}, as asl.ASLNet has one, found "
            f"{type(model).__name__}: pass an ASLNet, or give your model that method"
        )
    was_training = model.training
    model.eval()
    try:
        return getattr(model, method)(images.to(next(model.parameters()).device)).cpu()
    finally:
        model.train(was_training)
