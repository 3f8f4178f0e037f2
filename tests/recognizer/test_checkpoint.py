import json

import pytest
import torch
from safetensors.torch import save_file

from asl.recognizer.checkpoint import FORMAT, read_weights, write_weights


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "new folder" / "weights.safetensors"
    write_weights(path, {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2).bool()}, {"x": [1]})
    return path


def test_what_is_written_is_read_and_nothing_else_is_left(file):
    tensors, facts = read_weights(file)
    assert tensors["a"].equal(torch.arange(6.0).view(2, 3)) and tensors["b"].dtype == torch.bool
    assert facts == {"x": [1]}
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_view_is_written_as_what_it_shows(tmp_path):
    whole = torch.arange(6.0).view(2, 3)
    write_weights(tmp_path / "w", {"a": whole.T, "b": whole}, {})
    assert read_weights(tmp_path / "w")[0]["a"].equal(whole.T)


def test_a_changed_number_is_noticed(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match="changed since it was written"):
        read_weights(file)


def test_changed_facts_are_noticed(file):
    content = file.read_bytes()
    file.write_bytes(content.replace(b'{\\"x\\": [1]}', b'{\\"x\\": [2]}'))
    assert file.read_bytes() != content
    with pytest.raises(ValueError, match="changed since it was written"):
        read_weights(file)


@pytest.mark.parametrize("keep", [0, 5, 60, -3])
def test_a_truncated_file_is_noticed(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ValueError, match="damaged"):
        read_weights(file)


def test_a_pickle_is_refused(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="expected a whole safetensors file"):
        read_weights(tmp_path / "model.pt")


def test_another_format_is_named(tmp_path):
    facts = json.dumps({})
    older = "asl-recognizer 1"
    save_file({"a": torch.ones(1)}, tmp_path / "w", {"format": older, "facts": facts})
    with pytest.raises(ValueError, match=f"format '{FORMAT}', found '{older}'"):
        read_weights(tmp_path / "w")
    save_file({"a": torch.ones(1)}, tmp_path / "w")
    with pytest.raises(ValueError, match="found None"):
        read_weights(tmp_path / "w")


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a file of weights at"):
        read_weights(tmp_path / "none")
