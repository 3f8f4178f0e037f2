"""The networks: the two of the walk-through, a residual one, and one that finds the hand.

All but the last read float images (N, 3, H, W) and return log-probabilities (N, 36) over
`asl.signs.SIGNS`. They know nothing of data or training. One more is in `asl.mobile`.
"""

import math
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.data import IMAGE_SIZE
from asl.inputs import check_image_size, check_input
from asl.mobile import ASLMobileNet
from asl.signs import SIGNS

RESNET_SIZE = 64  # pixels; chosen by measurement, see results/recipes.json


def create_sequential_model(*, image_size: int = IMAGE_SIZE) -> nn.Sequential:
    """Builds the MLP: pixels → 256 → 128 → 36 log-probabilities.

    Args:
        image_size: side of its square input images, in pixels.

    Returns:
        A model that reads float (N, 3, image_size, image_size) and returns (N, 36); any other
        input shape is a ValueError.
    """
    check_image_size(image_size, multiple_of=1)
    model = nn.Sequential(
        nn.Flatten(start_dim=1, end_dim=-1),
        nn.Linear(3 * image_size * image_size, 256),
        nn.ReLU(),
        nn.BatchNorm1d(256),
        nn.Dropout(0.3),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.BatchNorm1d(128),
        nn.Dropout(0.3),
        nn.Linear(128, len(SIGNS)),
        nn.LogSoftmax(dim=1),
    )
    # A hook, since Flatten would accept any shape and fail later with a message about matrices.
    model.register_forward_pre_hook(partial(_check_sequential_input, image_size=image_size))
    return model


