"""A lookup that learns nothing, to stand beside every accuracy."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.data import SizedDataset, get_batch
from asl.decoding import denormalize
from asl.evaluation.metrics import accuracy
from asl.signs import SIGNS
from asl.training import predict_log_probs

_BLOCK = 256  # images prepared at once: bounds the memory
_CERTAINTY = 10.0  # a lookup has no doubts, but the loss of a wrong answer must stay finite


class NearestNeighbour(nn.Module):
    """Answers with the sign of the training image whose raw pixels are nearest (Euclidean).

    It is used like any other model, but `fit` takes the place of training. If it does well, test
    images have near-copies in the training part.
    """

    def fit(self, train_data: SizedDataset) -> "NearestNeighbour":
        """Remembers a training part, whose items are (normalised image (3, H, W), label)."""
        size = len(train_data)
        self.labels = torch.empty(size, dtype=torch.long)
        self.pixels = torch.empty(size, *get_batch(train_data, [0])[0].shape[1:])
        for start in range(0, size, _BLOCK):
            part = slice(start, start + _BLOCK)
            images, self.labels[part] = get_batch(train_data, range(size)[part])
            self.pixels[part] = denormalize(images)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Maps normalised images (N, 3, H, W) to nearly certain log-probabilities (N, 36)."""
        if x.shape[1:] != self.pixels.shape[1:]:
            raise ValueError(
                f"expected images of the shape remembered, {tuple(self.pixels.shape[1:])}, "
                f"found {tuple(x.shape[1:])}"
            )
        distances = torch.cdist(denormalize(x).flatten(1), self.pixels.flatten(1))
        answers = self.labels[distances.argmin(dim=1)]
        return F.log_softmax(_CERTAINTY * F.one_hot(answers, len(SIGNS)).float(), dim=1)


def nearest_neighbour_accuracy(train_data: SizedDataset, test_data: SizedDataset) -> float:
    """Returns the accuracy of `NearestNeighbour`, from 0 to 1.

    Args:
        train_data: items (normalised image (3, H, W), label), N of them.
        test_data: the same, M of them.

    Raises:
        ValueError: if a part is empty or their image shapes differ.
    """
    if not len(train_data):
        raise ValueError("expected at least one training image, found none")
    return accuracy(*predict_log_probs(NearestNeighbour().fit(train_data), test_data))
