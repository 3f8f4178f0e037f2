from zipfile import ZipFile

import numpy as np
import pytest
import torch

from asl import ASLMobileNet
from asl.recognizer import mediapipe_weights as landmarks
from asl.recognizer.mediapipe_weights import load_landmark_weights


def test_convolutions_are_read_in_order_from_half_precision():
    tflite = pytest.importorskip("tflite", reason="needs the extra 'train'")
    flatbuffers = pytest.importorskip("flatbuffers")
    full = np.arange(24).reshape(2, 3, 2, 2)  # (out, side, side, in), not square on purpose
    apart = np.arange(9).reshape(1, 3, 3, 1) / 2  # (1, side, side, channels)
    stored = [full, np.array([1.0, -2.0]), apart, np.array([0.5])]
    content = _network(tflite, flatbuffers, [a.astype(np.float16) for a in stored])
    (weight, bias), (other, offset) = landmarks._convolutions(content)
    assert weight.shape == (2, 2, 3, 2) and weight.dtype == torch.float32
    assert weight[1, 0, 2, 1] == full[1, 2, 1, 0] and bias.tolist() == [1, -2]
    assert other.shape == (1, 1, 3, 3) and other[0, 0, 2, 1] == apart[0, 2, 1, 0]
    assert offset.tolist() == [0.5]


def _network(tflite, flatbuffers, arrays):
    """Returns a file of a convolution and one for each channel; all weights pass a conversion."""
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
    # 0 to 3 as stored, 4 to 7 in full, 8 the picture and what becomes of it.
    tensors = [tensor(a.shape, i) for i, a in enumerate(arrays)]
    tensors += [tensor(a.shape, 0) for a in arrays] + [tensor([1, 1, 1, 1], 0)]
    steps = [operator(0, [i], 4 + i) for i in range(4)]
    steps += [operator(1, [8, 4, 5], 8), operator(2, [8, 6, 7], 8)]
    tensors = vector(tflite.SubGraphStartTensorsVector, tensors)
    steps = vector(tflite.SubGraphStartOperatorsVector, steps)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensors)
    tflite.SubGraphAddOperators(builder, steps)
    graphs = vector(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(builder)])
    codes = []
    for name in ("DEQUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D"):
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


def test_weights_go_to_convolutions_in_order_and_all_are_trained(tmp_path, monkeypatch):
    pytest.importorskip("tflite", reason="needs the extra 'train'")
    model, source = ASLMobileNet(), ASLMobileNet()
    convolutions = [m for m in source.modules() if isinstance(m, torch.nn.Conv2d)]
    found = [(m.weight.detach(), m.bias.detach() + 1) for m in convolutions]
    monkeypatch.setattr(landmarks, "_convolutions", lambda content: found)
    monkeypatch.setattr(
        landmarks, "_SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )  # of nothing
    with ZipFile(tmp_path / "wheel", "w") as wheel:
        wheel.writestr(landmarks._FILE, b"")
    load_landmark_weights(model, tmp_path / "wheel")
    for name in ("stem.1.weight", "blocks.7.body.1.weight", "head.1.weight"):
        assert model.get_parameter(name).equal(source.get_parameter(name))
    assert (model.get_parameter("blocks.3.body.2.bias") == 1).all()
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_what_is_no_such_wheel_is_named(tmp_path, monkeypatch):
    pytest.importorskip("tflite", reason="needs the extra 'train'")
    model = ASLMobileNet()
    with pytest.raises(FileNotFoundError):
        load_landmark_weights(model, tmp_path / "none.whl")
    (tmp_path / "text.whl").write_text("no wheel")
    with ZipFile(tmp_path / "other.whl", "w") as wheel:
        wheel.writestr("mediapipe/__init__.py", "")
    for name in ("text.whl", "other.whl"):
        with pytest.raises(ValueError, match=f"a wheel of mediapipe 0.10.21, found '.*{name}'"):
            load_landmark_weights(model, tmp_path / name)
    with ZipFile(tmp_path / "newer.whl", "w") as wheel:
        wheel.writestr(landmarks._FILE, "another network")
    with pytest.raises(ValueError, match="found another, of SHA-256 "):
        load_landmark_weights(model, tmp_path / "newer.whl")
    monkeypatch.setattr(landmarks, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install -e .\[train\]"):
        load_landmark_weights(model, tmp_path / "other.whl")
