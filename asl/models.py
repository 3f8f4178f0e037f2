"""The two networks of the notebook, and what is checked of every network's input and output.

Both read float images (N, 3, H, W) and return log-probabilities (N, 36) over `asl.signs.SIGNS`.
The recogniser's networks are in `asl.recognizer`.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.signs import IMAGE_SIZE, SIGNS


def create_sequential_model(*, image_size: int = IMAGE_SIZE) -> nn.Sequential:
    """Builds the MLP: pixels → 256 → 128 → 36 log-probabilities.

    Args:
        image_size: side of its square input images, in pixels.

    Returns:
        A model that reads float (N, 3, image_size, image_size) and returns (N, 36). Any other
        input shape raises a ValueError.
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
    vars(model)["image_size"] = image_size  # as `ASLNet` has it; a Sequential has no place for it
    # A hook, since Flatten accepts any shape and Linear then fails with words about matrices.
    model.register_forward_pre_hook(partial(_check_sequential_input, image_size=image_size))
    return model


class ASLNet(nn.Module):
    """A small CNN that reads each colour channel by itself, with an attention gate.

    Red, green and blue share one extractor of two convolutions. A linear layer fuses their
    features. The argument `attention` says what the gate does:

    - ``"scalar"``, as in the notebook we were given: three sigmoid weights are averaged, and that
      one number scales all fused features. It cannot prefer one channel to another.
    - ``"channel"``: each channel's features are scaled by its own weight before they are fused, so
      the weights mean what their name says. The parameters and `state_dict` keys are the same.

    This departs from that notebook in one way. The three channels pass the extractor as one batch
    of 3N single-channel images, not in three calls. So in training its batch norms take their
    statistics over all channels together. In evaluation both ways compute the same function.
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

        # The largest tensors are here, so computing in place moves less memory in a step.
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
        # (N, 3, S, S) → (3N, 1, S, S): one call of the extractor instead of three. In channels-last
        # order convolution, batch norm and pooling over few channels are faster: a training step
        # takes 0.6 times as long on a 2-core CPU.
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
        # The gate reads a first fusion, before the batch norm, whose statistics would otherwise mix
        # weighed and unweighed features. Then the weighed channels are fused.
        fuse = self.shared[0]
        weights = self.attention(F.relu(fuse(maps.flatten(1))))
        weighed = weights.unsqueeze(2) * maps.flatten(2)  # (N, 3, 1) · (N, 3, F) → (N, 3, F)
        return self.shared(weighed.flatten(1)), weights


# --- what is checked of every network ----------------------------------------------------------


def check_image_size(image_size: int, multiple_of: int) -> None:
    """Raises ValueError unless a network can be built for images of a size."""
    if image_size < multiple_of or image_size % multiple_of:
        raise ValueError(
            f"expected image_size to be a positive multiple of {multiple_of} pixels, "
            f"found {image_size}"
        )


def check_input(x: Tensor, image_size: int) -> None:
    """Raises ValueError unless images are (N, 3, image_size, image_size)."""
    if x.ndim != 4 or x.shape[1:] != (3, image_size, image_size):
        raise ValueError(
            f"expected images of shape (N, 3, {image_size}, {image_size}), found {tuple(x.shape)}"
        )


def _check_sequential_input(model: nn.Module, inputs: tuple[Tensor], image_size: int) -> None:
    check_input(inputs[0], image_size)


def check_width(output: Tensor) -> None:
    """Raises ValueError unless a model's output is (N, 36)."""
    if output.ndim != 2 or output.shape[1] != len(SIGNS):
        raise ValueError(
            f"expected a model output of shape (N, {len(SIGNS)}), found {tuple(output.shape)}"
        )


@torch.inference_mode()
def check_output(model: nn.Module, images: Tensor) -> None:
    """Raises ValueError unless a model, which ends in evaluation mode, answers as models do."""
    model.eval()
    output = model(images)
    check_width(output)
    total = output.exp().sum(dim=1)[0].item()
    if not abs(total - 1) < 1e-3:
        raise ValueError(
            "expected log-probabilities, whose exponentials sum to 1 for each image, found a sum "
            f"of {total:.3g}: end the model with nn.LogSoftmax(dim=1)"
        )
