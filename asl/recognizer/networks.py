"""A classifier that needs no pretrained weights, and a table of every classifier by its name."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.models import ASLNet, check_image_size, check_input, create_sequential_model
from asl.recognizer.mobile_net import ASLMobileNet
from asl.signs import SIGNS

RESNET_SIZE = 64  # pixels; chosen by measurement, see results/recipes.json


class ASLResNet(nn.Module):
    """A small residual network (He et al. 2016) for a laptop's CPU: 0.4 million parameters.

    A strided stem is followed by three stages of one residual block each, at a half, a quarter and
    an eighth of the input's side. He et al. average the last maps over the whole picture. This
    network averages them over squares of 2x2, since which finger is up is a matter of place.
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


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "mlp": create_sequential_model,
    "cnn": ASLNet,
    "cnn-channel": partial(ASLNet, attention="channel"),
    "resnet": ASLResNet,
    "mobile": ASLMobileNet,
}
"""The classifiers by name. Each takes ``image_size``."""


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
