import argparse
import tempfile

import pytest

from asl.commands.arguments import count, new_folder, output_file, output_folder


def test_a_count_is_a_number_of_at_least_one():
    assert count("12") == 12
    for text in ("0", "-1", "1.5", "many", ""):
        with pytest.raises(argparse.ArgumentTypeError, match=f"at least 1, found '{text}'"):
            count(text)


def test_an_output_may_lie_in_a_folder_that_does_not_exist_yet(tmp_path):
    (tmp_path / "old").write_text("replaced later")
    for path in (tmp_path / "a" / "b" / "x.json", tmp_path / "old"):
        assert output_file(str(path)) == path
    assert output_folder(str(tmp_path / "a")) == tmp_path / "a"
    assert output_folder(str(tmp_path)) == tmp_path
    assert new_folder(str(tmp_path / "a")) == tmp_path / "a"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]  # nothing is made yet


@pytest.mark.parametrize("read", [output_file, output_folder, new_folder])
def test_an_output_below_a_file_is_refused(read, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot write '.*x': '.*file' is a file, not a folder"):
        read(str(tmp_path / "file" / "new" / "x"))


@pytest.mark.parametrize("read", [output_file, output_folder, new_folder])
def test_an_output_in_a_closed_folder_is_refused(read, tmp_path, monkeypatch):
    def closed(dir):
        assert dir == tmp_path
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", closed)
    with pytest.raises(OSError, match="no file can be made in '.*': Permission denied"):
        read(str(tmp_path / "new" / "x"))


def test_a_file_cannot_take_the_name_of_a_folder(tmp_path):
    with pytest.raises(OSError, match="expected a file to write, found the folder"):
        output_file(str(tmp_path))


def test_devices_are_written_directly(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert str(output_file("/dev/null")) == "/dev/null"
