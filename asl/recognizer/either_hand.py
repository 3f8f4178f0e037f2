"""The recogniser's networks asked about pictures and their mirror images: a hand may be either."""

import torch
from torch import Tensor, nn


def find_either_hand(finder: nn.Module, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Finds hands in pictures (N, 3, H, H) and in their mirror images, and averages the answers.

    Returns:
        boxes: float (N, 3); the two sizes are averaged geometrically
        evidence: float (N,)
    """
    boxes, evidence = finder(torch.cat([pictures, pictures.flip(3)]))
    here, there = boxes.reshape(2, -1, 3).unbind()
    x, y = (here[:, 0] - there[:, 0]) / 2, (here[:, 1] + there[:, 1]) / 2
    half = (here[:, 2] * there[:, 2]).sqrt()
    return torch.stack([x, y, half], dim=1), evidence.reshape(2, -1).mean(dim=0)


def read_as_either_hand(classifier: nn.Module, crops: Tensor) -> Tensor:
    """Reads crops (N, 3, S, S) as they are and mirrored, and returns the mean answer, (N, 36).

    A hand shape is the same sign on either hand, and the two readings make different errors.
    """
    both = classifier(torch.cat([crops, crops.flip(3)]))
    return both.reshape(2, -1, both.shape[1]).mean(dim=0).log_softmax(dim=1)
