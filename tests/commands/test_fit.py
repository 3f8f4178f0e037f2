import json
import re

import pytest

from asl import load_model


@pytest.fixture
def fit(run_in_processes, write_images):
    """Trains an MLP on a few images in one process or several."""
    folder = write_images("abcdef", bursts=2)
    options = ("fit", "--data", folder, "--model", "mlp", "--device", "cpu", "--epochs", 2)
    return lambda count, *more: run_in_processes(count, *options, *more)


def test_two_processes_print_and_write_what_one_does(fit, tmp_path):
    options = ("--batch-size", 16, "--augment", "--json", "--lr", 1e-4)
    found = {}
    for count in (1, 2):
        output = tmp_path / "made" / f"{count}.safetensors"
        status, text, messages = fit(count, *options, "--output", output)
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


def test_a_mistake_is_told_once_for_all_processes(fit, tmp_path):
    (tmp_path / "checkpoint").write_bytes(b"damaged")
    status, text, messages = fit(2, "--checkpoint", tmp_path / "checkpoint")
    assert status == 1 and not text  # torchrun's own
    assert messages.count("error: ") == 1, messages
    told = r"^error: .*checkpoint' holds no checkpoint .*damaged"
    assert re.search(told, messages, re.MULTILINE), messages


def test_a_checkpoint_goes_on(fit, tmp_path):
    options = ("--checkpoint", tmp_path / "c", "--json")
    (_, first, _), (_, again, messages) = fit(1, *options), fit(1, *options)
    assert json.loads(first)["metrics"] == json.loads(again)["metrics"]
    assert "epoch" not in messages
