import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from asl import files
from asl.files import progress_bar, write_text, written_whole

posix_only = pytest.mark.skipif(os.name != "posix", reason="relies on POSIX")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def make_folder(path, file):
    with written_whole(path) as draft:
        draft.mkdir()
        (draft / file).touch()


# --- files ---------------------------------------------------------------------------------------


def test_a_file_appears_with_its_folders_and_nothing_else(tmp_path):
    write_text(tmp_path / "new" / "folder" / "result.json", "ä\n")
    assert (tmp_path / "new" / "folder" / "result.json").read_bytes() == "ä\n".encode()
    assert names_in(tmp_path / "new" / "folder") == ["result.json"]


def test_the_error_of_a_full_disk_names_the_file(tmp_path):
    for number in (errno.ENOSPC, errno.EFBIG):
        with (
            pytest.raises(OSError, match=f"{os.strerror(number)}: '.*weights'") as caught,
            written_whole(tmp_path / "weights"),
        ):
            raise OSError(number, os.strerror(number))
        assert caught.value.errno == number and not names_in(tmp_path)
    for other in (OSError("no number"), OSError(errno.EIO, "?"), OSError(errno.ENOSPC, "?", "own")):
        with pytest.raises(OSError) as caught, written_whole(tmp_path / "weights"):
            raise other
        assert caught.value is other


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("there", [["weights"], []])
def test_an_error_leaves_what_was_there(error, there, tmp_path):
    for name in there:
        (tmp_path / name).write_text("old")
    with pytest.raises(error), written_whole(tmp_path / "weights") as draft:
        draft.write_text("half")
        raise error
    assert names_in(tmp_path) == there
    assert all((tmp_path / name).read_text() == "old" for name in there)


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    (tmp_path / "x").write_text("old")
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "x"):
        pass
    assert (tmp_path / "x").read_text() == "old"


def test_the_draft_has_the_name_of_the_file_so_that_writers_know_its_format(tmp_path):
    with written_whole(tmp_path / "figure.png") as draft:
        assert draft.name == "figure.png" and draft.parent.parent == tmp_path
        draft.touch()


def test_other_files_beside_it_are_left_alone(tmp_path):
    others = (".x.draft-notes", "x.draft-1-a", "x.tmp", "x~")
    for name in others:
        (tmp_path / name).write_text("mine")
    write_text(tmp_path / "x", "text")
    assert names_in(tmp_path) == sorted([*others, "x"])
    assert {(tmp_path / name).read_text() for name in others} == {"mine"}


@posix_only
def test_permissions_are_those_of_a_plain_write(tmp_path):
    (tmp_path / "plain file").write_text("")
    (tmp_path / "plain folder").mkdir()
    write_text(tmp_path / "file", "text")
    make_folder(tmp_path / "folder", "file")
    for kind in ("file", "folder"):
        modes = [(tmp_path / name).stat().st_mode for name in (kind, f"plain {kind}")]
        assert stat.S_IMODE(modes[0]) == stat.S_IMODE(modes[1])


