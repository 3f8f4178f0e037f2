import pytest
import torch

from asl import SIGNS
from asl.recognizer.teaching import (
    ANSWER_OF_SIGN,
    Hand,
    Prior,
    directions_of,
    lesson_of,
    taught_answers,
)
from asl.recognizer.teaching_prior import (
    Person,
    fit_prior,
    known_of,
    taught_with,
    verification_threshold,
)


def person(name, seed, *, studio=True, signs=SIGNS[10:20], habit=3.0, count=10):
    """Answers to somebody whose signs are misread in a way of their own; stretches of five."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([SIGNS.index(s) for s in signs]).repeat_interleave(count)
    own = habit * torch.rand(36, 36, generator=generator)
    logits = 4 * torch.eye(36)[labels] + own[labels]
    logits += 0.3 * torch.randn(len(labels), 36, generator=generator)
    stretches = [i // 5 for i in range(len(labels))]
    return Person(name, logits.log_softmax(dim=1), labels, stretches, studio)


PEOPLE = [person(f"signer {i}", i) for i in range(3)] + [person("room", 9, studio=False)]


def accuracy(prior, somebody, hand, rest):
    answers = taught_answers(somebody.log_probs[rest], lesson_of(hand, prior), 1.0)
    actual = torch.tensor(ANSWER_OF_SIGN)[somebody.labels[rest]]
    return (answers.argmax(dim=1) == actual).double().mean().item()


def test_a_fitted_prior_reads_a_new_person_better_after_teaching():
    prior = fit_prior(PEOPLE, 1.0)
    new = person("new", 50, habit=5.0)
    hand, rest = taught_with(new, prior, SIGNS, 3)
    assert accuracy(prior, new, hand, rest) > accuracy(prior, new, Hand.untaught(), rest) + 0.02
    assert prior.whitening.isfinite().all() and 0.7 <= prior.strength.temperature <= 3


def test_directions_are_those_of_people_and_of_signs_that_nobody_shows():
    prior = known_of(PEOPLE)
    torch.testing.assert_close(prior.directions.norm(dim=1), torch.ones(36))
    a, z = SIGNS.index("a"), SIGNS.index("z")
    theirs = torch.cat([p.log_probs[p.labels == a] for p in PEOPLE])
    directions = directions_of(theirs, prior.whitening)
    assert (directions @ prior.directions[a]).mean() > (directions @ prior.directions[z]).mean()
    assert prior.directions[z].isfinite().all()


def test_shots_come_from_one_stretch_and_are_not_tested():
    somebody = PEOPLE[0]
    hand, rest = taught_with(somebody, Prior.default(), "ab", 3)
    assert hand.signs == ("a", "b") and hand.counts.sum() == 6
    assert (~rest).nonzero()[:, 0].tolist() == [0, 1, 2, 10, 11, 12]
    _, rest = taught_with(somebody, Prior.default(), "a", 9, draw=1)
    assert (~rest).nonzero()[:, 0].tolist() == [5, 6, 7, 8, 9]


def test_too_few_people_are_refused():
    for people in ([], PEOPLE[:1], PEOPLE[3:], [PEOPLE[0], PEOPLE[0]]):
        with pytest.raises(ValueError, match="expected answers to at least two people"):
            fit_prior(people, 1.0)


def test_two_in_a_hundred_wrong_letters_are_accepted():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(36).repeat(50)
    logits = 3 * torch.eye(36)[labels] + torch.randn(len(labels), 36, generator=generator)
    found = verification_threshold(logits.log_softmax(dim=1), labels, 1.0)
    assert 0 < found["threshold"] < 0.5 and 0.8 < found["accepted"] <= 1
    digits = torch.tensor([1, 3])
    with pytest.raises(ValueError, match="pictures of letters, found none"):
        verification_threshold(torch.zeros(2, 36), digits, 1.0)
