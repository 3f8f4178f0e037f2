"""Keeps the answers of finished folds, so that an interrupted cross-validation can go on."""

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asl.data import ASLDataset
from asl.decoding import brief, shown
from asl.devices import seeded, usable_device
from asl.files import remove_leftovers
from asl.fingerprints import environment, fingerprint
from asl.signs import SIGNS
from asl.tensor_files import FOLD, read_tensors, write_tensors

Job = tuple[int, tuple[int, ...]]
"""A seed, and the folds that its model does not see."""


class FoldCache:
    """A folder with a file for each finished job, named after all that its answers depend on."""

    def __init__(
        self,
        folder: str | os.PathLike,
        make_model: Callable[[], nn.Module],
        dataset: ASLDataset,
        training: dict[str, Any],
        workers: int = 1,
    ):
        """Opens a cache.

        Args:
            folder: made when the first answers are written.
            make_model: builds the model, see `asl.cross_validate`.
            dataset: every image that takes part, also those that are only trained on.
            training: the options of `asl.train_model`.
            workers: number of processes, which share the threads.

        Raises:
            CannotKeyError: if an option or the model holds something that cannot be compared.
            ValueError: if this machine lacks the device that the options name.
        """
        self.folder = Path(folder)
        with seeded(0, torch.device("cpu")):
            model = make_model()
        images = [dataset.images, dataset.labels, dataset.transform]
        options = sorted(training.items())
        # Only the kind: each of several processes has a GPU of its own as the default one.
        device = usable_device(training.get("device")).type
        self.setting = fingerprint(
            [make_model, model, images, options, device, environment(), workers]
        )

    def _path(self, job: Job, fold_of: Tensor) -> Path:
        seed, out = job
        key = fingerprint([self.setting, torch.isin(fold_of, torch.tensor(out))])
        return self.folder / f"seed{seed}-without-{'-'.join(map(str, out))}-{key}.safetensors"

    def read(self, jobs: Sequence[Job], fold_of: dict[int, Tensor]) -> dict[Job, Tensor]:
        """Returns the answers of those jobs that have been kept.

        Args:
            jobs: what is wanted.
            fold_of: seed → the fold of each image (N,).
        """
        found = {}
        for job in jobs:
            path = self._path(job, fold_of[job[0]])
            remove_leftovers(path)
            if path.exists():
                count = int(torch.isin(fold_of[job[0]], torch.tensor(job[1])).sum())
                try:
                    found[job] = _read(path, count)
                except (ValueError, OSError) as error:
                    text = f"trains again, since '{shown(path)}' cannot be read: {error}"
                    warnings.warn(text, stacklevel=4)
        return found

    def write(self, job: Job, fold_of: Tensor, log_probs: Tensor) -> None:
        """Keeps the answers (M, 36) of a job, whose seed dealt the folds `fold_of` (N,)."""
        write_tensors(self._path(job, fold_of), {"log_probs": log_probs}, {}, format=FOLD)


def _read(path: Path, count: int) -> Tensor:
    """Returns the answers (count, 36) in a file, which need not be trusted.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is damaged or holds something else.
    """
    expected = {"log_probs": ("F32", (count, len(SIGNS)))}

    def check(_: dict, found: dict) -> None:
        if found != expected:
            raise ValueError(f"expected {expected}, found {brief(found)}")

    log_probs = read_tensors(path, format=FOLD, check=check)[0]["log_probs"]
    if not torch.isfinite(log_probs.exp()).all():
        raise ValueError("expected log-probabilities, found nan or infinity")
    return log_probs
