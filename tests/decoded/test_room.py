import os

import pytest

from asl import ASLDataset
from asl.decoded import room
from asl.decoded.room import SUFFIX

pytestmark = pytest.mark.filterwarnings("ignore:.*images of . of 36 signs")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Where decoded images are kept, empty."""
    monkeypatch.setenv("ASL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "decoded"


@pytest.mark.parametrize("value", ["much", "-1", "nan"])
def test_a_bound_that_is_no_number_is_an_error(value, write_images, kept, monkeypatch):
    monkeypatch.setenv("ASL_CACHE_GB", value)
    with pytest.raises(ValueError, match=f"ASL_CACHE_GB, found '{value}'"):
        ASLDataset(write_images("ab"))


def test_the_least_recently_used_go(write_images, kept, monkeypatch, tmp_path):
    folders = [write_images("ab", folder=tmp_path / str(i)) for i in range(3)]
    size = 4096 + 10 * 3 * 28**2 + 4 + 10
    monkeypatch.setenv("ASL_CACHE_GB", str(2.5 * size / 1e9))
    for number, place in enumerate((0, 1, 0, 2)):  # 1 was not used for longest when 2 comes
        ASLDataset(folders[place])
        for entry in room.entries():
            if entry.folder == str(folders[place]):
                assert entry.size == size and entry.shape == (10, 3, 28, 28)
                os.utime(entry.path, (number, number))
    assert {entry.folder for entry in room.entries()} == {str(folders[0]), str(folders[2])}


def test_only_our_own_files_are_removed(write_images, kept, leave_draft):
    folder = write_images("ab")
    ASLDataset(folder)
    (path,) = kept.iterdir()
    (kept / f"mine{SUFFIX}").write_text("somebody else's")
    (kept / "notes.txt").write_text("somebody else's")
    left = leave_draft(kept / f"killed{SUFFIX}")
    (kept / f"killed{SUFFIX}").write_bytes(b"asl-images 0\n")
    assert [entry.folder for entry in room.entries()][-1] in ("", str(folder))
    assert {entry.path.name for entry in room.clear()} == {path.name, f"killed{SUFFIX}"}
    assert {file.name for file in kept.iterdir()} == {f"mine{SUFFIX}", "notes.txt"}
    assert not left.exists() and room.entries() == []
