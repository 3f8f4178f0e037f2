"""Trains the reader of joints: on joints that are found once, then turned and moved at random."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import TensorDataset

from asl.checkpoints import Checkpoint
from asl.descriptions import describe_training
from asl.devices import drawn_generator, seeded, usable_device
from asl.optimization import run_epochs
from asl.recognizer.found_joints import FoundJoints
from asl.recognizer.joint_reader import JointReader, pose_numbers, turned
from asl.recognizer.recipe import Recipe


def train_joint_reader(
    reader: JointReader,
    found: Sequence[FoundJoints],
    recipe: Recipe = Recipe(),
    *,
    checkpoint: str | os.PathLike | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> list[float]:
    """Trains a reader of joints in place, except for the network that finds them.

    Args:
        reader: ends in evaluation mode.
        found: joints, each group of which counts by the root of its size.
        recipe: epochs, learning rate, and by how much joints are moved.
        checkpoint, device, progress: as in `asl.train_model`.

    Returns:
        The mean loss of each epoch.
    """
    device = usable_device(device)
    reader.to(device).joints.requires_grad_(False)
    found = [FoundJoints(*(part.to(device) for part in some)) for some in found]
    _learn_aim(reader, found)
    poses, labels = (torch.cat([some[i] for some in found]) for i in (0, 1))
    of_group = torch.cat([some.groups for some in found]).unique(return_inverse=True)[1]
    weights = of_group.bincount().double().rsqrt()[of_group]
    numbers = pose_numbers(poses)
    reader.mean.copy_(numbers.mean(dim=0))
    reader.spread.copy_(numbers.std(dim=0) + 0.1)
    reader.trust.fill_(recipe.joint_trust)
    kept = None
    if checkpoint is not None:
        depends = {"recipe": recipe, "weights": weights, "first weights": reader.state_dict()}
        data = TensorDataset(poses, labels)
        described = describe_training(reader, data, None, depends, {"device": device.type})
        kept = Checkpoint(Path(checkpoint), described)
    results: dict[str, list[float]] = {"train_losses": [], "learning_rates": []}
    with seeded(recipe.seed, device):
        generator = drawn_generator(device)

        def loss_of(indices: Tensor) -> Tensor:
            some = weights.multinomial(len(indices), replacement=True, generator=generator)
            angle = math.radians(recipe.joint_tilt) * torch.randn(
                len(some), generator=generator, device=device
            )
            moved = turned(poses[some], angle)
            noise = torch.randn(moved.shape, generator=generator, device=device)
            log_probs = reader.answer(pose_numbers(moved + recipe.joint_noise * noise))
            return F.cross_entropy(log_probs, labels[some], label_smoothing=recipe.joint_smoothing)

        run_epochs(
            reader,
            len(labels),
            loss_of,
            recipe.joint_epochs,
            results,
            batch_size=128,
            lr=recipe.joint_learning_rate,
            weight_decay=recipe.weight_decay,
            drawn=generator,
            checkpoint=kept,
            name="Joints" if progress else None,
        )
    return results["train_losses"]


@torch.no_grad()
def _learn_aim(reader: JointReader, found: Sequence[FoundJoints]) -> None:
    """Fits the linear layer that aims by least squares, with a little ridge."""
    features, aims = (torch.cat([some[i] for some in found]) for i in (3, 4))
    mean, spread = features.mean(dim=0), features.std(dim=0) + 0.05
    x = (features - mean) / spread
    ridge = 0.02 * len(x) * torch.eye(x.shape[1], device=x.device)
    slope = torch.linalg.solve(x.T @ x + ridge, x.T @ (aims - aims.mean(dim=0)))
    reader.aim.weight.copy_((slope / spread.unsqueeze(1)).T)
    reader.aim.bias.copy_(aims.mean(dim=0) - reader.aim.weight @ mean)