@posix_only
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_target_is_written(there, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(Path("elsewhere", "target"))
    if there:
        (tmp_path / "link").write_text("old")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and names_in(tmp_path) == ["elsewhere", "link"]
    assert (tmp_path / "elsewhere" / "target").read_text() == "new"


@posix_only
def test_a_device_is_written_directly():
    with written_whole("/dev/null") as draft:
        assert draft == Path("/dev/null")
    assert not Path("/dev/null").is_file()


@posix_only
def test_a_pipe_is_written_directly():
    reading, writing = os.pipe()
    write_text(f"/dev/fd/{writing}", "text")
    os.close(writing)
    with open(reading) as pipe:
        assert pipe.read() == "text"


def test_two_writers_do_not_share_a_draft_and_the_last_one_wins(tmp_path):
    path = tmp_path / "x"
    with written_whole(path) as first, written_whole(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the outer block ends last


# --- folders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["data", "replaced", "data~"])
def test_a_folder_takes_the_place_of_a_folder(name, tmp_path):
    make_folder(tmp_path / name, "old")
    make_folder(tmp_path / name, "new")
    assert names_in(tmp_path / name) == ["new"] and names_in(tmp_path) == [name]


def test_a_folder_does_not_replace_a_file_nor_a_file_a_folder(tmp_path):
    (tmp_path / "file").write_text("old")
    make_folder(tmp_path / "folder", "old")
    with pytest.raises(OSError):
        make_folder(tmp_path / "file", "new")
    with pytest.raises(OSError):
        write_text(tmp_path / "folder", "new")
    assert (tmp_path / "file").read_text() == "old" and names_in(tmp_path / "folder") == ["old"]


@pytest.mark.parametrize(
    ("failing", "error", "stays"),
    [
        ("first", OSError, "old"),
        ("second", OSError, "old"),
        ("after first", KeyboardInterrupt, "old"),
        ("after second", KeyboardInterrupt, "new"),
    ],
)
def test_one_of_the_two_folders_stays_whatever_interrupts_the_swap(
    failing, error, stays, tmp_path, monkeypatch
):
    make_folder(tmp_path / "data", "old")
    rename, calls = os.rename, iter(["first", "second", "back"])

    def fail(source, target):
        call = next(calls)
        if call == failing:
            raise error
        rename(source, target)
        if f"after {call}" == failing:
            raise error

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(error):
        make_folder(tmp_path / "data", "new")
    assert names_in(tmp_path / "data") == [stays] and names_in(tmp_path) == ["data"]


@pytest.mark.parametrize("when", ["while writing", "at the last moment"])
def test_what_another_process_made_in_the_meantime_can_be_kept(when, tmp_path, monkeypatch):
    replace = os.replace

    def late(source, target):
        make_theirs()
        replace(source, target)

    def make_theirs():
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "theirs").touch()

    with written_whole(tmp_path / "data", replace=False) as draft:
        draft.mkdir()
        if when == "while writing":
            make_theirs()
        else:
            monkeypatch.setattr(os, "replace", late)
    assert names_in(tmp_path / "data") == ["theirs"] and names_in(tmp_path) == ["data"]


def test_a_draft_that_cannot_take_its_name_is_an_error_if_nobody_else_was_faster(
    tmp_path, monkeypatch
):
    def fail(source, target):
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with (
        pytest.raises(OSError, match="no"),
        written_whole(tmp_path / "data", replace=False) as draft,
    ):
        draft.mkdir()
    assert names_in(tmp_path) == []


# --- processes that were killed ------------------------------------------------------------------

IMPORTS = "import os, platform, sys; from asl.files import written_whole; path = sys.argv[1]\n"
KILLED_WHILE_WRITING = """
with written_whole(path) as draft:
    draft.write_text("half")
    os._exit(0)
"""
KILLED_BETWEEN_THE_RENAMES = """
rename = os.rename

def only_the_first(source, target):
    rename(source, target)
    os._exit(0)

os.rename = only_the_first
with written_whole(path) as draft:
    draft.mkdir()
    (draft / "new").touch()
"""
RUNS_UNTIL_TOLD = """
with written_whole(path) as draft:
    draft.write_text("whole")
    print("ready", flush=True)
    sys.stdin.read()
"""


def start(code, path):
    command = [sys.executable, "-c", IMPORTS + code, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@posix_only
def test_the_draft_of_a_killed_process_is_removed_by_the_next_writer(tmp_path):
    start(KILLED_WHILE_WRITING, tmp_path / "x").communicate()
    assert len(names_in(tmp_path)) == 1
    write_text(tmp_path / "y", "text")
    assert len(names_in(tmp_path)) == 2  # another file's draft is not its business
    write_text(tmp_path / "x", "text")
    assert names_in(tmp_path) == ["x", "y"]


@posix_only
def test_a_leftover_that_cannot_be_removed_stops_nobody(tmp_path):
    start(KILLED_WHILE_WRITING, tmp_path / "x").communicate()
    (leftover,) = tmp_path.iterdir()
    shutil.rmtree(leftover)
    leftover.touch()  # a file where a folder is expected
    write_text(tmp_path / "x", "text")
    assert names_in(tmp_path) == [leftover.name, "x"]


@posix_only
def test_the_draft_of_another_users_process_stays(tmp_path, monkeypatch):
    start(KILLED_WHILE_WRITING, tmp_path / "x").communicate()

    def not_ours(pid, signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", not_ours)
    write_text(tmp_path / "x", "text")
    assert len(names_in(tmp_path)) == 2


@posix_only
def test_the_drafts_of_running_processes_and_other_machines_stay(tmp_path):
    code = "platform.node = lambda: 'elsewhere'\n" + KILLED_WHILE_WRITING
    start(code, tmp_path / "x").communicate()
    elsewhere = names_in(tmp_path)
    running = start(RUNS_UNTIL_TOLD, tmp_path / "x")
    assert running.stdout.readline() == "ready\n"
    write_text(tmp_path / "x", "text")
    assert len(names_in(tmp_path)) == 3
    running.communicate()
    assert running.returncode == 0 and (tmp_path / "x").read_text() == "whole"
    assert names_in(tmp_path) == [*elsewhere, "x"]


@posix_only
def test_a_folder_left_between_two_renames_stays_until_another_has_taken_its_place(tmp_path):
    make_folder(tmp_path / "data", "old")
    start(KILLED_BETWEEN_THE_RENAMES, tmp_path / "data").communicate()
    assert {path.name for path in tmp_path.glob(".data*/*/*")} == {"old", "new"}
    with pytest.raises(ValueError), written_whole(tmp_path / "data"):
        raise ValueError
    make_folder(tmp_path / "data", "newer")
    assert {path.name for path in tmp_path.glob(".data*/*/*")} == {"old", "new"}
    make_folder(tmp_path / "data", "newest")
    assert names_in(tmp_path) == ["data"] and names_in(tmp_path / "data") == ["newest"]


# --- a loss of power -----------------------------------------------------------------------------


@pytest.fixture
def steps(monkeypatch):
    """What happens, in order: what is synced, and what takes a name."""
    steps, fsync, sync = [], os.fsync, getattr(os, "sync", lambda: None)

    def record_fsync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("sync folder" if is_folder else "sync file")
        fsync(descriptor)

    def recorded(name, function):
        return lambda *arguments: (steps.append(name), function(*arguments))[1]

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "sync", recorded("sync all", sync), raising=False)
    monkeypatch.setattr(os, "replace", recorded("name", os.replace))
    monkeypatch.setattr(os, "rename", recorded("name", os.rename))
    return steps


@posix_only
def test_everything_is_on_the_disk_before_it_takes_its_name(tmp_path, steps):
    write_text(tmp_path / "x", "text")
    assert steps == ["sync file", "name", "sync folder"]
    steps.clear()
    make_folder(tmp_path / "data", "old")
    make_folder(tmp_path / "data", "new")
    assert steps == ["sync all", "name", "sync folder", "sync all", "name", "name", "sync folder"]


@posix_only
@pytest.mark.parametrize(("failing", "stays"), [("file", "old"), ("folder", "new")])
def test_a_file_that_cannot_be_synced_keeps_the_old_one_a_folder_that_cannot_does_not_matter(
    failing, stays, tmp_path, monkeypatch
):
    (tmp_path / "x").write_text("old")
    fsync = os.fsync

    def fail(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) == (failing == "folder"):
            raise OSError("no")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    if failing == "file":
        with pytest.raises(OSError, match="no"):
            write_text(tmp_path / "x", "new")
    else:
        write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text() == stays and names_in(tmp_path) == ["x"]


@posix_only
def test_no_descriptor_stays_open(tmp_path):
    write_text(tmp_path / "x", "text")
    before = os.listdir("/dev/fd")
    write_text(tmp_path / "x", "text")
    assert len(os.listdir("/dev/fd")) == len(before)


# --- the bar -------------------------------------------------------------------------------------


def test_a_bar_passes_items_on():
    assert list(progress_bar(iter("abc"), "Letters", 3)) == ["a", "b", "c"]


@pytest.mark.parametrize("disabled", ["", "1"])
def test_a_bar_erases_itself_and_can_be_turned_off(disabled):
    # tqdm reads the variable when it is imported, hence another process.
    code = "from asl.files import progress_bar; print(sum(progress_bar(range(2000), 'Images')))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TQDM_DISABLE": disabled},
        capture_output=True,
        check=True,
    )
    assert run.stderr == b""
    *bars, printed = run.stdout.decode().split("\r")
    assert printed.split() == ["1999000"]
    if disabled:
        assert not bars
    else:
        assert "Images" in "".join(bars) and "/2.00k" in "".join(bars) and not bars[-1].strip()