class ASLNet(nn.Module):
    """A small CNN that reads each colour channel by itself, with an attention gate.

    One extractor of two convolutions is shared by red, green and blue; their features are fused
    by a linear layer. What the gate does is the argument `attention`:

    - ``"scalar"``, as in the notebook we were given: three sigmoid weights are averaged, and that
      one number scales all fused features. It cannot prefer a channel over another.
    - ``"channel"``: each channel's features are scaled by its own weight before they are fused, so
      the weights mean what their name says. Same parameters, same `state_dict` keys.

    Departure from that notebook: the three channels pass the extractor as one batch of 3N
    single-channel images instead of in three calls, so in training its batch norms take their
    statistics over all channels together. In evaluation both are the same function.
    """

    def __init__(self, *, image_size: int = IMAGE_SIZE, attention: str = "scalar"):
        """Builds the network with PyTorch's default initialisation.

        Args:
            image_size: side of the square input images, in pixels, divisible by 4.
            attention: ``"scalar"`` or ``"channel"``, see the class.

        Raises:
            ValueError: if either is not as described.
        """
        super().__init__()
        check_image_size(image_size, multiple_of=4)
        if attention not in ("scalar", "channel"):
            raise ValueError(f"expected attention 'scalar' or 'channel', found {attention!r}")
        self.image_size = image_size
        self.attention_mode = attention

        # In place, since this is where the large tensors are: a step moves less memory.
        self.feature_extract = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(16),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(32),
            nn.MaxPool2d(2),
        )
        self.cnn_output_size = 32 * (image_size // 4) ** 2  # features of one channel
        self.shared = nn.Sequential(
            nn.Linear(self.cnn_output_size * 3, 256),
            nn.ReLU(),
            nn.BatchNorm1d(256),
            nn.Dropout(0.3),
        )
        self.attention = nn.Sequential(nn.Linear(256, 3), nn.Sigmoid())
        self.classifier = nn.Sequential(
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.BatchNorm1d(128),
            nn.Dropout(0.3),
            nn.Linear(128, len(SIGNS)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, 3, S, S) to log-probabilities (N, 36)."""
        features, _ = self._attend(x)
        return F.log_softmax(self.classifier(features), dim=1)

    def channel_features(self, x: Tensor) -> Tensor:
        """Returns the extractor's feature maps (N, 3, 32, S/4, S/4), one set per channel."""
        check_input(x, self.image_size)
        n, side = x.shape[0], self.image_size
        # (N, 3, S, S) → (3N, 1, S, S): one call of the extractor instead of three. Channels-last
        # because convolution, batch norm and pooling over few channels are faster in it: a
        # training step takes 0.6 times as long on a 2-core CPU.
        x = x.reshape(3 * n, 1, side, side).to(memory_format=torch.channels_last)
        # (3N, 32, S/4, S/4) → (N, 3, 32, S/4, S/4)
        return self.feature_extract(x).reshape(n, 3, 32, side // 4, side // 4)

    def attention_weights(self, x: Tensor) -> Tensor:
        """Returns the weights (N, 3) of red, green and blue, each between 0 and 1."""
        _, weights = self._attend(x)
        return weights

    def _attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the gated features (N, 256) and the gate's weights (N, 3)."""
        maps = self.channel_features(x)
        if self.attention_mode == "scalar":
            features = self.shared(maps.flatten(1))
            weights = self.attention(features)
            return features * weights.mean(dim=1, keepdim=True), weights
        # The gate reads a first fusion, before the batch norm, whose statistics would otherwise
        # mix weighed and unweighed features. Then the weighed channels are fused.
        fuse = self.shared[0]
        weights = self.attention(F.relu(fuse(maps.flatten(1))))
        weighed = weights.unsqueeze(2) * maps.flatten(2)  # (N, 3, 1) · (N, 3, F) → (N, 3, F)
        return self.shared(weighed.flatten(1)), weights


class ASLResNet(nn.Module):
    """A small residual network (He et al. 2016) for a laptop's CPU: 0.4 million parameters.

    A strided stem, then three stages of one residual block each, at a half, a quarter and an eighth
    of the input's side. Unlike He et al., the last maps are not averaged over the whole picture but
    over squares of 2x2: which finger is up is a matter of place.
    """

    def __init__(
        self, *, image_size: int = RESNET_SIZE, widths: tuple[int, int, int] = (32, 64, 128)
    ):
        """Builds the network with PyTorch's default initialisation.

        Args:
            image_size: side of the square input images, in pixels, divisible by 16.
            widths: channels of the three stages.

        Raises:
            ValueError: if `image_size` is not as described.
        """
        super().__init__()
        check_image_size(image_size, multiple_of=16)
        self.image_size = image_size
        self.features = _Stages(widths)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(widths[-1] * (image_size // 16) ** 2, len(SIGNS))

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, 3, S, S) to log-probabilities (N, 36)."""
        check_input(x, self.image_size)
        maps = F.avg_pool2d(self.features(x), 2)  # (N, C, S/16, S/16)
        logits = self.classifier(self.dropout(maps.flatten(1)))
        return F.log_softmax(logits.float(), dim=1)  # in full precision under autocast, too


ARCHITECTURES = {
    "mlp": create_sequential_model,
    "cnn": ASLNet,
    "cnn-channel": partial(ASLNet, attention="channel"),
    "resnet": ASLResNet,
    "mobile": ASLMobileNet,
}
"""The classifiers by name; each takes ``image_size``."""


class HandFinder(nn.Module):
    """Finds the one hand in a picture: where it is, how large, and whether there is one.

    Stages as in `ASLResNet` and one more block; then every cell of an eighth of the input's side
    votes for a box, and how much its vote counts is its evidence for a hand.
    """

    def __init__(
        self, *, image_size: int = RESNET_SIZE, widths: tuple[int, int, int] = (16, 32, 64)
    ):
        """Builds the network with PyTorch's default initialisation.

        Args:
            image_size: side of the square input pictures, in pixels, divisible by 8.
            widths: channels of the three stages.

        Raises:
            ValueError: if `image_size` is not as described.
        """
        super().__init__()
        check_image_size(image_size, multiple_of=8)
        self.image_size = image_size
        last = widths[-1]
        self.features = nn.Sequential(_Stages(widths), _Residual(last, last, stride=1))
        self.vote = nn.Conv2d(last, 4, kernel_size=1)
        centres = (torch.arange(image_size // 8) + 0.5) * 16 / image_size - 1
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        self.register_buffer("cells", torch.stack([x, y]).flatten(1), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Looks at pictures (N, 3, S, S).

        Returns:
            boxes: float (N, 3): x and y of the hand's centre, from -1 to 1 across the picture, and
                half the side of its square in the same unit
            evidence: float (N,), log-odds that there is a hand
        """
        check_input(x, self.image_size)
        votes = self.vote(self.features(x)).float().flatten(2)  # (N, 4, cells)
        evidence, offset, size = votes[:, 0], votes[:, 1:3], votes[:, 3]
        weight = evidence.softmax(dim=1)
        centre = ((self.cells + offset / 4) * weight.unsqueeze(1)).sum(dim=2)
        half = ((size * weight).sum(dim=1, keepdim=True) - 1).exp()
        # Each of the cells begins with an even chance, so that their sum would begin far above it.
        total = evidence.logsumexp(dim=1) - math.log(evidence.shape[1])
        return torch.cat([centre, half], dim=1), total


class _Stages(nn.Sequential):
    """A strided stem and one residual block a stage: (N, 3, H, W) → (N, C, H/8, W/8)."""

    def __init__(self, widths: tuple[int, int, int]):
        first = widths[0]
        super().__init__(
            _convolution(3, first, stride=2),
            nn.ReLU(inplace=True),
            _Residual(first, first, stride=1),
            *(_Residual(a, b, stride=2) for a, b in pairwise(widths)),
        )

    def forward(self, x: Tensor) -> Tensor:
        # Channels-last, as in `ASLNet.channel_features`.
        return super().forward(x.to(memory_format=torch.channels_last))


class _Residual(nn.Module):
    """Two convolutions beside a shortcut, which is a projection where the shapes differ."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            _convolution(channels_in, channels_out, stride=stride),
            nn.ReLU(inplace=True),
            _convolution(channels_out, channels_out, stride=1),
        )
        same = channels_in == channels_out and stride == 1
        self.shortcut = (
            nn.Identity() if same else _convolution(channels_in, channels_out, stride, side=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x), inplace=True)


def _convolution(channels_in: int, channels_out: int, stride: int, side: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, side, stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(channels_out),
    )


def _check_sequential_input(model: nn.Module, inputs: tuple[Tensor], image_size: int) -> None:
    check_input(inputs[0], image_size)
