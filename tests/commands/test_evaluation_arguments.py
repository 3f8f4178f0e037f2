import pytest

from asl.__main__ import main
from asl.commands import evaluation_arguments
from asl.splits import SPLITS


def test_what_is_copied_from_heavier_modules_is_the_same():
    assert evaluation_arguments.SPLITS == SPLITS


@pytest.mark.parametrize("command", ["evaluate", "audit"])
def test_a_folder_for_folds_is_tried_before_images_are_loaded(command, tmp_path, capsys):
    (tmp_path / "file").touch()
    folds = str(tmp_path / "file" / "folds")
    assert main([command, "--resume-dir", folds, "--data", str(tmp_path / "no images")]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: cannot write '{folds}'") and "is a file, not a folder" in err
    assert err.count("\n") == 1
