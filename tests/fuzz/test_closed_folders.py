"""Where we may not write or not read, there is an error that says where, and nothing changes.

`make torture` tries every writer.
"""

import os
from pathlib import Path

import pytest
from closed_folders import (
    CAN_GIVE_UP_RIGHTS,
    READ,
    as_nobody,
    read_what_is_closed,
    write_into_closed,
)

pytestmark = pytest.mark.skipif(not CAN_GIVE_UP_RIGHTS, reason="gives up the rights of root")

QUICK = ["write_text", "save_model", "train_model(checkpoint=)", "FoldCache.write"]
QUICK += ["Recognizer.save_hand", "write_decoded", "unpack_stand_in", "draw_page_signs"]


@pytest.mark.parametrize("name", QUICK)
def test_into_a_closed_folder_nothing_is_written(name):
    found = write_into_closed(name)
    assert not found["faults"] and found["counts"]["refused"] >= 2
    assert found["counts"]["written"] == found["counts"]["refused"] / 2


@pytest.mark.parametrize("name", READ)
def test_what_is_closed_is_refused(name):
    found = read_what_is_closed(name)
    assert found == {"counts": {"refused": 2}, "faults": {}}


# --- the tests themselves ------------------------------------------------------------------------


def test_a_child_has_no_rights_and_tells_what_came_of_it(tmp_path):
    (tmp_path / "mine").write_text("secret")
    os.chmod(tmp_path / "mine", 0o600)
    assert as_nobody(lambda: 1 + 1) == ("done", "2")
    outcome, words = as_nobody((tmp_path / "mine").read_text)
    assert outcome == "refused" and "Permission denied" in words
    assert as_nobody(lambda: {}["a"]) == ("KeyError", "'a'")
    assert as_nobody(lambda: os._exit(3))[0] == "died"
    assert os.geteuid() == 0 and (tmp_path / "mine").read_text() == "secret"


def test_what_writes_nevertheless_or_leaves_something_is_noticed(monkeypatch):
    def careless(folder: Path) -> None:
        (folder / "draft").touch()
        if os.geteuid():
            raise OSError("cannot write it")

    class Careless:
        old = {"file": b"old"}
        write = staticmethod(careless)
        is_whole = staticmethod(lambda folder: True)

    monkeypatch.setattr("closed_folders._packages_are_closed", lambda: False)
    monkeypatch.setattr("closed_folders.WRITERS", {"careless": Careless})
    monkeypatch.setattr("closed_folders._READ_ONLY", 0o750)
    assert set(write_into_closed("careless")["faults"]) == {
        "no folder named",
        "something else left",
        "open, but refused",
    }
