from zipfile import ZipFile

import numpy as np
import pytest
import torch
from torch import nn

from asl import ASLMobileNet, HandFinder
from asl.recognizer import mediapipe_weights
from asl.recognizer.hand_joints import HandJoints
from asl.recognizer.mediapipe_weights import (
    load_joint_weights,
    load_landmark_weights,
    load_palm_weights,
)

OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256


def test_weights_are_read_in_order_from_half_precision():
    tflite = pytest.importorskip("tflite", reason="needs the extra 'train'")
    flatbuffers = pytest.importorskip("flatbuffers")
    full = np.arange(24).reshape(2, 3, 2, 2)  # (out, side, side, in), not square on purpose
    apart = np.arange(9).reshape(1, 3, 3, 1) / 2  # (1, side, side, channels)
    slopes = np.array([[[0.25, -0.5]]])  # (1, 1, channels)
    stored = [full, np.array([1.0, -2.0]), slopes, apart, np.array([0.5])]
    content = _network(tflite, flatbuffers, [a.astype(np.float16) for a in stored])
    convolution, activation, channelwise = mediapipe_weights._parsed(content)
    weight, other = convolution["weight"], channelwise["weight"]
    assert weight.shape == (2, 2, 3, 2) and weight.dtype == torch.float32
    assert weight[1, 0, 2, 1] == full[1, 2, 1, 0] and convolution["bias"].tolist() == [1, -2]
    assert activation.keys() == {"weight"} and activation["weight"].tolist() == [0.25, -0.5]
    assert other.shape == (1, 1, 3, 3) and other[0, 0, 2, 1] == apart[0, 2, 1, 0]
    assert channelwise["bias"].tolist() == [0.5]


def _network(tflite, flatbuffers, arrays):
    """Returns a file of a convolution, a PReLU, and a convolution for each channel by itself.

    All weights pass a conversion.
    """
    builder = flatbuffers.Builder()

    def vector(start, items):
        start(builder, len(items))
        for item in reversed(items):
            builder.PrependUOffsetTRelative(item)
        return builder.EndVector()

    def numbers(values):
        return builder.CreateNumpyVector(np.array(values, np.int32))

    def operator(code, inputs, output):
        inputs, outputs = numbers(inputs), numbers([output])
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, code)
        tflite.OperatorAddInputs(builder, inputs)
        tflite.OperatorAddOutputs(builder, outputs)
        return tflite.OperatorEnd(builder)

    def tensor(shape, buffer):
        shape = numbers(shape)
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, shape)
        tflite.TensorAddBuffer(builder, buffer)
        return tflite.TensorEnd(builder)

    buffers = []
    for array in arrays:
        data = builder.CreateNumpyVector(np.frombuffer(array.tobytes(), np.uint8))
        tflite.BufferStart(builder)
        tflite.BufferAddData(builder, data)
        buffers.append(tflite.BufferEnd(builder))
    # 0 to 4 as stored, 5 to 9 in full, 10 the picture and what becomes of it.
    tensors = [tensor(a.shape, i) for i, a in enumerate(arrays)]
    tensors += [tensor(a.shape, 0) for a in arrays] + [tensor([1, 1, 1, 1], 0)]
    steps = [operator(0, [i], 5 + i) for i in range(5)]
    steps += [operator(1, [10, 5, 6], 10), operator(2, [10, 7], 10), operator(3, [10, 8, 9], 10)]
    tensors = vector(tflite.SubGraphStartTensorsVector, tensors)
    steps = vector(tflite.SubGraphStartOperatorsVector, steps)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensors)
    tflite.SubGraphAddOperators(builder, steps)
    graphs = vector(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(builder)])
    codes = []
    for name in ("DEQUANTIZE", "CONV_2D", "PRELU", "DEPTHWISE_CONV_2D"):
        tflite.OperatorCodeStart(builder)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, getattr(tflite.BuiltinOperator, name))
        codes.append(tflite.OperatorCodeEnd(builder))
    codes = vector(tflite.ModelStartOperatorCodesVector, codes)
    buffers = vector(tflite.ModelStartBuffersVector, buffers)
    tflite.ModelStart(builder)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddSubgraphs(builder, graphs)
    tflite.ModelAddBuffers(builder, buffers)
    builder.Finish(tflite.ModelEnd(builder))
    return bytes(builder.Output())


def wheel_of_nothing(folder, monkeypatch, names, layers):
    """Makes a wheel whose networks are empty files, which are read as these layers."""
    monkeypatch.setattr(mediapipe_weights, "_parsed", lambda content: layers)
    with ZipFile(folder / "wheel", "w") as wheel:
        for name in names:
            file, _ = getattr(mediapipe_weights, name)
            wheel.writestr(file, b"")
            monkeypatch.setattr(mediapipe_weights, name, (file, OF_NOTHING))
    return folder / "wheel"


