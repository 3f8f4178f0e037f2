"""The folder that rendered signers are written to."""

import json
import sys
from dataclasses import fields

import pytest

from asl.data import ASLDataset
from asl.rendering import dataset, mesh
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
    assert manifest["images"] == options.images == 8
    assert DatasetOptions(**manifest["options"]) == options  # it says how to make it again
    assert set(manifest["options"]) == {field.name for field in fields(DatasetOptions)}
    assert set(manifest["signers"]) == {"1", "2"}
    people = [manifest["options"], *manifest["signers"].values()]
    assert all(one["turned"] == 2 and one["taught"] == ["f", "x"] for one in people)
    with pytest.warns(UserWarning, match="images of 2 of 36 signs"):
        found = ASLDataset(folder, progress=False)
    assert len(found) == 8 and set(found.signers) == {1, 2} and set(found.lights) == {"top"}
    assert [path.name for path in tmp_path.iterdir()] == ["hands"]


def test_a_folder_with_something_in_it_is_refused_unless_forced(render, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    options = DatasetOptions(signers=1, size=16, signs=["b"], lights=["dif"], frames=1)
    with pytest.raises(FileExistsError, match="is not empty"):
        synthesize(tmp_path, options, workers=1, progress=False)
    assert (tmp_path / "mine.txt").exists()
    for force in (False, True):
        synthesize(tmp_path / "new", options, workers=1, progress=False, force=force)
        assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["b", "manifest.json"]
        (tmp_path / "new" / "b" / "left over").touch()


def test_a_folder_that_cannot_be_written_is_found_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "rest_hand", None)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="cannot write '.*new': '.*file' is a file"):
        synthesize(tmp_path / "file" / "new", DatasetOptions(signers=1))


def test_force_replaces_what_a_link_leads_to_and_keeps_the_link(render, tmp_path):
    options = DatasetOptions(signers=1, size=16, signs=["b"], lights=["dif"], frames=1)
    made = synthesize(tmp_path / "made", options, workers=1, progress=False)
    (made / "b" / "left over").touch()
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years of work")
    try:
        for name in ("made", "work"):
            (tmp_path / f"link to {name}").symlink_to(name, target_is_directory=True)
    except OSError:  # Windows, without the right to make links
        pytest.skip("no links here")
    synthesize(tmp_path / "link to made", options, workers=1, progress=False, force=True)
    assert (tmp_path / "link to made").is_symlink() and not made.is_symlink()
    assert sorted(path.name for path in made.rglob("*")) == [
        "b",
        "hand1_b_dif_seg_1_cropped.jpeg",
        "manifest.json",
    ]
    with pytest.raises(FileExistsError, match="force replaces only folders"):
        synthesize(tmp_path / "link to work", options, workers=1, progress=False, force=True)
    assert (tmp_path / "work" / "thesis.txt").read_text() == "years of work"
    assert len(list(tmp_path.iterdir())) == 4


def test_an_interruption_leaves_nothing(render, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "render_sign", stop)
    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path / "hands", DatasetOptions(signers=1), workers=1, progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"signers": 0}, "at least 1 of signers, found 0"),
        ({"frames": 0}, "at least 1 of frames, found 0"),
        ({"seed": -1}, "a seed of at least 0, found -1"),
        ({"size": 8}, "from 16 to 2048 pixels, found 8"),
        ({"signs": []}, "at least one sign"),
        ({"signs": ["a", "ä"]}, "found 'ä'"),
        ({"lights": ["moon"]}, "found 'moon'"),
        ({"quality": 99}, "from 1 to 95, found 99"),
        ({"turned": 5}, "turned from 0 to 4, found 5"),
        ({"taught": ["b"]}, "taught to be among d, f.* found b"),
        ({"vary": ["mood"]}, "vary to be among forearm.* found mood"),
    ],
)
def test_options_that_cannot_be_drawn_are_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        DatasetOptions(**arguments)


def test_the_order_of_taught_signs_means_nothing():
    assert DatasetOptions(taught=["x", "f"]) == DatasetOptions(taught=["f", "x", "f"])


def test_people_are_numbered_from_the_seed_and_right_handed_if_asked():
    people = DatasetOptions(signers=40, seed=2, left_handed=False, turned=2).people()
    assert [person.seed for person in people] == list(range(2001, 2041))
    assert not any(person.left for person in people) and people[0].turned == 2
    assert any(person.left for person in DatasetOptions(signers=40, seed=2).people())


def test_without_the_extra_the_command_to_install_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "anny", None)
    monkeypatch.setattr(dataset, "rest_hand", mesh._library_hand.__wrapped__)
    with pytest.raises(ImportError, match=r"pip install -e \.\[render\]"):
        synthesize(tmp_path / "hands", DatasetOptions(signers=1), progress=False)
    assert not list(tmp_path.iterdir())


def test_force_replaces_only_what_was_rendered(tmp_path, monkeypatch):
    (tmp_path / "thesis.txt").write_text("years of work")
    options = DatasetOptions(signers=1, signs=["a"], lights=["dif"], frames=1, size=16)
    for content in (None, "no JSON", "[]", '{"what": "something else"}'):
        if content is not None:
            (tmp_path / dataset.MANIFEST).write_text(content)
        with pytest.raises(
            FileExistsError, match="force replaces only folders that asl synthesize has made"
        ):
            synthesize(tmp_path, options, force=True, progress=False)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
