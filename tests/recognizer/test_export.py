from pathlib import Path

import pytest
import torch

from asl import Recognizer, normalize
from asl.recognizer import export
from asl.recognizer.export import export_recognizer
from asl.recognizer.recognizer import find_either_hand, read_as_either_hand


@pytest.fixture(scope="module")
def recognizer():
    torch.manual_seed(0)
    return Recognizer.create(image_size=16)


def test_exported_networks_answer_as_before_for_any_batch(recognizer, tmp_path):
    finder, classifier = export_recognizer(recognizer, tmp_path / "new")
    assert (finder.name, classifier.name) == ("finder.pt2", "classifier.pt2")
    pixels = torch.rand(5, 3, 16, 16)
    with torch.inference_mode():
        expected = read_as_either_hand(recognizer.classifier, normalize(255 * pixels))
        found = torch.export.load(classifier).module()(pixels)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    pixels = torch.rand(5, 3, recognizer.finder.image_size, recognizer.finder.image_size)
    with torch.inference_mode():
        expected = find_either_hand(recognizer.finder, normalize(255 * pixels))
        found = torch.export.load(finder).module()(pixels)
    torch.testing.assert_close(tuple(found), expected, atol=1e-5, rtol=1e-5)


def test_a_file_that_answers_otherwise_is_not_kept(recognizer, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_write_pt2", lambda network, example, path: path.touch())
    wrong = (torch.zeros(1, 3), torch.zeros(1))
    monkeypatch.setattr(export, "_read_pt2", lambda path: lambda pixels: wrong)
    with pytest.raises(RuntimeError, match="expected the exported network to answer 1 images"):
        export_recognizer(recognizer, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_an_error_and_the_old_export_stays(recognizer, tmp_path, monkeypatch):
    (tmp_path / "finder.pt2").write_bytes(b"old")

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        export_recognizer(recognizer, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["finder.pt2"]
    assert (tmp_path / "finder.pt2").read_bytes() == b"old"


@pytest.mark.filterwarnings("default")
def test_onnx(recognizer, tmp_path):
    for package in ("onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra 'onnx'")
    paths = export_recognizer(recognizer, tmp_path, format="onnx")
    assert sorted(tmp_path.iterdir()) == sorted(paths)  # weights inside, no file beside


def test_wrong_format_and_missing_extra(recognizer, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="pt2 or onnx, found 'tflite'"):
        export_recognizer(recognizer, tmp_path, format="tflite")
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install -e .\[onnx\]"):
        export_recognizer(recognizer, tmp_path, format="onnx")
