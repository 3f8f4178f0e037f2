import json
import os

import pytest

from asl import ASLDataset
from asl.commands import cache
from asl.decoded.room import Entry

pytestmark = pytest.mark.filterwarnings("ignore:.*images of . of 36 signs")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("ASL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "decoded"


def test_what_is_kept_is_shown_and_removed(run, write_images, kept):
    folder = write_images("ab")
    ASLDataset(folder)
    ASLDataset(folder, image_size=8)
    (kept / "old.asl-images").write_bytes(b"asl-images 0\n")
    os.utime(kept / "old.asl-images", (0, 0))
    status, out, _ = run("cache")
    assert status == 0 and out.startswith(f"decoded images kept in {kept}: 0.0 MB\n")
    assert f"10 images of 28x28 pixels from {folder}\n" in out
    assert f"10 images of 8x8 pixels from {folder}\n" in out
    assert out.endswith("damaged, or of another version of asl\n")

    status, out, _ = run("cache", "--clear", "--json")
    result = json.loads(out)
    assert status == 0 and not list(kept.iterdir()) and result["place"] == str(kept)
    assert [entry["image_size"] for entry in result["removed"]].count(None) == 1
    assert result["bytes"] == sum(entry["bytes"] for entry in result["removed"]) > 10 * 3 * 28**2

    status, out, _ = run("cache", "--json")
    assert json.loads(out)["kept"] == [] and json.loads(out)["most_bytes"] == 10e9


def test_nothing_was_ever_kept(run, kept):
    assert run("cache")[:2] == (0, f"decoded images kept in {kept}: 0.0 MB\n")
    assert not kept.parent.exists()


def test_a_bound_that_is_no_number_is_one_message(run, kept, monkeypatch):
    monkeypatch.setenv("ASL_CACHE_GB", "much")
    status, out, err = run("cache")
    assert status == 2 and out == "" and err.startswith("error: expected a number of gigabytes")


def test_a_folder_is_shown_without_what_a_terminal_obeys(kept):
    entry = Entry(kept / "x.asl-images", "\x1b[2J", (1, 3, 8, 8), 100, 0.0)
    assert cache._line(entry).endswith(r"8x8 pixels from \x1b[2J")
