import pytest
import torch

from asl import Recognizer
from asl.__main__ import main


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs a command in an empty folder: exit status, standard output, standard error."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def weights(tmp_path):
    """An untrained recogniser's weights."""
    torch.manual_seed(0)
    Recognizer.create(image_size=32).save(tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"
