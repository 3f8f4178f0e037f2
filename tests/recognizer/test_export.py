import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from asl import ANSWERS, SIGNS, Recognizer
from asl.files import CHECKOUT
from asl.recognizer import export
from asl.recognizer.crops import to_pixels
from asl.recognizer.export import export_recognizer
from asl.recognizer.graph import Answer


@pytest.fixture(scope="module")
def recognizer(make_recognizer):
    made = make_recognizer(joint_reader=True)
    made.finder.vote.weight.data.mul_(30)  # so that where it looks depends on the picture
    made.temperature, made.threshold = 1.5, 0.25
    # Elsewhere, random weights see joints as surely or unsurely: rounding would choose the place.
    made.joint_reader.joints.last["present"].bias.data.fill_(9)
    return made


def smooth(height: int, width: int) -> torch.Tensor:
    """What networks make of noise without any shape hangs on the last bit of a pixel's place."""
    coarse = torch.rand(1, 3, -(-height // 8), -(-width // 8))
    pixels = F.interpolate(coarse, (height, width), mode="bilinear")[0].permute(1, 2, 0)
    return (255 * pixels).byte()


@pytest.fixture(scope="module")
def exported(recognizer, tmp_path_factory):
    """The recogniser's file, written once: it takes seconds."""
    return export_recognizer(recognizer, tmp_path_factory.mktemp("exported") / "new")


def test_the_file_answers_pictures_of_any_size_as_the_recogniser_does(recognizer, exported):
    assert exported.name == "recognizer.pt2" and list(exported.parent.iterdir()) == [exported]
    program = torch.export.load(exported).module()
    for sides in ((1, 3), (29, 31), (100, 640), (700, 90)):
        pixels = smooth(*sides)
        with torch.inference_mode():
            found = Answer(**program(pixels))
            expected = recognizer.graph().eval()(pixels)
        for name in Answer._fields:
            a, b = getattr(found, name), getattr(expected, name)
            torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)
        (sight,) = recognizer.look([pixels.numpy()])
        best = [pair for pair in sight.answers if pair[0] is not None][0]
        assert ANSWERS[found.confidence.argmax()] == best[0]
        assert found.confidence.max().item() == pytest.approx(best[1], abs=1e-4)


def test_the_file_looks_for_joints_once_where_that_is_enough(make_recognizer, tmp_path):
    # The other recogniser of this module is never sure, so its file always looks twice.
    made = make_recognizer(joint_reader=True)
    made.joint_reader.read[-1].bias.data[5] = 60
    made.joint_reader.joints.last["present"].bias.data.fill_(9)
    graph, pixels = made.graph().eval(), smooth(50, 70)
    program = torch.export.load(export_recognizer(made, tmp_path)).module()
    with torch.inference_mode():
        expected, found = graph(pixels), Answer(**program(pixels))
    assert expected.confidence.max() / expected.hand > 0.99  # sure at once
    torch.testing.assert_close(found.log_probs, expected.log_probs, atol=1e-3, rtol=1e-4)


def test_the_file_says_what_is_needed_to_tell_people(exported):
    kept = {"metadata.json": ""}
    torch.export.load(exported, extra_files=kept)
    metadata = json.loads(kept["metadata.json"])
    assert tuple(json.loads(metadata["answers"])) == ANSWERS
    assert tuple(json.loads(metadata["signs"])) == SIGNS
    assert (metadata["threshold"], metadata["temperature"]) == ("0.25", "1.5")
    assert metadata["version"] == "1" and set(metadata) == {
        "answers",
        "signs",
        "threshold",
        "temperature",
        "version",
    }


@pytest.mark.parametrize("name", Answer._fields)
@pytest.mark.parametrize("wrong", [1.0, torch.nan])
def test_a_file_that_answers_otherwise_is_not_kept(name, wrong, recognizer, tmp_path, monkeypatch):
    graph = recognizer.graph().eval()

    def answer(pixels):
        found = graph(pixels)
        return found._replace(**{name: getattr(found, name) + wrong})

    monkeypatch.setattr(export, "_write_pt2", lambda *parts: parts[-1].touch())
    monkeypatch.setattr(export, "read_exported", lambda path, format: answer)
    with pytest.raises(RuntimeError, match=rf"\(480, 640\) pixels as .* found {name} of"):
        export_recognizer(recognizer, tmp_path)
    assert not list(tmp_path.iterdir())


def test_answers_of_another_shape_are_no_answers(recognizer, tmp_path, monkeypatch):
    graph = recognizer.graph().eval()
    monkeypatch.setattr(export, "_write_pt2", lambda *parts: parts[-1].touch())
    wrong = lambda pixels: [part[None] for part in graph(pixels)]  # noqa: E731
    monkeypatch.setattr(export, "read_exported", lambda path, format: wrong)
    with pytest.raises(RuntimeError, match=r"found confidence of \(1, 32\) instead of \(32,\)"):
        export_recognizer(recognizer, tmp_path)


def test_a_full_disk_is_an_error_and_the_old_export_stays(recognizer, tmp_path, monkeypatch):
    (tmp_path / "recognizer.pt2").write_bytes(b"old")

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(torch.export, "export", lambda *_, **__: None)
    monkeypatch.setattr(torch.export, "save", lambda *_, **__: None)
    with pytest.raises(OSError, match=r"No space left on device: '.*recognizer\.pt2'"):
        export_recognizer(recognizer, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["recognizer.pt2"]
    assert (tmp_path / "recognizer.pt2").read_bytes() == b"old"


@pytest.mark.filterwarnings("default")
def test_onnx(tmp_path):
    for package in ("onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra 'onnx'")
    import onnxruntime

    recognizer = Recognizer.load()  # onnxruntime 1.32 cannot read that of smaller pictures
    recognizer.threshold = 0.25
    path = export_recognizer(recognizer, tmp_path, format="onnx")
    assert list(tmp_path.iterdir()) == [path]  # weights inside, no file beside
    session = onnxruntime.InferenceSession(path)
    assert [part.name for part in session.get_inputs()] == ["pixels"]
    assert tuple(part.name for part in session.get_outputs()) == Answer._fields
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["threshold"] == "0.25" and tuple(json.loads(metadata["answers"])) == ANSWERS
    hand = to_pixels(CHECKOUT / "docs" / "hand.png")
    small = F.avg_pool2d(hand.permute(2, 0, 1).float(), 16).permute(1, 2, 0).byte()
    for pixels, sure in ((hand, True), (small[:, :-5].contiguous(), False)):
        with torch.inference_mode():
            expected = recognizer.graph().eval()(pixels)
        assert (expected.log_probs.exp().max().item() > 0.8) == sure
        for a, b in zip(expected, session.run(None, {"pixels": pixels.numpy()}), strict=True):
            torch.testing.assert_close(torch.from_numpy(b), a, atol=1e-2, rtol=1e-3)


def test_wrong_format_and_missing_extra(recognizer, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="pt2 or onnx, found 'tflite'"):
        export_recognizer(recognizer, tmp_path, format="tflite")
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install -e .\[onnx\]"):
        export_recognizer(recognizer, tmp_path, format="onnx")
