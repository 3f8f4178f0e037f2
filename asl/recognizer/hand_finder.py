"""The network that finds the hand in a picture."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.decoding import denormalize
from asl.models import check_image_size, check_input

FINDER_SIZE = 128  # pixels
_CELL = 8  # pixels a side
_MIXED = 96  # channels


class HandFinder(nn.Module):
    """Finds hands among people and things: where each is and how large. One million weights.

    Layer for layer its body is the network that finds palms in MediaPipe ("palm detection, lite";
    Zhang et al. 2020). So it can begin with what that network learnt from pictures of many people,
    see `asl.recognizer.mediapipe_weights`: above all, that a face is not a hand. Its last two
    layers are ours. Every cell of a map, an eighth of the input's side, says how surely the middle
    of a hand lies in it, and where that hand's square is.
    """

    def __init__(self, *, image_size: int = FINDER_SIZE):
        """Builds the network with random weights (He et al. 2015).

        Args:
            image_size: side of the square input pictures, in pixels, divisible by 32.

        Raises:
            ValueError: if `image_size` is not as described.
        """
        super().__init__()
        check_image_size(image_size, multiple_of=32)
        self.image_size = image_size
        self.stem = nn.Sequential(_Convolution(3, 32, 5, stride=2), nn.PReLU(32))
        self.to_4 = nn.Sequential(*_stage(32, 32, 3), *_stage(32, 64, 4, stride=2))
        self.to_8 = _stage(64, 128, 4, stride=2)
        self.to_16 = _stage(128, 256, 4, stride=2)
        self.to_32 = _stage(256, 256, 4, stride=2)
        self.from_32 = nn.Sequential(_Convolution(256, 256, 1), nn.PReLU(256))
        self.at_16 = _stage(256, 256, 2)
        self.from_16 = nn.Sequential(_Convolution(256, 128, 1), nn.PReLU(128))
        self.at_8 = _stage(128, 128, 2)
        self.mix = nn.Sequential(_Convolution(128 + 256, _MIXED, 1), nn.PReLU(_MIXED))
        self.vote = _Convolution(_MIXED, 4, 1)
        nn.init.normal_(self.vote.weight, std=0.01)
        # Hands are rare, and fill a third of a picture.
        self.vote.bias = nn.Parameter(torch.tensor([-4.0, 0, 0, -1]))
        cells = image_size // _CELL
        # Numbers also where a file's weights will fill a network that is made without memory.
        centres = (torch.arange(cells, device="cpu") + 0.5) * 2 / cells - 1
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        self.cells: Tensor
        self.register_buffer("cells", torch.stack([x, y]), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Looks at normalised pictures (N, 3, S, S), in cells of K = S / 8 a side.

        Returns:
            boxes: float (N, 3, K, K): for each cell x and y of the hand's centre, from -1 to 1
                across the picture, and half the side of its square in the same unit
            evidence: float (N, K, K), log-odds that the middle of a hand is there
        """
        check_input(x, self.image_size)
        # MediaPipe's network reads pixels from 0 to 1.
        x = denormalize(x).to(memory_format=torch.channels_last)
        eighth = self.to_8(self.to_4(self.stem(x)))
        sixteenth = self.to_16(eighth)
        far = _doubled(self.to_32(sixteenth))
        far = _doubled(self.at_16(sixteenth + self.from_32(far)))
        near = self.at_8(eighth + self.from_16(far))
        votes = self.vote(self.mix(torch.cat([near, far], dim=1))).float()
        half = votes[:, 3:].exp()
        centre = self.cells + votes[:, 1:3] * half
        return torch.cat([centre, half], dim=1), votes[:, 0]

    @torch.no_grad()
    def rescale_evidence(self, scale: float, shift: float) -> None:
        """Changes the last layer so that evidence e becomes ``scale * e + shift``."""
        self.vote.weight[0] *= scale
        if self.vote.bias is not None:  # always, but the type does not say so
            self.vote.bias[0] = scale * self.vote.bias[0] + shift

    def first_layers(self) -> nn.ModuleList:
        """Returns the layers up to maps of a quarter of the input's side."""
        return nn.ModuleList([self.stem, self.to_4])

    def last_layers(self) -> nn.ModuleList:
        """Returns the two layers that MediaPipe's network does not have."""
        return nn.ModuleList([self.mix, self.vote])

    def body(self) -> nn.ModuleList:
        """Returns all layers but the last two."""
        ours = {id(layer) for layer in self.last_layers()}
        return nn.ModuleList([layer for layer in self.children() if id(layer) not in ours])


def _doubled(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear")


def _stage(channels_in: int, channels_out: int, blocks: int, *, stride: int = 1) -> nn.Sequential:
    first = _Block(channels_in, channels_out, stride)
    return nn.Sequential(first, *(_Block(channels_out, channels_out, 1) for _ in range(blocks - 1)))


class _Block(nn.Module):
    """Filters each channel by itself, mixes the channels, and adds what came in."""

    def __init__(self, channels_in: int, channels_out: int, stride: int):
        super().__init__()
        mix = _Convolution(channels_in, channels_out, 1)
        # There is no batch norm. At full size, 23 blocks would let sums grow beyond all numbers.
        mix.weight.data.mul_(0.25)
        self.body = nn.Sequential(
            _Convolution(channels_in, channels_in, 5, stride=stride, groups=channels_in), mix
        )
        self.activation = nn.PReLU(channels_out)
        self.stride, self.more = stride, channels_out - channels_in

    def forward(self, x: Tensor) -> Tensor:
        out = self.body(x)
        if self.stride > 1:
            x = F.max_pool2d(x, self.stride)
        if self.more:
            x = F.pad(x, (0, 0, 0, 0, 0, self.more))
        return self.activation(out + x)


class _Convolution(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding."""

    def __init__(
        self, channels_in: int, channels_out: int, side: int, *, stride: int = 1, groups: int = 1
    ):
        super().__init__(channels_in, channels_out, side, stride, padding=side // 2, groups=groups)
        nn.init.kaiming_normal_(self.weight)
        if self.bias is not None:  # always, but the type does not say so
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if self.stride == (2, 2):
            # There "same" adds one pixel more below and on the right; see `ASLMobileNet`.
            weight = F.pad(weight, (1, 0, 1, 0))
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, groups=self.groups)
