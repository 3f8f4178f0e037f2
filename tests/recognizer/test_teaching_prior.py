import pytest
import torch

from asl import ANSWERS, SIGNS
from asl.evaluation.metrics import merge_shapes
from asl.recognizer.teaching import Prior, directions_of
from asl.recognizer.teaching_prior import (
    Person,
    known_of,
    letter_shares_of,
    taught_with,
    verification_threshold,
)
from tests.recognizer.people import person

PEOPLE = [person(f"signer {i}", i) for i in range(3)] + [person("room", 9)]


def test_directions_are_those_of_people_and_of_signs_that_nobody_shows():
    prior = known_of(PEOPLE)
    torch.testing.assert_close(prior.directions.norm(dim=1), torch.ones(36))
    a, z = SIGNS.index("a"), SIGNS.index("z")
    theirs = torch.cat([p.log_probs[p.labels == a] for p in PEOPLE])
    directions = directions_of(theirs, prior.whitening)
    assert (directions @ prior.directions[a]).mean() > (directions @ prior.directions[z]).mean()
    assert prior.directions[z].isfinite().all()


def test_shots_come_from_one_stretch_of_which_nothing_is_tested():
    somebody = PEOPLE[0]
    hand, rest = taught_with(somebody, Prior.default(), "ab", 3)
    assert hand.signs == ("a", "b") and hand.counts.sum() == 6
    assert (~rest).nonzero()[:, 0].tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    expected = directions_of(somebody.log_probs[:3], Prior.default().whitening).sum(dim=0)
    torch.testing.assert_close(hand.sums[SIGNS.index("a")], expected)
    _, rest = taught_with(somebody, Prior.default(), "a", 9, draw=1)
    assert (~rest).nonzero()[:, 0].tolist() == [5, 6, 7, 8, 9]


def test_of_nobody_more_than_two_in_a_hundred_wrong_letters_are_accepted():
    people = [person(f"room {i}", i, signs=SIGNS, habit=4.0) for i in range(3)]
    found = verification_threshold(people, 1.0)
    assert 0 < found["threshold"] < 0.5 and 0.8 < found["accepted"] < 1
    single = [p._replace(stretches=range(len(p.labels))) for p in people]
    threshold = verification_threshold(single, 1.0)["threshold"]
    wrong = []
    for somebody in single:
        shares, right = letter_shares_of(merged(somebody), somebody.labels)
        wrong.append((shares[~right] >= threshold).double().mean().item())
    assert max(wrong) == pytest.approx(0.02, abs=1e-3) and min(wrong) < 0.0195
    digits = person("room", 1, signs="13")
    with pytest.raises(ValueError, match="pictures of letters, found none"):
        verification_threshold([digits], 1.0)


def test_one_misread_picture_of_three_in_a_row_counts_a_third():
    a, s, digit = SIGNS.index("a"), SIGNS.index("s"), SIGNS.index("1")
    logits = torch.zeros(4, 36)
    logits[[0, 1, 3], [a, a, digit]] = 12.0
    logits[2, s] = 12.0
    labels = torch.tensor([a, a, a, digit])
    somebody = Person("room", logits.log_softmax(dim=1), labels, [0, 0, 0, 0], "source")
    # 25 wrong letters, of which at most the second most probable may be accepted.
    assert verification_threshold([somebody], 1.0)["threshold"] == pytest.approx(1 / 3, abs=1e-3)
    apart = somebody._replace(stretches=[0, 1, 2, 3])
    assert verification_threshold([apart], 1.0)["threshold"] < 1e-3


def merged(somebody):
    return merge_shapes(somebody.log_probs, ANSWERS)
