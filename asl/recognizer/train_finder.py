"""Trains the finder: draws scenes in which the hand's box is known, and learns from them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.augmentation.hands import picture_hands
from asl.batches import batches_on
from asl.checkpoints import Checkpoint
from asl.data import SizedDataset
from asl.descriptions import describe_share, describe_training
from asl.devices import AdamW, drawn_generator, seeded, usable_device
from asl.fingerprints import fingerprint
from asl.optimization import run_epochs
from asl.processes.group import ALONE, Processes
from asl.processes.shared_models import shared
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.recipe import Recipe

_MIDDLE, _AROUND = 0.25, 0.6  # halves of the hand: where it is, and where that is not so clear


def draw_scenes(
    images: Tensor,
    generator: torch.Generator,
    recipe: Recipe = Recipe(),
    *,
    backgrounds: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Puts hands of all sizes anywhere before backgrounds, and leaves some backgrounds empty.

    Args:
        images: normalised float (N, 3, S, S): hands on black, each filling its picture.
        generator: draws all numbers; on the images' device.
        recipe: how small hands may be, how strong changes are, how many scenes are empty.
        backgrounds: the photographs of `asl.augment`.

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
        photographs=backgrounds,
        windows=recipe.finder_windows,
        tilt=recipe.finder_tilt,
        hands=present,
    )
    return scenes, boxes, present.float()


def train_finder(
    finder: HandFinder,
    train_data: SizedDataset,
    recipe: Recipe = Recipe(),
    *,
    backgrounds: Tensor | None = None,
    epochs: int | None = None,
    kept: Iterable[nn.Module] = (),
    checkpoint: str | os.PathLike | None = None,
    batch_size: int = 32,
    device: torch.device | str | None = None,
    processes: Processes = ALONE,
    progress: bool = True,
) -> list[float]:
    """Trains a finder in place, as `asl.train_model` trains a model.

    The finder ends in evaluation mode.

    Args:
        finder: the network.
        train_data: items (image (3, H, H) of a hand on black, label). Labels are not used.
        recipe: epochs, learning rate, weight decay, seed, and the scenes' settings.
        backgrounds: as in `draw_scenes`.
        epochs: None takes the recipe's.
        kept: layers to leave as they are.
        checkpoint, batch_size, device, processes, progress: as in `asl.train_model`. Each process
            draws all scenes of a batch, and computes the network for its part of them.

    Returns:
        The mean loss of each epoch.
    """
    device = usable_device(processes.device if device is None else device)
    finder.to(device)
    for layers in kept:
        layers.requires_grad_(False)
    batch_of = batches_on(train_data, device)
    if backgrounds is not None:  # moved once: a step that moved pixels would wait for a GPU
        backgrounds = backgrounds.to(device)
    results: dict[str, list[float]] = {"train_losses": [], "learning_rates": []}
    with seeded(recipe.seed, device):
        generator = drawn_generator(device)

        def loss_of(indices: Tensor) -> Tensor:
            images = _resized(batch_of(indices)[0], finder.image_size)
            scenes, boxes, present = draw_scenes(images, generator, recipe, backgrounds=backgrounds)
            shard = processes.shard(len(scenes))
            answers = network(scenes[shard.rows], shard)
            found, evidence = (processes.gathered(part, shard) for part in answers)
            return finder_loss(found, evidence, boxes, present, finder.cells) / processes.count

        epochs = recipe.finder_epochs if epochs is None else epochs
        numbers: dict[str, Any] = {
            "batch_size": batch_size,
            "device": device.type,
            "epochs": epochs,
        }
        if processes.exact:
            numbers["processes"] = processes.count
            given = {"recipe": recipe, "backgrounds": fingerprint(backgrounds)}
            processes.check_equal(describe_share(finder, train_data, None, numbers | given))
        network = shared(finder, processes)
        state = None
        if checkpoint is not None:
            options = {
                "recipe": recipe,
                "backgrounds": backgrounds,
                "drawing": draw_scenes,
                "first weights": finder.state_dict(),
            }
            described = describe_training(finder, train_data, None, options, numbers)
            state = Checkpoint(Path(checkpoint), described)
        run_epochs(
            finder,
            len(train_data),
            loss_of,
            epochs,
            results,
            batch_size=batch_size,
            lr=recipe.finder_learning_rate,
            weight_decay=recipe.weight_decay,
            optimizer=lambda _: _optimizer(finder, recipe),
            drawn=generator,
            checkpoint=state,
            processes=processes,
            name="Finder" if progress else None,
        )
    finder.requires_grad_(True)
    return results["train_losses"]


def _optimizer(finder: HandFinder, recipe: Recipe) -> AdamW:
    """Returns what trains the finder: its last layers, which begin anew, at a higher rate."""
    last = [p for p in finder.last_layers().parameters() if p.requires_grad]
    others = {id(p) for p in last}
    body = [p for p in finder.parameters() if p.requires_grad and id(p) not in others]
    rate = recipe.finder_learning_rate
    groups = [{"params": last, "lr": rate}, {"params": body, "lr": rate * recipe.finder_body_rate}]
    return AdamW(
        [group for group in groups if group["params"]], weight_decay=recipe.weight_decay, fused=True
    )


def _resized(images: Tensor, size: int) -> Tensor:
    """Returns square images (N, 3, size, size)."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True)


def finder_loss(
    found: Tensor, evidence: Tensor, boxes: Tensor, present: Tensor, cells: Tensor
) -> Tensor:
    """Returns the mean loss of a batch, for where the hand is and whether there is one.

    A cell near the middle of the hand should say that it is there and give its box. All others
    should say that it is not; what is easy counts little (focal loss, Lin et al. 2017). Distances
    count in sizes of the hand, so that small hands are found as precisely as large ones.

    Args:
        found, evidence: boxes (N, 3, K, K) and log-odds (N, K, K), as `HandFinder` answers.
        boxes: (N, 3), the true ones.
        present: (N,), 1 or 0. Boxes count only where it is 1.
        cells: (2, K, K), the middles of the cells.
    """
    boxes = boxes.view(-1, 3, 1, 1)
    half, cell = boxes[:, 2], 2 / cells.shape[-1]
    distance = (cells - boxes[:, :2]).norm(dim=1) / half  # (N, K, K), in halves of the hand
    present = present.view(-1, 1, 1) > 0
    middle = (distance < (0.75 * cell / half).clamp(min=_MIDDLE)) & present
    around = (distance < _AROUND) & present & ~middle
    probability = evidence.sigmoid().detach()
    easy = torch.where(middle, probability, 1 - probability)
    weight = (1 - easy) ** 2 * torch.where(around, 0.25, 1.0)
    target = middle.float()
    hit = weight * F.binary_cross_entropy_with_logits(evidence, target, reduction="none")
    error = box_error(found, boxes)
    placed = F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=0.1)
    losses = hit + 2 * target * placed.sum(dim=1)
    return (losses.sum(dim=(1, 2)) / target.sum(dim=(1, 2)).clamp(min=1)).mean()


def box_error(found: Tensor, boxes: Tensor) -> Tensor:
    """Returns errors (N, 3, …): of x and y in half sides of the true box, and of its size's log."""
    half = boxes[:, 2:]
    return torch.cat([(found[:, :2] - boxes[:, :2]) / half, (found[:, 2:] / half).log()], dim=1)
