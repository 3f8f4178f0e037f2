"""Trains the network that reads crops: on hands on black, photographs, and what is not a hand."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.augmentation.hands import augment
from asl.augmentation.photographs import AROUND, crop_photographs, nothing_to_read
from asl.batches import batches_on
from asl.checkpoints import Checkpoint
from asl.data import ASLDataset, SizedDataset
from asl.decoding import denormalize, normalize
from asl.descriptions import describe_share, describe_training
from asl.devices import drawn_generator, seeded, usable_device
from asl.fingerprints import fingerprint
from asl.optimization import run_epochs
from asl.processes.group import ALONE, Processes
from asl.processes.shared_models import shared
from asl.recognizer.crops import cut, to_pixels
from asl.recognizer.graph import find_hands, whole_view
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.pyramid import Pyramid
from asl.recognizer.recipe import Recipe

_SIDE = 168  # pixels of a photograph that is kept: a hand in it is 84 pixels
_AT_ONCE = 16


class HandPhotographs(NamedTuple):
    """Photographs of hands, each with as much around it as training crops can show.

    Attributes:
        images: uint8 (N, 3, P, P), the hand in the middle.
        labels: int64 (N,).
    """

    images: Tensor
    labels: Tensor


@torch.inference_mode()
def cut_photographs(photographs: ASLDataset, finder: HandFinder) -> HandPhotographs:
    """Cuts the hands out of photographs, where a finder finds them, with their surroundings.

    Args:
        photographs: read again from their files, as a user's pictures are.
        finder: the one that will find the hands of those who use the recogniser.
    """
    finder.eval()
    device = finder.cells.device
    found = []
    for start in range(0, len(photographs), _AT_ONCE):
        paths = photographs.image_files[start : start + _AT_ONCE]
        pictures = [Pyramid(to_pixels(path)) for path in paths]
        views = torch.stack([whole_view(picture, finder.image_size) for picture in pictures])
        boxes, _, _ = find_hands(finder, normalize(views.to(device)))
        found += [
            cut(picture, box, _SIDE, margin=AROUND).round().byte()
            for picture, box in zip(pictures, boxes[:, 0].cpu(), strict=True)
        ]
    return HandPhotographs(torch.stack(found), torch.tensor(photographs.labels))


def train_reader(
    reader: nn.Module,
    on_black: SizedDataset,
    sources: Sequence[HandPhotographs],
    backgrounds: Tensor,
    recipe: Recipe = Recipe(),
    *,
    checkpoint: str | os.PathLike | None = None,
    batch_size: int = 32,
    device: torch.device | str | None = None,
    processes: Processes = ALONE,
    progress: bool = True,
) -> list[float]:
    """Trains a classifier of crops in place. It ends in evaluation mode.

    Every epoch shows each item once, and each photograph as often as the recipe says. To every
    eight hands comes one picture of no hand, for which the right answer is that all signs are
    equally probable (Hendrycks et al. 2019).

    Args:
        reader: crops (N, 3, S, S) → log-probabilities (N, 36).
        on_black: items (image (3, S, S) of a hand on black, label).
        sources: further hands.
        backgrounds: uint8 (P, 3, B, B), see `asl.augmentation.backgrounds.load_photographs`.
        recipe: epochs, learning rate, weight decay, seed, and how hands are changed.
        checkpoint, batch_size, device, processes, progress: as in `asl.train_model`. Each process
            changes all pictures of a batch, and computes the network for its part of them.

    Returns:
        The mean loss of each epoch.
    """
    device = usable_device(processes.device if device is None else device)
    reader.to(device)
    photographs = HandPhotographs(
        torch.cat([torch.empty(0, 3, _SIDE, _SIDE).byte(), *(some.images for some in sources)]),
        torch.cat([torch.empty(0).long(), *(some.labels for some in sources)]),
    )
    # Moved once: a step that moved pixels would wait for a GPU.
    photographs = HandPhotographs(*(part.to(device) for part in photographs))
    backgrounds, batch_of = backgrounds.to(device), batches_on(on_black, device)
    results: dict[str, list[float]] = {"train_losses": [], "learning_rates": []}
    with seeded(recipe.seed, device):
        generator = drawn_generator(device)

        def loss_of(indices: Tensor) -> Tensor:
            parts = []
            if len(black := indices[indices < len(on_black)]):
                images, labels = batch_of(black)
                pictures = augment(
                    images,
                    generator,
                    strength=recipe.strength,
                    photographs=backgrounds,
                    windows=recipe.crops,
                    shift=recipe.shift,
                    tilt=recipe.tilt,
                    upright_share=recipe.upright_share,
                )
                parts.append((pictures, labels))
            if len(others := indices[indices >= len(on_black)] - len(on_black)):
                others = (others % len(photographs.labels)).to(device, non_blocking=True)
                crops = crop_photographs(
                    photographs.images[others],
                    generator,
                    recipe.image_size,
                    strength=recipe.strength,
                    windows=recipe.photograph_crops,
                    shift=recipe.photograph_shift,
                    tilt=recipe.photograph_tilt,
                )
                parts.append((normalize(255 * crops), photographs.labels[others]))
            pictures, labels = (torch.cat(part) for part in zip(*parts, strict=True))
            count = -(-len(pictures) // 8)  # at least one, also in a small last batch
            chosen = torch.randperm(len(pictures))[:count].to(device, non_blocking=True)
            some = denormalize(pictures[chosen])
            nothing = nothing_to_read(some, generator, recipe.strength, backgrounds)
            everything = torch.cat([pictures, normalize(255 * nothing)])
            shard = processes.shard(len(everything))
            log_probs = processes.gathered(network(everything[shard.rows], shard), shard)
            seen, unseen = log_probs.split([len(pictures), len(nothing)])
            right = F.cross_entropy(seen, labels, label_smoothing=recipe.smoothing)
            return (right - recipe.doubt * unseen.mean()) / processes.count

        numbers: dict[str, Any] = {"batch_size": batch_size, "device": device.type}
        if processes.exact:
            numbers["processes"] = processes.count
            given = {"recipe": recipe, "photographs": fingerprint([photographs, backgrounds])}
            processes.check_equal(describe_share(reader, on_black, None, numbers | given))
        network = shared(reader, processes)
        kept = None
        if checkpoint is not None:
            options = {
                "recipe": recipe,
                "backgrounds": backgrounds,
                "photographs": photographs,
                "first weights": reader.state_dict(),
            }
            described = describe_training(reader, on_black, None, options, numbers)
            kept = Checkpoint(Path(checkpoint), described)
        run_epochs(
            reader,
            len(on_black) + recipe.photograph_repeats * len(photographs.labels),
            loss_of,
            recipe.epochs,
            results,
            batch_size=batch_size,
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            drawn=generator,
            checkpoint=kept,
            processes=processes,
            name="Reader" if progress else None,
        )
    return results["train_losses"]
