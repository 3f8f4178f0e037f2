import json

import pytest
import torch
from safetensors.torch import save_file

from asl.tensor_files import RECOGNIZER, check_finite, read_tensors, write_tensors


@pytest.fixture
def weights_file(tmp_path):
    path = tmp_path / "new folder" / "weights.safetensors"
    write_tensors(
        path,
        {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2).bool()},
        {"x": [1]},
        format=RECOGNIZER,
    )
    return path


def test_what_is_written_is_read_and_nothing_else_is_left(weights_file):
    tensors, facts = read_tensors(weights_file, format=RECOGNIZER)
    assert tensors["a"].equal(torch.arange(6.0).view(2, 3)) and tensors["b"].dtype == torch.bool
    assert facts == {"x": [1]}
    assert [path.name for path in weights_file.parent.iterdir()] == [weights_file.name]


def test_the_same_content_gives_the_same_bytes(tmp_path):
    tensors = {"b": torch.ones(3), "a": torch.zeros(1).bool()}
    for path in (tmp_path / f"{i}" for i in range(10)):
        write_tensors(path, tensors, {"ä": "ü\n\\"}, format=RECOGNIZER)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_a_view_is_written_as_what_it_shows(tmp_path):
    whole = torch.arange(6.0).view(2, 3)
    write_tensors(tmp_path / "w", {"a": whole.T, "b": whole}, {}, format=RECOGNIZER)
    assert read_tensors(tmp_path / "w", format=RECOGNIZER)[0]["a"].equal(whole.T)


def test_a_changed_number_is_noticed(weights_file):
    content = bytearray(weights_file.read_bytes())
    content[-1] ^= 1
    weights_file.write_bytes(content)
    with pytest.raises(ValueError, match="changed since it was written"):
        read_tensors(weights_file, format=RECOGNIZER)


def test_changed_facts_are_noticed(weights_file):
    content = weights_file.read_bytes()
    weights_file.write_bytes(content.replace(b'{\\"x\\": [1]}', b'{\\"x\\": [2]}'))
    assert weights_file.read_bytes() != content
    with pytest.raises(ValueError, match="changed since it was written"):
        read_tensors(weights_file, format=RECOGNIZER)


@pytest.mark.parametrize("keep", [0, 5, 60, -3])
def test_a_truncated_file_is_noticed(weights_file, keep):
    weights_file.write_bytes(weights_file.read_bytes()[:keep])
    with pytest.raises(ValueError, match="damaged"):
        read_tensors(weights_file, format=RECOGNIZER)


def test_a_pickle_is_refused(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="expected a whole safetensors file"):
        read_tensors(tmp_path / "model.pt", format=RECOGNIZER)


def test_another_format_is_named(tmp_path):
    facts = json.dumps({})
    older = "asl-recognizer 1"
    save_file({"a": torch.ones(1)}, tmp_path / "w", {"format": older, "facts": facts})
    with pytest.raises(ValueError, match=f"format '{RECOGNIZER}', found '{older}'"):
        read_tensors(tmp_path / "w", format=RECOGNIZER)
    save_file({"a": torch.ones(1)}, tmp_path / "w")
    with pytest.raises(ValueError, match="found None"):
        read_tensors(tmp_path / "w", format=RECOGNIZER)


def test_paths_and_formats_are_shown_without_what_a_terminal_obeys(tmp_path):
    path = tmp_path / "\x1b[2J"
    crafted = [
        {"format": "\x1b[2J", "facts": "{}"},
        {"format": RECOGNIZER, "facts": "[]"},
        {"format": RECOGNIZER, "facts": "\x1b[2J"},
        {"format": RECOGNIZER, "facts": "{}", "sha256": "0"},
    ]
    said = []
    for metadata in (None, *crafted):
        if metadata is not None:
            try:
                save_file({"a": torch.ones(1)}, path, metadata)
            except OSError:  # Windows
                pytest.skip("no such names here")
        with pytest.raises((OSError, ValueError)) as caught:
            read_tensors(path, format=RECOGNIZER)
        said.append(str(caught.value))
    assert all("\x1b" not in words and r"\x1b[2J" in words for words in said)
    assert ["none" in said[0], "damaged" in said[3], "checksum" in said[4]] == [True] * 3


def test_a_weight_that_is_no_number_is_named():
    check_finite({"a": torch.ones(2), "b": torch.tensor(3)})
    for value in (torch.nan, torch.inf, -torch.inf):
        with pytest.raises(ValueError, match=r"nan or infinity in \\x1b\[2J"):
            check_finite({"a": torch.ones(2), "\x1b[2J": torch.tensor([1, value])})


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a file of weights at"):
        read_tensors(tmp_path / "none", format=RECOGNIZER)
