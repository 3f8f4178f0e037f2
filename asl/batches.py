"""Cuts batches on the device that uses them, so that on a GPU no step waits for pixels."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from asl.data import ASLDataset, SizedDataset, get_batch, whole_dataset
from asl.decoding import normalize
from asl.signs import check_labels

_SHARE = 0.5  # of a GPU's free memory that pixels may take


def batches_on(
    dataset: SizedDataset, device: torch.device
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Returns what cuts a batch out of a dataset as `asl.data.get_batch` does, again and again.

    The pixels of an `ASLDataset` without a transform, or of a `Subset` of one, lie on the device as
    uint8, unless they do not fit.

    Args:
        dataset: items (image (3, H, W), label). It should not change meanwhile.
        device: where the batches are to be.

    Returns:
        indices, int64 (N,) → images, float (N, 3, H, W), and labels, int64 (N,)

    Raises:
        ValueError: if a label is not from 0 to 35.
    """
    whole, places = whole_dataset(dataset)
    plain = isinstance(whole, ASLDataset) and whole.transform is None
    if not plain or not _fits(whole.images, device):
        return partial(get_batch, dataset, device=device)
    labels = torch.tensor(whole.labels)
    at = torch.arange(len(labels)) if places is None else torch.tensor(places, dtype=torch.long)
    check_labels(labels[at])
    images, labels, at = whole.images.to(device), labels.to(device), at.to(device)

    def batch(indices: Tensor) -> tuple[Tensor, Tensor]:
        chosen = at[indices.to(device, non_blocking=True)]
        return normalize(images[chosen]), labels[chosen]

    return batch


def _fits(pixels: Tensor, device: torch.device) -> bool:
    if device.type != "cuda":  # other devices share the memory in which the pixels are already
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return pixels.numel() < _SHARE * free
