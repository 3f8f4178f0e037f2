import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from asl import ASLDataset, DatasetError, find_dataset, sources
from asl.commands import rendering
from asl.commands.rendering import pack_stand_in


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
    monkeypatch.setattr(sources, "KAGGLE_IMAGES", 5)


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
    monkeypatch.setattr(sources, "unpack_stand_in", lambda: rendered)
    assert find_dataset() == rendered
    said = capsys.readouterr().out
    for words in ("ASL_DATA_DIR", "asl_dataset/", "OSError: no network", "kagglehub"):
        assert words in said
    assert "RENDERED HANDS, not photographs" in said.splitlines()[-1]


def test_a_network_error_without_a_message_is_one_too(
    empty_machine, write_images, monkeypatch, capsys
):
    def time_out():
        raise TimeoutError

    rendered = write_images()
    monkeypatch.setattr(sources, "_fetch_from_kaggle", time_out)
    monkeypatch.setattr(sources, "unpack_stand_in", lambda: rendered)
    assert find_dataset() == rendered
    assert "Kaggle: TimeoutError: no message" in capsys.readouterr().out


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


# --- the stand-in -------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("ASL_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def archive(tmp_path, monkeypatch, write_images):
    file = tmp_path / "images.zip"
    for module in (sources, rendering):
        monkeypatch.setattr(module, "ARCHIVE", file)
    assert pack_stand_in(write_images()) == file.stat().st_size
    return file


def test_the_same_images_make_the_same_archive(archive, tmp_path):
    before = archive.read_bytes()
    for path in (tmp_path / "images").rglob("*.png"):
        os.utime(path)
    pack_stand_in(tmp_path / "images")
    assert archive.read_bytes() == before
    with zipfile.ZipFile(archive) as packed:  # the dates of the archive that ships
        assert {info.date_time for info in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_it_is_unpacked_once(archive, cache, leave_draft):
    folder = sources.unpack_stand_in()
    leave_draft(folder)
    assert sources.unpack_stand_in() == folder
    assert folder.parent == cache and [path.name for path in cache.iterdir()] == [folder.name]
    assert len(ASLDataset(folder)) == 180
    archive.write_bytes(b"not read again")
    assert sources.unpack_stand_in() == folder


@pytest.mark.parametrize("damage", [lambda b: b[:-100], lambda b: b[:99] + b"!" + b[100:]])
def test_a_damaged_archive_is_told_from_a_whole_one(damage, archive, cache):
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(DatasetError, match="with SHA-256 .*, found .*: fetch the file again"):
        sources.unpack_stand_in()
    assert not cache.exists()


def test_a_missing_archive(archive, cache):
    archive.unlink()
    with pytest.raises(DatasetError, match="found no .*images.zip"):
        sources.unpack_stand_in()


def test_nothing_half_written_stays(archive, cache, monkeypatch):
    def full(self, folder):
        (folder / "a").mkdir(parents=True)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(OSError, match="No space left"):
        sources.unpack_stand_in()
    assert not list(cache.iterdir())


def test_two_processes_at_once(archive, cache, monkeypatch):
    replace = os.replace

    def late(source, target):
        replace(source, target)  # the other process
        raise OSError("exists")

    monkeypatch.setattr(os, "replace", late)
    assert len(ASLDataset(sources.unpack_stand_in(), cache=False)) == 180


def test_the_archive_that_ships_holds_five_signers_with_all_signs():
    assert sources.ARCHIVE.stat().st_size <= 8_000_000
    digest = hashlib.sha256(sources.ARCHIVE.read_bytes()).hexdigest()
    assert sources.checksum_of(sources.ARCHIVE).read_text().strip() == digest
    with zipfile.ZipFile(sources.ARCHIVE) as packed:
        names = [name.split("/")[-1] for name in packed.namelist() if name.endswith(".jpeg")]
    facts = {tuple(name.split("_")[:3]) for name in names}  # signer, sign, light
    assert len(names) == 5 * 36 * 2 * 5 and len(facts) == 5 * 36 * 2


def test_the_projects_own_folder_is_found_from_elsewhere(
    empty_machine, write_images, tmp_path, monkeypatch
):
    images = write_images(folder=tmp_path / "checkout" / "asl_dataset")
    monkeypatch.setattr(sources, "CHECKOUT", tmp_path / "checkout")
    assert find_dataset() == images


def test_a_long_network_error_ends_at_a_word(empty_machine, write_images, monkeypatch, capsys):
    def unreachable():
        raise OSError("HTTPSConnectionPool: Max retries exceeded with url " + "and so on " * 20)

    rendered = write_images()
    monkeypatch.setattr(sources, "_fetch_from_kaggle", unreachable)
    monkeypatch.setattr(sources, "unpack_stand_in", lambda: rendered)
    find_dataset()
    said = capsys.readouterr().out.splitlines()[0]
    assert said.endswith("so on …") or said.endswith("and …") or said.endswith("so …")


def test_a_network_that_is_not_there_is_told_in_a_few_words(
    empty_machine, write_images, monkeypatch, capsys
):
    def unreachable():
        raise ConnectionError("HTTPSConnectionPool(host='api.kaggle.com', port=443): Max retries")

    rendered = write_images()
    monkeypatch.setattr(sources, "_fetch_from_kaggle", unreachable)
    monkeypatch.setattr(sources, "unpack_stand_in", lambda: rendered)
    find_dataset()
    said = capsys.readouterr().out.splitlines()[0]
    assert said.endswith("Kaggle: ConnectionError: it cannot be reached")


@pytest.mark.parametrize("left", [4, 0])
def test_a_download_with_images_missing_is_not_taken(
    left, empty_machine, write_images, monkeypatch, tmp_path, capsys
):
    deep = tmp_path / "home" / "maria.schneider" / ".cache" / "kagglehub" / "datasets" / "ayuraj"
    part, rendered = write_images("a", folder=deep / "asl-dataset" / "versions"), write_images()
    for path in sorted((part / "a").iterdir())[left:]:
        path.unlink()
    monkeypatch.setattr(sources, "_fetch_from_kaggle", lambda: str(part))
    monkeypatch.setattr(sources, "unpack_stand_in", lambda: rendered)
    assert find_dataset() == rendered
    said = capsys.readouterr().out.splitlines()[0]
    assert said.endswith(
        f"Kaggle: DatasetError: expected 5 images in '{part}', found {left}: remove that folder "
        "first, since kagglehub fetches nothing again while it is there"
    )


def test_the_unpacked_stand_in_is_made_whole_again(archive, cache):
    folder = sources.unpack_stand_in()
    (folder / "a" / "hand1_a_dif_seg_1_cropped.png").unlink()
    file = folder / "b" / "hand1_b_dif_seg_1_cropped.png"
    file.write_bytes(file.read_bytes()[:-1])
    assert sources.unpack_stand_in() == folder
    assert len(ASLDataset(folder, cache=False)) == 180
    assert [path.name for path in cache.iterdir()] == [folder.name]
    (folder / sources._LISTING).write_text("no JSON")
    assert len(ASLDataset(sources.unpack_stand_in(), cache=False)) == 180
