"""The classifier of the recogniser that ships, and the layers that it shares with `HandJoints`."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.decoding import denormalize
from asl.devices import ReLU6
from asl.models import check_image_size, check_input
from asl.signs import SIGNS

MOBILE_SIZE = 112  # pixels

Block = tuple[int, int, int, int]  # channels inside, side of the filters, stride, channels after

_LITE: tuple[Block, ...] = (
    (64, 3, 2, 16),
    (96, 3, 1, 16),
    (96, 5, 2, 24),
    (144, 5, 1, 24),
    (144, 3, 2, 48),
    (288, 3, 1, 48),
    (288, 3, 1, 48),
    (288, 5, 1, 64),
    (384, 5, 1, 64),
    (384, 5, 1, 64),
    (384, 5, 2, 112),
    (672, 5, 1, 112),
    (672, 5, 1, 112),
    (672, 5, 1, 112),
)


class MobileFeatures(nn.Module):
    """Inverted residual blocks (Sandler et al. 2018) without batch norm, as MediaPipe has them."""

    def __init__(self, blocks: Sequence[Block], image_size: int):
        """Builds the layers with random weights (He et al. 2015).

        Args:
            blocks: what differs between the networks.
            image_size: side of the square input images, in pixels, divisible by 16.

        Raises:
            ValueError: if `image_size` is not as described.
        """
        super().__init__()
        check_image_size(image_size, multiple_of=16)
        self.image_size = image_size
        self.stem = nn.Sequential(
            _SameConvolution(3, 24, 3, stride=2),
            _SameConvolution(24, 24, 3, groups=24),
            _SameConvolution(24, 16, 1, relu=False),
        )
        widths = [16, *(block[-1] for block in blocks)]
        self.blocks = nn.Sequential(
            *(_InvertedResidual(c, *block) for c, block in zip(widths, blocks, strict=False))
        )
        self.width = last = 6 * widths[-1]
        self.head = nn.Sequential(
            _SameConvolution(widths[-1], last, 1), _SameConvolution(last, last, 3, groups=last)
        )

    def features(self, x: Tensor) -> Tensor:
        """Returns the mean of the last maps of normalised images (N, 3, S, S): (N, width)."""
        check_input(x, self.image_size)
        # MediaPipe's network reads pixels from 0 to 1.
        x = denormalize(x).to(memory_format=torch.channels_last)
        return self.head(self.blocks(self.stem(x))).mean(dim=(2, 3))


class ASLMobileNet(MobileFeatures):
    """The network that reads crops: inverted residual blocks, 0.9 million weights.

    Block for block it is the network that finds a hand's joints in MediaPipe ("hand landmark,
    lite"; Zhang et al. 2020). So it can begin with what that network learnt from pictures of many
    people's hands, see `asl.recognizer.mediapipe_weights`. Its final layer, from the mean of the
    last maps to signs, is ours.
    """

    def __init__(self, *, image_size: int = MOBILE_SIZE):
        """Builds the network with random weights. Arguments and errors: `MobileFeatures`."""
        super().__init__(_LITE, image_size)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(self.width, len(SIGNS))

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, 3, S, S) to log-probabilities (N, 36)."""
        return self.answer(self.features(x))

    def answer(self, features: Tensor) -> Tensor:
        """Maps what `features` returns to log-probabilities (N, 36)."""
        return F.log_softmax(self.classifier(self.dropout(features)).float(), dim=1)


class _InvertedResidual(nn.Module):
    """Widens, filters each channel by itself, narrows; has a shortcut if the widths are equal."""

    def __init__(self, channels_in: int, inside: int, side: int, stride: int, channels_out: int):
        super().__init__()
        self.body = nn.Sequential(
            _SameConvolution(channels_in, inside, 1),
            _SameConvolution(inside, inside, side, stride=stride, groups=inside),
            _SameConvolution(inside, channels_out, 1, relu=False),
        )
        self.shortcut = channels_in == channels_out
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.body(x)
        if not self.shortcut:
            return out
        return out + (x if self.stride == 1 else F.max_pool2d(x, self.stride))


class _SameConvolution(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding, and by default a ReLU6 after it."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        side: int,
        *,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ):
        super().__init__(channels_in, channels_out, side, stride, padding=side // 2, groups=groups)
        self.relu = relu
        nn.init.kaiming_normal_(self.weight)  # without batch norm the default fades with depth
        if self.bias is not None:  # always, but the type does not say so
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if self.stride == (2, 2) and x.shape[2] % 2 == 0:
            # There "same" adds one pixel more below and on the right. A row and a column of zeros
            # before the filter do the same, and take less time than padding the maps.
            # Joined, not padded: onnxruntime 1.32 takes a padded filter for padded maps.
            weight = torch.cat([torch.zeros_like(weight[:, :, :1]), weight], dim=2)
            weight = torch.cat([torch.zeros_like(weight[:, :, :, :1]), weight], dim=3)
        x = F.conv2d(x, weight, self.bias, self.stride, self.padding, groups=self.groups)
        if not self.relu:
            return x
        return ReLU6.apply(x) if self.training else F.relu6(x, inplace=True)
