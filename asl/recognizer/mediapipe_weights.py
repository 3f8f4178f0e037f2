"""The weights that the recogniser's networks begin with: those of three of MediaPipe's networks.

`ASLMobileNet` takes those of the smaller of two networks that find a hand's joints, `HandJoints`
those of the larger one, and `HandFinder` those of the one that finds palms. They come from a wheel
of MediaPipe, which is only read, never installed. It and the models in it are licensed under
Apache-2.0.

    pip download mediapipe==0.10.21 --no-deps --only-binary :all: \\
        --python-version 3.11 --platform manylinux_2_28_x86_64
"""

import hashlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import Tensor, nn

from asl.files import install_hint
from asl.recognizer.hand_finder import HandFinder
from asl.recognizer.hand_joints import HandJoints
from asl.recognizer.mobile_net import ASLMobileNet

_LANDMARKS = (
    "mediapipe/modules/hand_landmark/hand_landmark_lite.tflite",
    "048edd3645c9bf7397d19a9f6e3a42957d6e414c9bea6598030a2e9b624156e6",  # SHA-256
)
_JOINTS = (
    "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
    "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
)
_PALMS = (
    "mediapipe/modules/palm_detection/palm_detection_lite.tflite",
    "e9a4aaddf90dda56a87235303cf00e4c2d3fb28725f68fd88772997dac905c18",
)
_PALM_HEADS = (2, 6, 36, 108)  # channels of the layers that say where palms are


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
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    _fill(layers, _layers(wheel, *_LANDMARKS)[: len(layers)])


def load_joint_weights(joints: HandJoints, wheel: str | os.PathLike) -> None:
    """Copies all of MediaPipe's weights into a network that finds joints.

    Arguments and errors are those of `load_landmark_weights`.
    """
    layers = [m for m in joints.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    _fill(layers, _layers(wheel, *_JOINTS))


def load_palm_weights(finder: HandFinder, wheel: str | os.PathLike) -> None:
    """Copies MediaPipe's weights into a finder, except for its last two layers.

    Arguments and errors are those of `load_landmark_weights`.
    """
    layers = [m for m in finder.body().modules() if isinstance(m, nn.Conv2d | nn.PReLU)]
    theirs = _layers(wheel, *_PALMS)
    _fill(layers, [layer for layer in theirs if len(layer["weight"]) not in _PALM_HEADS])


def _fill(layers: Sequence[nn.Module], weights: list[dict[str, Tensor]]) -> None:
    for layer, theirs in zip(layers, weights, strict=True):
        layer.load_state_dict(theirs)


def _layers(wheel: str | os.PathLike, name: str, sha256: str) -> list[dict[str, Tensor]]:
    """Returns the weights of each layer of a network in a wheel that has any, in order."""
    if find_spec("tflite") is None:
        raise ImportError(
            f"reading MediaPipe's network needs one more package: {install_hint('train')}"
        )
    try:
        with ZipFile(wheel) as file:
            content = file.read(name)
    except (BadZipFile, KeyError) as error:
        raise ValueError(
            f"expected a wheel of mediapipe 0.10.21, found '{wheel}': {error}"
        ) from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ValueError(
            f"expected the network of mediapipe 0.10.21 in '{wheel}', found another, of SHA-256 "
            f"{found}"
        )
    return _parsed(content)


def _parsed(content: bytes) -> list[dict[str, Tensor]]:
    """Returns weight and bias of each convolution, (C, C / groups, side, side) and (C,).

    And of each linear layer, (C, inputs) and (C,), and the weight of each PReLU, (C,).
    """
    import tflite

    network = tflite.Model.GetRootAsModel(content, 0)
    graph = network.Subgraphs(0)
    full: dict[int, int] = {}  # tensors in single precision → the same in half, as stored

    def read(index: int) -> Tensor:
        tensor = graph.Tensors(full[index])
        stored = network.Buffers(tensor.Buffer()).DataAsNumpy().view(np.float16)
        return torch.from_numpy(stored.reshape(tensor.ShapeAsNumpy()).astype(np.float32))

    found = []
    for step in map(graph.Operators, range(graph.OperatorsLength())):
        kind = network.OperatorCodes(step.OpcodeIndex()).BuiltinCode()
        inputs = step.InputsAsNumpy().tolist()
        if kind == tflite.BuiltinOperator.DEQUANTIZE:
            full[step.Outputs(0)] = inputs[0]
        elif kind == tflite.BuiltinOperator.CONV_2D:  # (out, side, side, in)
            weight = read(inputs[1]).permute(0, 3, 1, 2)
            found.append({"weight": weight, "bias": read(inputs[2])})
        elif kind == tflite.BuiltinOperator.DEPTHWISE_CONV_2D:  # (1, side, side, channels)
            weight = read(inputs[1]).permute(3, 0, 1, 2)
            found.append({"weight": weight, "bias": read(inputs[2])})
        elif kind == tflite.BuiltinOperator.FULLY_CONNECTED:  # (out, in)
            found.append({"weight": read(inputs[1]), "bias": read(inputs[2])})
        elif kind == tflite.BuiltinOperator.PRELU:  # (1, 1, channels)
            found.append({"weight": read(inputs[1]).flatten()})
    return found
