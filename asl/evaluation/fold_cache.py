"""Keeps the answers of finished folds, so that an interrupted cross-validation can go on."""

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Subset

from asl.data import ASLDataset
from asl.devices import seeded
from asl.files import written_whole
from asl.training import predict_log_probs

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
    ):
        """Opens a cache.

        Args:
            folder: made when the first answers are written.
            make_model: builds the model, see `asl.cross_validate`.
            dataset: every image that takes part, also those that are only trained on.
            training: the options of `asl.train_model`.
        """
        self.folder = Path(folder)
        options = sorted((key, _named(value)) for key, value in training.items())
        facts = (dataset.labels, _named(dataset.transform), _named(make_model), options)
        digest = hashlib.sha256(repr((*facts, torch.__version__)).encode())
        digest.update(dataset.images.numpy().tobytes())
        with seeded(0, torch.device("cpu")):
            model = make_model()
        digest.update(repr(model).encode())
        for tensor in model.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        if not hasattr(model, "fit"):
            # Two models with the same layers and parameters may still compute different things.
            answers = predict_log_probs(model, Subset(dataset, range(2)))[0]
            digest.update(repr([round(x, 2) for x in answers.flatten().tolist()]).encode())
        self.setting = digest

    def _path(self, job: Job, fold_of: Tensor) -> Path:
        seed, out = job
        digest = self.setting.copy()
        digest.update(torch.isin(fold_of, torch.tensor(out)).numpy().tobytes())
        name = f"seed{seed}-without-{'-'.join(map(str, out))}-{digest.hexdigest()[:16]}.npy"
        return self.folder / name

    def read(self, jobs: Sequence[Job], fold_of: dict[int, Tensor]) -> dict[Job, Tensor]:
        """Returns the answers of those jobs that have been kept.

        Args:
            jobs: what is wanted.
            fold_of: seed → the fold of each image (N,).
        """
        found = {}
        for job in jobs:
            path = self._path(job, fold_of[job[0]])
            if path.exists():
                try:
                    found[job] = torch.from_numpy(np.load(path))
                except (ValueError, EOFError, OSError) as error:
                    text = f"trains again, since '{path}' cannot be read: {error}"
                    warnings.warn(text, stacklevel=3)
        return found

    def write(self, job: Job, fold_of: Tensor, log_probs: Tensor) -> None:
        """Keeps the answers (M, 36) of a job, whose seed dealt the folds `fold_of` (N,)."""
        with written_whole(self._path(job, fold_of)) as draft:
            np.save(draft, log_probs.numpy())


def _named(value: Any) -> str:
    """Returns a callable's name, without the address that its representation may hold."""
    return getattr(value, "__qualname__", None) or repr(value)
