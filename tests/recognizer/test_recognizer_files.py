"""What a file of weights holds; what it must not hold is in `test_crafted_weights`."""

import pytest
import torch

from asl import Recognizer
from asl.recognizer import recognizer_files
from asl.recognizer.recognizer_files import fingerprint_of


@pytest.fixture(scope="module")
def with_joints(make_recognizer):
    return make_recognizer(joint_reader=True)


def test_files_of_before_eight_bits_are_still_read(with_joints, tmp_path, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(recognizer_files, "_in_eight_bits", lambda networks: [])
        with_joints.save(tmp_path / "before")
    with_joints.save(tmp_path / "now")
    assert (tmp_path / "now").stat().st_size < 0.8 * (tmp_path / "before").stat().st_size
    loaded = Recognizer.load(tmp_path / "before").joint_reader.state_dict()
    for name, value in with_joints.joint_reader.state_dict().items():
        torch.testing.assert_close(loaded[name], value, atol=1e-3, rtol=1e-3)


def test_what_was_read_is_written_in_the_same_bytes_and_has_the_same_fingerprint(
    with_joints, tmp_path
):
    with_joints.save(tmp_path / "first")
    loaded = Recognizer.load(tmp_path / "first")
    loaded.save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert loaded.fingerprint() == with_joints.fingerprint()


def test_a_fingerprint_goes_by_names_shapes_and_values():
    given = {"a": torch.zeros(2, 3), "b": torch.ones(1)}
    others = [
        {"a": torch.zeros(2, 3), "c": torch.ones(1)},
        {"a": torch.zeros(3, 2), "b": torch.ones(1)},
        {"a": torch.zeros(2, 3), "b": torch.full((1,), 1.5)},
    ]
    found = {fingerprint_of(tensors) for tensors in [given, *others]}
    assert len(found) == 4 and fingerprint_of(dict(reversed(given.items()))) in found
