from pathlib import Path

import pytest

from asl import ASLDataset, find_dataset, sources, stand_in


@pytest.fixture
def empty_machine(tmp_path, monkeypatch):
    """No argument, variable, local folder or network leads to images."""

    def no_network():
        raise OSError("no network")

    (tmp_path / "work" / "asl_dataset").mkdir(parents=True)
    (tmp_path / "work" / "asl_dataset" / "README.md").write_text("a data card")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("ASL_DATA_DIR", raising=False)
    monkeypatch.setattr(sources, "_fetch_from_kaggle", no_network)


def test_first_match_wins(empty_machine, write_images, tmp_path, monkeypatch, capsys):
    places = {
        name: write_images("a", folder=tmp_path / name) for name in ("given", "variable", "kaggle")
    }
    local = write_images("a", folder=Path("asl_dataset"))

    monkeypatch.setattr(sources, "_fetch_from_kaggle", lambda: str(places["kaggle"]))
    monkeypatch.setenv("ASL_DATA_DIR", str(places["variable"]))
    assert find_dataset(places["given"]) == places["given"]
    assert find_dataset() == places["variable"]
    monkeypatch.delenv("ASL_DATA_DIR")
    assert find_dataset() == local
    (local / "a").rename(tmp_path / "moved away")
    assert find_dataset() == places["kaggle"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "ASL_DATA_DIR" in lines[1] and "Kaggle" in lines[3]


def test_without_photographs_the_rendered_hands_are_taken_and_named_so(
    empty_machine, write_images, monkeypatch, capsys
):
    rendered = write_images()
    monkeypatch.setattr(stand_in, "unpack_stand_in", lambda: rendered)
    assert find_dataset() == rendered
    said = capsys.readouterr().out
    for words in ("ASL_DATA_DIR", "asl_dataset/", "OSError: no network", "kagglehub"):
        assert words in said
    assert "RENDERED HANDS, not photographs" in said.splitlines()[-1]


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_a_mistyped_folder_is_an_error_not_a_reason_to_look_elsewhere(
    how, empty_machine, write_images, monkeypatch
):
    write_images("a", folder=Path("asl_dataset"))
    if how == "variable":
        monkeypatch.setenv("ASL_DATA_DIR", "asl_datset")
    with pytest.raises(FileNotFoundError, match="'asl_datset'.*there is no such folder"):
        find_dataset("asl_datset" if how == "argument" else None)


def test_doubled_archive_counts_each_image_once(write_images, tmp_path):
    write_images(folder=tmp_path / "1" / "asl_dataset")
    write_images(folder=tmp_path / "1" / "asl_dataset" / "asl_dataset")
    assert find_dataset(tmp_path / "1") == tmp_path / "1" / "asl_dataset"
    assert len(ASLDataset(tmp_path / "1")) == 5 * 36
