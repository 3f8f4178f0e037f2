import hashlib
import os
import zipfile

import pytest

from asl import ASLDataset, DatasetError, stand_in


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setattr(stand_in, "user_cache_path", lambda name: folder / name)
    return folder / "asl-recognition"


@pytest.fixture
def archive(tmp_path, monkeypatch, write_images):
    file = tmp_path / "images.zip"
    monkeypatch.setattr(stand_in, "ARCHIVE", file)
    assert stand_in.pack_stand_in(write_images()) == file.stat().st_size
    return file


def test_the_same_images_make_the_same_archive(archive, tmp_path):
    before = archive.read_bytes()
    for path in (tmp_path / "images").rglob("*.png"):
        os.utime(path)
    stand_in.pack_stand_in(tmp_path / "images")
    assert archive.read_bytes() == before


def test_it_is_unpacked_once(archive, cache):
    folder = stand_in.unpack_stand_in()
    assert folder.parent == cache and [path.name for path in cache.iterdir()] == [folder.name]
    assert len(ASLDataset(folder)) == 180
    archive.write_bytes(b"not read again")
    assert stand_in.unpack_stand_in() == folder


@pytest.mark.parametrize("damage", [lambda b: b[:-100], lambda b: b[:99] + b"!" + b[100:]])
def test_a_damaged_archive_is_told_from_a_whole_one(damage, archive, cache):
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(DatasetError, match="with SHA-256 .*, found .*: fetch the file anew"):
        stand_in.unpack_stand_in()
    assert not cache.exists()


def test_a_missing_archive(archive, cache):
    archive.unlink()
    with pytest.raises(DatasetError, match="found no .*images.zip"):
        stand_in.unpack_stand_in()


def test_nothing_half_written_stays(archive, cache, monkeypatch):
    def full(self, folder):
        (folder / "a").mkdir(parents=True)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(OSError, match="No space left"):
        stand_in.unpack_stand_in()
    assert not list(cache.iterdir())


def test_two_processes_at_once(archive, cache, monkeypatch):
    rename = os.rename

    def late(source, target):
        rename(source, target)  # the other process
        source.mkdir()
        raise OSError("exists")

    monkeypatch.setattr(os, "rename", late)
    assert len(ASLDataset(stand_in.unpack_stand_in())) == 180


def test_the_archive_that_ships_holds_five_signers_with_all_signs():
    assert stand_in.ARCHIVE.stat().st_size <= 8_000_000
    digest = hashlib.sha256(stand_in.ARCHIVE.read_bytes()).hexdigest()
    assert stand_in._checksum(stand_in.ARCHIVE).read_text().strip() == digest
    with zipfile.ZipFile(stand_in.ARCHIVE) as packed:
        names = [name.split("/")[-1] for name in packed.namelist() if name.endswith(".jpeg")]
    facts = {tuple(name.split("_")[:3]) for name in names}  # signer, sign, light
    assert len(names) == 5 * 36 * 2 * 5 and len(facts) == 5 * 36 * 2
