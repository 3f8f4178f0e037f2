"""Trains the finder: draws scenes in which the hand's box is known, and learns from them."""

import os
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from asl.augmentation.hands import picture_hands
from asl.data import SizedDataset, get_batch
from asl.devices import autocast, drawn_generator, seeded, usable_device
from asl.fingerprints import describe_training
from asl.optimization import Checkpoint, run_epochs
from asl.recognizer.networks import HandFinder
from asl.recognizer.recipe import Recipe


def draw_scenes(
    images: Tensor,
    generator: torch.Generator,
    recipe: Recipe = Recipe(),
    *,
    photographs: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Puts hands of all sizes anywhere before backgrounds, and leaves some backgrounds empty.

    Args:
        images: normalised float (N, 3, S, S): hands on black, each filling its picture.
        generator: draws all numbers; on the images' device.
        recipe: how small hands may be, how strong changes are, how many scenes are empty.
        photographs: as in `asl.augment`.

    Returns:
        scenes: normalised float (N, 3, S, S)
        boxes: float (N, 3)
        present: float (N,), 1 where there is a hand
    """
    present = (
        torch.rand(len(images), generator=generator, device=images.device)
        > recipe.finder_empty_share
    )
    scenes, boxes = picture_hands(
        images,
        generator,
        strength=recipe.finder_strength,
        background_share=recipe.finder_background_share,
        photographs=photographs,
        windows=recipe.finder_windows,
        hands=present,
    )
    return scenes, boxes, present.float()


def train_finder(
    finder: HandFinder,
    train_data: SizedDataset,
    recipe: Recipe = Recipe(),
    *,
    photographs: Tensor | None = None,
    checkpoint: str | os.PathLike | None = None,
    batch_size: int = 64,
    half_precision: bool = False,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> list[float]:
    """Trains a finder in place, as `asl.train_model` trains a model.

    The finder ends in evaluation mode.

    Args:
        finder: the network.
        train_data: items (image (3, H, H) of a hand on black, label). Labels are not used.
        recipe: epochs, learning rate, weight decay, seed, and the scenes' settings.
        photographs: as in `draw_scenes`.
        checkpoint, batch_size, half_precision, device, progress: as in `asl.train_model`.

    Returns:
        The mean loss of each epoch.
    """
    device = usable_device(device)
    finder.to(device)
    results: dict[str, list[float]] = {"train_losses": [], "learning_rates": []}
    with seeded(recipe.seed, device):
        generator = drawn_generator(device)

        def loss_of(indices: Tensor) -> Tensor:
            images, _ = get_batch(train_data, indices, device)
            images = _resized(images, finder.image_size)
            scenes, boxes, present = draw_scenes(images, generator, recipe, photographs=photographs)
            with autocast(device, half_precision):
                found, evidence = finder(scenes)
            return finder_loss(found, evidence, boxes, present)

        kept = None
        if checkpoint is not None:
            options = {"recipe": recipe, "photographs": photographs, "drawing": draw_scenes}
            numbers: dict[str, Any] = {"batch_size": batch_size, "half_precision": half_precision}
            numbers["device"] = device.type
            described = describe_training(finder, train_data, None, options, numbers)
            kept = Checkpoint(Path(checkpoint), described)
        run_epochs(
            finder,
            len(train_data),
            loss_of,
            recipe.finder_epochs,
            results,
            batch_size=batch_size,
            lr=recipe.finder_learning_rate,
            weight_decay=recipe.weight_decay,
            drawn=generator,
            checkpoint=kept,
            name="Finder" if progress else None,
        )
    return results["train_losses"]


def _resized(images: Tensor, size: int) -> Tensor:
    """Returns square images (N, 3, size, size)."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True)


def finder_loss(found: Tensor, evidence: Tensor, boxes: Tensor, present: Tensor) -> Tensor:
    """Returns the mean loss of a batch, for where the hand is and whether there is one.

    Distances count in sizes of the hand, so that small hands are found as precisely as large ones.

    Args:
        found: boxes (N, 3), as answered.
        evidence: log-odds (N,) of a hand, as answered.
        boxes: (N, 3), the true ones.
        present: (N,), 1 or 0. Boxes count only where it is 1.
    """
    error = box_error(found, boxes)
    distance = F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=0.2)
    placing = (distance.sum(dim=1) * present).sum() / present.sum().clamp(min=1)
    return placing + F.binary_cross_entropy_with_logits(evidence, present)


def box_error(found: Tensor, boxes: Tensor) -> Tensor:
    """Returns errors (N, 3): of x and y in half sides of the true box, and of its size's log."""
    half = boxes[:, 2:]
    return torch.cat([(found[:, :2] - boxes[:, :2]) / half, (found[:, 2:] / half).log()], dim=1)
