"""The weights that `ASLMobileNet` begins with: those of MediaPipe's hand landmark network.

They come from a wheel of MediaPipe, which is only read, never installed. It and the models in it
are licensed under Apache-2.0.

    pip download mediapipe==0.10.21 --no-deps --only-binary :all: \\
        --python-version 3.11 --platform manylinux_2_28_x86_64
"""

import hashlib
import os
from importlib.util import find_spec
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import Tensor, nn

from asl.files import install_hint
from asl.recognizer.mobile_net import ASLMobileNet

_FILE = "mediapipe/modules/hand_landmark/hand_landmark_lite.tflite"
_SHA256 = "048edd3645c9bf7397d19a9f6e3a42957d6e414c9bea6598030a2e9b624156e6"


def load_landmark_weights(model: ASLMobileNet, wheel: str | os.PathLike) -> None:
    """Copies MediaPipe's weights into a network, except for its last layer.

    Args:
        model: changed in place.
        wheel: a wheel of mediapipe 0.10.21, for any system.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it does not hold the expected network.
        ImportError: if the extra "train" is not installed, with the command to install it.
    """
    if find_spec("tflite") is None:
        raise ImportError(
            f"reading MediaPipe's network needs one more package: {install_hint('train')}"
        )
    try:
        with ZipFile(wheel) as file:
            content = file.read(_FILE)
    except (BadZipFile, KeyError) as error:
        raise ValueError(
            f"expected a wheel of mediapipe 0.10.21, found '{wheel}': {error}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != _SHA256:
        raise ValueError(
            f"expected the network of mediapipe 0.10.21 in '{wheel}', found another, of SHA-256 "
            f"{found}"
        )
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    for convolution, (weight, bias) in zip(convolutions, _convolutions(content), strict=True):
        convolution.load_state_dict({"weight": weight, "bias": bias})


def _convolutions(content: bytes) -> list[tuple[Tensor, Tensor]]:
    """Returns weight (C, C / groups, side, side) and bias (C,) of each convolution, in order."""
    import tflite

    network = tflite.Model.GetRootAsModel(content, 0)
    graph = network.Subgraphs(0)
    full: dict[int, int] = {}  # tensors in single precision → the same in half, as stored

    def read(index: int) -> np.ndarray:
        tensor = graph.Tensors(full[index])
        stored = network.Buffers(tensor.Buffer()).DataAsNumpy().view(np.float16)
        return stored.reshape(tensor.ShapeAsNumpy()).astype(np.float32)

    found = []
    for step in map(graph.Operators, range(graph.OperatorsLength())):
        kind = network.OperatorCodes(step.OpcodeIndex()).BuiltinCode()
        inputs = step.InputsAsNumpy().tolist()
        if kind == tflite.BuiltinOperator.DEQUANTIZE:
            full[step.Outputs(0)] = inputs[0]
        elif kind == tflite.BuiltinOperator.CONV_2D:  # (out, side, side, in)
            found.append((read(inputs[1]).transpose(0, 3, 1, 2), read(inputs[2])))
        elif kind == tflite.BuiltinOperator.DEPTHWISE_CONV_2D:  # (1, side, side, channels)
            found.append((read(inputs[1]).transpose(3, 0, 1, 2), read(inputs[2])))
    return [(torch.from_numpy(w.copy()), torch.from_numpy(b)) for w, b in found]