def test_weights_go_to_convolutions_in_order_and_all_are_trained(tmp_path, monkeypatch):
    pytest.importorskip("tflite", reason="needs the extra 'train'")
    model, source = ASLMobileNet(), ASLMobileNet()
    convolutions = [m for m in source.modules() if isinstance(m, nn.Conv2d)]
    found = [{"weight": m.weight.detach(), "bias": m.bias.detach() + 1} for m in convolutions]
    found.append({"weight": torch.zeros(1), "bias": torch.zeros(1)})  # the file's last layers
    load_landmark_weights(model, wheel_of_nothing(tmp_path, monkeypatch, ["_LANDMARKS"], found))
    for name in ("stem.1.weight", "blocks.7.body.1.weight", "head.1.weight"):
        assert model.get_parameter(name).equal(source.get_parameter(name))
    assert (model.get_parameter("blocks.3.body.2.bias") == 1).all()
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_network_that_finds_joints_takes_all_layers_with_the_last_ones_in_the_files_order(
    tmp_path, monkeypatch
):
    pytest.importorskip("tflite", reason="needs the extra 'train'")
    network, source = HandJoints(), HandJoints()
    layers = [m for m in source.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    found = [{"weight": m.weight.detach(), "bias": m.bias.detach() + 1} for m in layers]
    load_joint_weights(network, wheel_of_nothing(tmp_path, monkeypatch, ["_JOINTS"], found))
    for name, value in source.named_parameters():
        assert network.get_parameter(name).equal(value + 1 if name.endswith("bias") else value)
    # As in MediaPipe's file: which hand, whether it is one, where its joints are, and in metres.
    assert [len(layer["bias"]) for layer in found[-4:]] == [1, 1, 63, 63]
    assert list(network.last) == ["right", "present", "points", "world"]


def palm_layers():
    """Returns layers as MediaPipe's palm detection has them, each filled with its number."""
    shapes = []

    def convolution(channels, more, side):
        shapes.append((channels, more, side, side))

    def blocks(channels, count, width=None):
        for _ in range(count):
            convolution(channels, 1, 5)  # each channel by itself
            convolution(width or channels, channels, 1)
            channels = width or channels
            shapes.append((channels,))  # PReLU

    convolution(32, 3, 5)
    shapes.append((32,))
    blocks(32, 3)
    for channels, width in ((32, 64), (64, 128), (128, 256), (256, 256)):
        blocks(channels, 4, width)
    convolution(256, 256, 1)
    shapes.append((256,))
    blocks(256, 2)
    for outputs in (6, 108):  # scores and places of palms, which we have no layers for
        convolution(outputs, 256, 1)
    convolution(128, 256, 1)
    shapes.append((128,))
    blocks(128, 2)
    for outputs in (2, 36):
        convolution(outputs, 128, 1)
    layers = []
    for number, shape in enumerate(shapes):
        layers.append({"weight": torch.full(shape, float(number))})
        if len(shape) > 1:
            layers[-1]["bias"] = torch.full(shape[:1], number + 0.5)
    return layers


def test_a_finder_takes_all_layers_of_palm_detection_but_its_last_in_their_order(
    tmp_path, monkeypatch
):
    pytest.importorskip("tflite", reason="needs the extra 'train'")
    finder = HandFinder(image_size=32)
    ours = {name: value.clone() for name, value in finder.state_dict().items()}
    layers = palm_layers()
    load_palm_weights(finder, wheel_of_nothing(tmp_path, monkeypatch, ["_PALMS"], layers))
    number = {name: value.flatten()[0].item() for name, value in finder.state_dict().items()}
    for name in ("mix.0.weight", "mix.1.weight", "vote.weight", "vote.bias"):
        assert finder.get_parameter(name).equal(ours[name])
    taken = {name: n for name, n in number.items() if name.split(".")[0] not in ("mix", "vote")}
    heads = (67, 68, 77, 78)
    weights = sorted(n for name, n in taken.items() if not name.endswith("bias"))
    assert weights == [n for n in range(len(layers)) if n not in heads] and len(layers) == 79
    assert number["stem.0.weight"] == 0 and number["stem.1.weight"] == 1
    # In a block: each channel by itself, then across channels, then the slopes of what is below 0.
    first = [f"to_4.0.{part}.weight" for part in ("body.0", "body.1", "activation")]
    assert [number[name] for name in first] == [2, 3, 4]
    assert number["to_8.0.body.0.weight"] == 2 + 3 * 7 and number["to_32.3.body.1.bias"] == 57.5
    assert number["from_32.0.weight"] == 59 and number["at_16.1.activation.weight"] == 66
    assert number["from_16.0.weight"] == 69 and number["at_8.1.body.0.weight"] == 74


@pytest.mark.parametrize(
    ("load", "make", "file"),
    [
        (load_landmark_weights, ASLMobileNet, mediapipe_weights._LANDMARKS[0]),
        (load_joint_weights, HandJoints, mediapipe_weights._JOINTS[0]),
        (load_palm_weights, HandFinder, mediapipe_weights._PALMS[0]),
    ],
    ids=["landmarks", "joints", "palms"],
)
def test_what_is_no_such_wheel_is_named_and_changes_nothing(
    load, make, file, tmp_path, monkeypatch
):
    pytest.importorskip("tflite", reason="needs the extra 'train'")
    network = make()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(FileNotFoundError):
        load(network, tmp_path / "none.whl")
    (tmp_path / "text.whl").write_text("no wheel")
    with ZipFile(tmp_path / "other.whl", "w") as wheel:
        wheel.writestr("mediapipe/__init__.py", "")
    for name in ("text.whl", "other.whl"):
        with pytest.raises(ValueError, match=f"a wheel of mediapipe 0.10.21, found '.*{name}'"):
            load(network, tmp_path / name)
    with ZipFile(tmp_path / "newer.whl", "w") as wheel:
        wheel.writestr(file, "another network")
    with pytest.raises(ValueError, match="newer.whl', found another, of SHA-256 "):
        load(network, tmp_path / "newer.whl")
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    monkeypatch.setattr(mediapipe_weights, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install -e .\[train\]"):
        load(network, tmp_path / "other.whl")
