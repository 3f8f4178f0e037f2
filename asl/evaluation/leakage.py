"""What a test part shares with a training part: near-copies, bursts, signers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from asl.data import SizedDataset, get_batch
from asl.decoding import denormalize
from asl.splits import bursts_of

NEAR = 0.04
"""Root-mean-square difference of pixels (0 to 1) up to which two images count as near-identical.

At 28x28 pixels, 70 % of the real images have a near-identical companion in their own burst. No two
images of different bursts are nearer to each other than 0.0418.
"""

_BLOCK = 256  # test images compared at a time: bounds memory


@dataclass(frozen=True)
class Leakage:
    """What a test part shares with a training part. Printing it gives one line for each fact.

    Attributes:
        test_images: number of test images.
        identical: number of test images with an identical image (pixel by pixel) in training.
        near_identical: number of test images with an identical or near-identical one, see `NEAR`.
        in_shared_bursts: number of test images whose burst is also in training. None if the file
            names of either part do not tell.
        shared_bursts: number of bursts in both parts, or None.
        shared_signers: signers in both parts, or None.
    """

    test_images: int
    identical: int
    near_identical: int
    in_shared_bursts: int | None
    shared_bursts: int | None
    shared_signers: tuple[int, ...] | None

    def __str__(self) -> str:
        def share(count: int) -> str:
            return f"{count} of {self.test_images} ({count / self.test_images:.1%})"

        lines = [
            f"test images with an identical training image: {share(self.identical)}",
            f"with a near-identical one:                    {share(self.near_identical)}",
        ]
        if self.in_shared_bursts is None or self.shared_signers is None:
            lines.append("bursts and signers: the file names do not tell")
        else:
            signers = ", ".join(map(str, self.shared_signers)) or "none"
            lines += [
                f"from a burst that is in training too:         {share(self.in_shared_bursts)}",
                f"signers in both parts: {signers}",
            ]
        return "\n".join(lines)


def check_leakage(train_data: SizedDataset, test_data: SizedDataset) -> Leakage:
    """Reports what a test part shares with a training part, for any two datasets.

    Args:
        train_data: items (normalised image (3, H, W), label).
        test_data: the same.

    Raises:
        ValueError: if a part is empty or their image shapes differ.
    """
    distance, nearest = nearest_images(train_data, test_data)
    close = (distance <= NEAR).nonzero().flatten().tolist()
    # Distances are rounded, so identity is checked on the pixels themselves.
    identical = sum(
        torch.equal(get_batch(test_data, [i])[0], get_batch(train_data, nearest[i : i + 1])[0])
        for i in close
    )
    train_bursts, test_bursts = bursts_of(train_data), bursts_of(test_data)
    if train_bursts is None or test_bursts is None:
        return Leakage(len(test_data), identical, len(close), None, None, None)
    shared = set(train_bursts) & set(test_bursts)
    # The folder and the number of each signer: signer 1 of another folder is somebody else.
    train_signers, test_signers = (
        {burst[:2] for burst in bursts} for bursts in (train_bursts, test_bursts)
    )
    return Leakage(
        test_images=len(test_data),
        identical=identical,
        near_identical=len(close),
        in_shared_bursts=sum(burst in shared for burst in test_bursts),
        shared_bursts=len(shared),
        shared_signers=tuple(sorted(signer for _, signer in train_signers & test_signers)),
    )


def nearest_images(train_data: SizedDataset, test_data: SizedDataset) -> tuple[Tensor, Tensor]:
    """Finds each test image's nearest training image by its raw pixels.

    Args:
        train_data: items (normalised image (3, H, W), label), N of them.
        test_data: the same, M of them.

    Returns:
        distance: float (M,), root-mean-square difference of pixels from 0 to 1
        index: int64 (M,), which training image

    Raises:
        ValueError: if a part is empty or their image shapes differ.
    """
    if not len(train_data) or not len(test_data):
        raise ValueError(
            "expected at least one training and one test image, "
            f"found {len(train_data)} and {len(test_data)}"
        )
    train = _pixels(train_data, range(len(train_data)))
    distances, indices = [], []
    for start in range(0, len(test_data), _BLOCK):
        test = _pixels(test_data, range(start, min(start + _BLOCK, len(test_data))))
        if test.shape[1:] != train.shape[1:]:
            raise ValueError(
                "expected images of one shape, found "
                f"{tuple(train.shape[1:])} in training and {tuple(test.shape[1:])} in test"
            )
        distance, index = torch.cdist(test.flatten(1), train.flatten(1)).min(dim=1)
        distances.append(distance / test[0].numel() ** 0.5)
        indices.append(index)
    return torch.cat(distances), torch.cat(indices)


def _pixels(dataset: SizedDataset, indices: Sequence[int]) -> Tensor:
    """Returns pixels (N, 3, H, W) from 0 to 1, prepared in parts, which bounds the memory."""
    parts = [indices[start : start + _BLOCK] for start in range(0, len(indices), _BLOCK)]
    return torch.cat([denormalize(get_batch(dataset, part)[0]) for part in parts])
