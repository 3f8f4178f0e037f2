import json
import os
import re
import subprocess
import sys

import pytest

from asl import load_model


def fit(folder, *arguments, processes=1):
    """Runs the command, in one process or by torchrun; returns status, output and messages."""
    command = [sys.executable, "-m"]
    if processes > 1:
        command += ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command += ["-m"]
    command += ["asl", "fit", "--data", str(folder), "--model", "mlp", "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    command += map(str, arguments)
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def images(write_images):
    return write_images("abcdef", bursts=2)


def test_two_processes_print_and_write_what_one_does(images, tmp_path):
    options = ("--epochs", 2, "--batch-size", 16, "--augment", "--json", "--lr", 1e-4)
    found = {}
    for count in (1, 2):
        output = tmp_path / "made" / f"{count}.safetensors"
        status, text, messages = fit(images, *options, "--output", output, processes=count)
        assert status == 0, messages
        assert messages.count("Images: ") == 1 and messages.count("mlp epoch 2/2") == 1
        found[count] = json.loads(text)  # printed once
        assert load_model(output).asl_metrics == found[count]["metrics"]
    assert [found[count]["processes"] for count in (1, 2)] == [1, 2]
    assert found[1]["images"] == {"training": 48, "test": 12}
    for name in ("train_losses", "test_losses", "test_accuracies", "learning_rates"):
        one, two = (found[count]["metrics"][name] for count in (1, 2))
        assert two == pytest.approx(one, abs=1e-4), name
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == ["1.safetensors", "2.safetensors"]


def test_a_mistake_is_told_once_for_all_processes(images, tmp_path):
    (tmp_path / "checkpoint").write_bytes(b"damaged")
    status, text, messages = fit(images, "--checkpoint", tmp_path / "checkpoint", processes=2)
    assert status == 1 and not text  # torchrun's own
    assert messages.count("error: ") == 1, messages
    assert re.search(r"^error: expected .*checkpoint'.*damaged", messages, re.MULTILINE), messages


def test_a_checkpoint_goes_on(images, tmp_path):
    options = ("--epochs", 2, "--checkpoint", tmp_path / "c", "--json")
    (_, first, _), (_, again, messages) = fit(images, *options), fit(images, *options)
    assert json.loads(first)["metrics"] == json.loads(again)["metrics"]
    assert "epoch" not in messages