def test_a_file_that_is_there_can_be_kept(tmp_path):
    (tmp_path / "x").write_text("theirs")
    with written_whole(tmp_path / "x", replace=False) as draft:
        draft.write_text("mine")
    assert (tmp_path / "x").read_text() == "theirs" and names_in(tmp_path) == ["x"]


def test_the_command_that_installs_an_extra_fits_the_installation(tmp_path, monkeypatch):
    assert files.install_hint("onnx") == "in the project's folder, pip install -e .[onnx]"
    monkeypatch.setattr(files, "CHECKOUT", tmp_path)
    requirements = ["torch==2.14.1", 'onnx==1.2; extra == "onnx"', 'anny==0.6; extra == "render"']
    monkeypatch.setattr(files.metadata, "requires", lambda name: requirements)
    assert files.install_hint("onnx") == "pip install onnx==1.2"
    monkeypatch.setattr(files.metadata, "requires", lambda name: None)
    assert files.install_hint("onnx") == "pip install asl-recognition[onnx]"


def test_what_a_killed_writer_left_is_gone_before_the_work_begins(tmp_path, leave_draft):
    (leave_draft(tmp_path / "x") / "x").touch()
    files.check_writable(tmp_path / "x")
    assert names_in(tmp_path) == []


# --- the cache directory --------------------------------------------------------------------------


def test_what_tests_keep_lies_apart_from_the_users_cache():
    assert "asl-tests-" in str(files.cache_folder())


def test_the_cache_is_the_users_or_where_it_was_moved(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setenv("ASL_CACHE_DIR", "")
    assert files.cache_folder() == tmp_path / "asl-recognition"
    monkeypatch.setenv("ASL_CACHE_DIR", "elsewhere")
    assert files.cache_folder() == Path("elsewhere")
