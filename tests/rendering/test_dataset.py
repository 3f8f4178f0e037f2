"""The folder that rendered signers are written to."""

import json
import sys

import pytest

from asl.data import ASLDataset
from asl.rendering import dataset as synthetic
from asl.rendering import mesh as hand_model
from asl.rendering.dataset import DatasetOptions, synthesize


@pytest.fixture
def render():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")


def test_a_written_folder_is_a_dataset(render, tmp_path):
    options = DatasetOptions(
        signers=2, size=24, signs=["a", "0"], lights=["top"], frames=2, turned=2, taught=["x", "f"]
    )
    folder = synthesize(tmp_path / "hands", options, workers=1, progress=False)
    names = sorted(path.name for path in (folder / "a").iterdir())
    assert names == [f"hand{k}_a_top_seg_{n}_cropped.jpeg" for k in (1, 2) for n in (1, 2)]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["images"] == 8 and set(manifest["signers"]) == {"1", "2"}
    people = [manifest["options"], *manifest["signers"].values()]
    assert all(one["turned"] == 2 and one["taught"] == ["f", "x"] for one in people)
    with pytest.warns(UserWarning, match="images of 2 of 36 signs"):
        dataset = ASLDataset(folder, progress=False)
    assert len(dataset) == 8 and set(dataset.signers) == {1, 2} and set(dataset.lights) == {"top"}
    assert [path.name for path in tmp_path.iterdir()] == ["hands"]


def test_a_folder_with_something_in_it_is_refused_unless_forced(render, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    options = DatasetOptions(signers=1, size=16, signs=["b"], lights=["dif"], frames=1)
    with pytest.raises(FileExistsError, match="is not empty"):
        synthesize(tmp_path, options, workers=1, progress=False)
    assert (tmp_path / "mine.txt").exists()
    synthesize(tmp_path, options, workers=1, progress=False, force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "manifest.json"]


def test_an_interruption_leaves_nothing(render, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic, "render_sign", stop)
    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path / "hands", DatasetOptions(signers=1), workers=1, progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [{"signers": 0}, {"frames": 0}, {"signs": []}, {"size": 8}, {"quality": 99}]
)
def test_bad_requests_for_a_folder(arguments):
    with pytest.raises(ValueError, match="expected"):
        DatasetOptions(**arguments)


def test_without_the_extra_the_command_to_install_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "anny", None)
    monkeypatch.setattr(synthetic, "rest_hand", hand_model._library_hand.__wrapped__)
    with pytest.raises(ImportError, match=r"pip install -e \.\[render\]"):
        synthesize(tmp_path / "hands", DatasetOptions(signers=1), progress=False)
    assert not list(tmp_path.iterdir())
