"""People drawn from a seed."""

import pytest

from asl.rendering.joints import JOINTS
from asl.rendering.mesh import SHAPE
from asl.rendering.signers import VARIATIONS, make_signer
from asl.signs import MONK_TONES


def test_a_seed_is_a_person():
    assert make_signer(3) == make_signer(3) != make_signer(4)
    assert hash(make_signer(3)) == hash(make_signer(3))


def test_people_differ_as_people_do():
    people = [make_signer(seed) for seed in range(200)]
    assert 8 <= sum(person.left for person in people) <= 35  # 1 in 10
    assert {person.tone for person in people} == set(range(1, len(MONK_TONES) + 1))
    assert all(0.5 <= person.phenotype["age"] <= 1 for person in people)  # adults
    for person in people[:20]:
        assert set(person.shape) == set(SHAPE)
        assert set(person.offsets) == {joint for joint in JOINTS if "wrist" not in joint}


def test_what_is_asked_for_is_not_drawn_and_changes_nothing_else():
    drawn, asked = make_signer(5), make_signer(5, left=True, tone=9)
    assert asked.left and asked.tone == 9
    assert asked.shape == drawn.shape and asked.view == drawn.view


def test_what_does_not_vary_is_the_same_for_everybody():
    first, second = (make_signer(seed, left=False, vary=()) for seed in (1, 2))
    assert (first.shape, first.tone, first.view) == (second.shape, second.tone, second.view)
    assert first.vary == () and make_signer(1).vary == tuple(sorted(VARIATIONS))


@pytest.mark.parametrize(
    "arguments",
    [
        {"seed": -1},
        {"seed": 0, "tone": 0},
        {"seed": 0, "tone": 11},
        {"seed": 0, "turned": -1},
        {"seed": 0, "turned": 5},
        {"seed": 0, "vary": ["mood"]},
        {"seed": 0, "taught": ["b"]},
    ],
)
def test_people_who_cannot_be_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        make_signer(**arguments)
