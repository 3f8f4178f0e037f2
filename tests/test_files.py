import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from asl.files import progress_bar, write_text, written_whole


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_with_its_folders_and_nothing_else(tmp_path):
    write_text(tmp_path / "new" / "folder" / "result.json", "ä\n")
    assert (tmp_path / "new" / "folder" / "result.json").read_bytes() == "ä\n".encode()
    assert names_in(tmp_path / "new" / "folder") == ["result.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there(error, tmp_path):
    (tmp_path / "weights").write_text("old")
    with pytest.raises(error), written_whole(tmp_path / "weights") as draft:
        draft.write_text("half")
        raise error
    assert (tmp_path / "weights").read_text() == "old" and names_in(tmp_path) == ["weights"]


def test_the_draft_has_the_name_of_the_file_so_that_writers_know_its_format(tmp_path):
    with written_whole(tmp_path / "figure.png") as draft:
        assert draft.name == "figure.png" and draft.parent.parent == tmp_path
        draft.touch()


def test_other_files_beside_it_are_left_alone(tmp_path):
    for name in ("x.tmp", ".x.draft-notes", "x.draft-1-a"):
        (tmp_path / name).write_text("mine")
    write_text(tmp_path / "x", "text")
    assert names_in(tmp_path) == [".x.draft-notes", "x", "x.draft-1-a", "x.tmp"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_and_links_are_those_of_a_plain_write(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "target", "old")
    (tmp_path / "link").symlink_to("target")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "new"
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "target")}
    assert len(modes) == 1


@pytest.mark.skipif(os.name != "posix", reason="a device of POSIX")
def test_a_device_is_written_directly():
    write_text("/dev/null", "text")
    assert not Path("/dev/null").is_file()


def test_a_folder_takes_the_place_of_a_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "old").touch()
    with written_whole(tmp_path / "data") as draft:
        draft.mkdir()
        (draft / "new").touch()
    assert names_in(tmp_path / "data") == ["new"] and names_in(tmp_path) == ["data"]


def test_the_old_folder_comes_back_if_the_new_one_cannot_take_its_name(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "old").touch()
    rename, failed = os.rename, []

    def fail_once(source, target):
        if Path(target).name == "data" and not failed:
            failed.append(source)
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_once)
    with pytest.raises(OSError, match="no"), written_whole(tmp_path / "data") as draft:
        draft.mkdir()
    assert failed and names_in(tmp_path / "data") == ["old"] and names_in(tmp_path) == ["data"]


def test_what_somebody_else_made_in_the_meantime_can_be_kept(tmp_path):
    with written_whole(tmp_path / "data", replace=False) as draft:
        draft.mkdir()
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "theirs").touch()
    assert names_in(tmp_path / "data") == ["theirs"] and names_in(tmp_path) == ["data"]


def test_two_writers_do_not_share_a_draft_and_the_last_one_wins(tmp_path):
    path = tmp_path / "x"
    with written_whole(path) as first, written_whole(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the outer block ends last


@pytest.mark.skipif(os.name != "posix", reason="asks POSIX whether a process runs")
def test_drafts_of_killed_processes_are_removed_and_those_of_running_ones_stay(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid in (ended.pid, os.getppid()):
        (tmp_path / f".x.draft-{pid}-abc").mkdir()
    (tmp_path / f".x.draft-{ended.pid}-def" / "replaced").mkdir(parents=True)
    write_text(tmp_path / "x", "text")
    # A folder on its way out may be the only copy left, so that one stays, too.
    left = {f".x.draft-{os.getppid()}-abc", f".x.draft-{ended.pid}-def", "x"}
    assert set(names_in(tmp_path)) == left


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    steps, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (steps.append("replace"), replace(a, b)))
    write_text(tmp_path / "x", "text")
    assert steps[:2] == ["fsync", "replace"]


def test_a_bar_passes_items_on_and_can_be_turned_off(capsys, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert list(progress_bar(iter("abc"), "Letters", 3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
