"""`benchmarks/unseen.py` gives back the recognisers that it was given."""

import pytest

from asl import Recognizer
from benchmarks.unseen import PACKED, pack, unpack


@pytest.fixture
def files(make_recognizer, tmp_path):
    """The file of a base, and of two that share its finder and the network that finds joints."""
    base = make_recognizer(joint_reader=True)
    base.save(tmp_path / "base")
    made = []
    for number in (1, 2):
        some = make_recognizer(number, joint_reader=True)
        some.finder.load_state_dict(base.finder.state_dict())
        some.joint_reader.joints.load_state_dict(base.joint_reader.joints.state_dict())
        some.facts = {"left_out": [number]}
        made.append(tmp_path / f"without-{'1' * number}")
        some.save(made[-1])
    return tmp_path / "base", made


def test_recognisers_come_back_byte_for_byte_from_a_file_that_is_smaller(files, tmp_path):
    base, made = files
    pack(made, tmp_path / "packed", base)
    back = unpack(tmp_path / "packed", tmp_path / "back", base)
    assert [path.read_bytes() for path in back] == [path.read_bytes() for path in made]
    assert Recognizer.load(back[1]).facts["left_out"] == [2]
    # The network that finds joints, most of a file, is not in it.
    assert (tmp_path / "packed").stat().st_size < 0.6 * sum(path.stat().st_size for path in made)


def test_they_belong_to_the_weights_beside_which_they_were_packed(files, tmp_path):
    base, made = files
    pack(made, tmp_path / "packed", base)
    with pytest.raises(ValueError, match="was packed beside, found others in"):
        unpack(tmp_path / "packed", tmp_path / "back", made[0])
    assert not (tmp_path / "back").exists()


def test_those_of_the_repository_have_not_seen_each_signer_and_source_in_turn(tmp_path):
    recognizers = [Recognizer.load(path) for path in unpack(PACKED, tmp_path)]
    left_out = [signer for some in recognizers for signer in some.facts["left_out"]]
    assert sorted(left_out) == Recognizer.load().facts["unseen_signers"]
    known = set(Recognizer.load().facts["photographs"])
    assert [known - {*some.facts["photographs"]} for some in recognizers] == [
        {"davidlee"},
        {"meyyappan"},
        {"t32rahman"},
    ]
