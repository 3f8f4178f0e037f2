import os
import subprocess
import sys

import pytest
import torch

from asl import Recognizer
from asl.__main__ import main
from asl.files import CHECKOUT


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
def run_in_processes(tmp_path):
    """Runs a command in several processes of one thread: as `run`, in the same empty folder."""

    def run(count, *arguments):
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", count]
        command = [sys.executable, *(torchrun if count > 1 else []), "-m", "asl", *arguments]
        ended = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return ended.returncode, ended.stdout, ended.stderr

    return run


@pytest.fixture
def weights(tmp_path):
    """An untrained recogniser's weights."""
    torch.manual_seed(0)
    Recognizer.create(image_size=32).save(tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"
