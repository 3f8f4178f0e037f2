import math

import pytest
import torch

from asl import ANSWERS, SIGNS
from asl.recognizer.graph import confidence_of
from asl.recognizer.teaching import (
    ANSWER_OF_SIGN,
    Hand,
    Prior,
    directions_of,
    learn,
    lesson_of,
    stronger,
    taught_answers,
)

PRIOR = Prior.default()


def read_as(sign, second=None, *, sure=4.0, count=1, noise=0.0, seed=0):
    """Returns answers (N, 36) of a reader who takes a hand for a sign, or for a second one."""
    logits = noise * torch.randn(count, 36, generator=torch.Generator().manual_seed(seed))
    logits[:, SIGNS.index(sign)] += sure
    if second is not None:
        logits[:, SIGNS.index(second)] += 0.9 * sure
    return logits.log_softmax(dim=1)


def best(log_probs, hand, prior=PRIOR):
    answers = taught_answers(log_probs, lesson_of(hand, prior), 1.0)
    return [ANSWERS[i] for i in answers.argmax(dim=1)]


def test_a_hand_of_which_nothing_was_taught_is_answered_as_before():
    log_probs = torch.randn(50, 36, generator=torch.Generator().manual_seed(0)).log_softmax(dim=1)
    answers = taught_answers(
        log_probs, lesson_of(Hand.untaught(), stronger(PRIOR, temperature=3)), 0.7
    )
    expected = confidence_of(log_probs, torch.full((50,), 40.0), 0.7)
    torch.testing.assert_close(answers.exp(), expected)


def test_a_sign_that_is_always_misread_is_read_right_after_a_shot_of_it():
    # This person's t is taken for an n, with some t in it. Her n is taken for an n, without.
    hers, n = read_as("n", "t", count=30, noise=0.05), read_as("n", count=30, noise=0.05, seed=1)
    assert set(best(hers, Hand.untaught())) == {"n"}
    hand = learn(Hand.untaught(), "t", hers[:1], PRIOR)
    hand = learn(hand, "n", n[:1], PRIOR)
    assert best(hers[1:], hand).count("t") >= 28 and best(n[1:], hand).count("n") >= 28
    # How sure the reader is does not matter, only what it takes the hand for.
    dim = read_as("n", "t", sure=2.5, count=30, noise=0.05, seed=2)
    assert best(dim, hand).count("t") >= 27


def test_what_was_not_taught_keeps_its_answers():
    hand = learn(Hand.untaught(), "t", read_as("n", "t"), PRIOR)
    others = torch.cat([read_as(sign, noise=0.5, count=5) for sign in SIGNS if sign != "t"])
    assert best(others, hand) == best(others, Hand.untaught())
    # A shot that is wholly taken for another sign teaches nothing while that sign is not taught.
    hand = learn(Hand.untaught(), "t", read_as("n"), stronger(PRIOR, weight=0.0))
    n = read_as("n", noise=0.5, count=20)
    assert best(n, hand) == ["n"] * 20


def test_two_hands_for_one_answer_are_both_kept():
    """`f` may be signed in its own way and the person's 9 in another: the answer is one."""
    hand = learn(Hand.untaught(), "f", read_as("4", "f"), PRIOR)
    hand = learn(hand, "9", read_as("3", "9"), PRIOR)
    assert hand.signs == ("9", "f")
    assert best(torch.cat([read_as("4", "f"), read_as("3", "9")]), hand) == ["9 or f"] * 2
    assert [ANSWERS[ANSWER_OF_SIGN[SIGNS.index(s)]] for s in "o9z"] == ["0 or o", "9 or f", "z"]


def test_more_shots_weigh_more_than_the_prior():
    one, three = (learn(Hand.untaught(), "t", read_as("n", "t", count=c), PRIOR) for c in (1, 3))
    shot = directions_of(read_as("n", "t"), PRIOR.whitening)[0]
    near = [(lesson_of(h, PRIOR).directions[SIGNS.index("t")] @ shot).item() for h in (one, three)]
    assert near[0] < near[1] < 1
    sole = lesson_of(one, stronger(PRIOR, weight=0.0)).directions[SIGNS.index("t")]
    torch.testing.assert_close(sole, shot)


def test_the_temperature_counts_by_the_share_that_was_taught():
    hot = stronger(PRIOR, temperature=3.0)
    hand = Hand.untaught()
    assert lesson_of(hand, hot).temperature == 1
    for sign in SIGNS[:17]:
        hand = learn(hand, sign, read_as(sign), hot)
    assert lesson_of(hand, hot).temperature == pytest.approx(2)
    for sign in SIGNS:
        hand = learn(hand, sign, read_as(sign), hot)
    assert lesson_of(hand, hot).temperature == pytest.approx(3)


def test_no_number_stays_none():
    hand = learn(Hand.untaught(), "a", read_as("a"), PRIOR)
    assert taught_answers(torch.full((1, 36), math.nan), lesson_of(hand, PRIOR), 1).isnan().all()
    flat = taught_answers(torch.full((1, 36), -math.log(36)), lesson_of(hand, PRIOR), 1.0)
    assert flat.isfinite().all()
    # Nearly impossible signs are given as infinitely improbable by a reader in half precision.
    log_probs = torch.full((1, 36), -torch.inf)
    log_probs[0, 10] = 0
    assert best(log_probs, hand) == ["a"]
