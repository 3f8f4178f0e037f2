import math

import pytest

from asl import ANSWERS
from asl.live.practice import PracticeRules, check, practice_rules, practise, skip

RULES = PracticeRules()


def answer(sign=None, share=0.5, second="1"):
    """Returns the confidence of each answer if a sign, or none, is shown; the rest is another's."""
    confidence = [0.0] * 32
    if sign is not None:
        for name, part in ((sign, share), (second, 0.9 - share)):
            place = next(i for i, a in enumerate(ANSWERS) if name in a.split(" or "))
            confidence[place] += part
    return confidence


def show(state, *shown, rate=15.0, start=0.0, rules=RULES):
    """Shows signs, each as (sign or confidence, seconds), and returns the state after each."""
    states, time, frame = [state], start, 0
    for sign, seconds in shown:
        time += seconds
        while start + frame / rate < time:
            confidence = sign if isinstance(sign, list) else answer(sign)
            states.append(check(states[-1], start + frame / rate, confidence, rules))
            frame += 1
    return states


@pytest.mark.parametrize("rate", [3, 15, 60])
def test_a_word_is_asked_for_letter_by_letter_and_timed(rate):
    states = show(practise("Dog"), (None, 1), ("d", 2), ("o", 2), (None, 1), ("g", 2), rate=rate)
    assert [s.letter for s in states if s.accepted] == ["o", "g", None]
    done = states[-1]
    assert done.letter is None and done.word == "dog" and len(done.times) == 3
    assert 1.2 < done.times[0] < 2.2 and all(seconds < 4.2 for seconds in done.times)
    assert check(done, 99.0, answer("a")).times == done.times


def test_a_letter_is_verified_at_less_than_it_would_be_read():
    unsure = answer("d", 0.25, second="a")  # an "a" if one had to say
    assert show(practise("d"), (unsure, 1))[-1].times
    assert not show(practise("d"), (answer("d", 0.1, second="a"), 3))[-1].times
    assert not show(practise("d"), (unsure, 3), rules=PracticeRules(threshold=0.4))[-1].times
    for nothing in (answer(), [math.nan] * 32):
        assert not show(practise("d"), (nothing, 3))[-1].times


def test_a_letter_must_be_held():
    states = show(practise("d"), (None, 1), ("d", 0.2), (None, 1))
    assert not states[-1].times and max(s.progress for s in states) > 0
    assert not show(practise("d"), ("d", 0.3))[-1].times
    gap = show(practise("d"), ("d", 0.3))[-1]
    assert not check(gap, 9.0, answer("d")).times  # nothing was seen in between


def test_the_same_letter_twice_must_be_released_in_between():
    assert len(show(practise("oo"), ("o", 6))[-1].times) == 1
    assert len(show(practise("oo"), ("o", 1), (None, 1), ("o", 1))[-1].times) == 2


def test_what_was_shown_for_the_letter_before_does_not_count():
    both = answer("m", 0.45, second="n")
    states = show(practise("mn"), (both, 3))
    first, second = states[-1].times
    assert first < 0.6 and second > 0.3


def test_a_letter_can_be_skipped():
    state = skip(show(practise("dog"), (None, 1))[-1], 1.0)
    assert state.letter == "o" and state.times == (None,) and not state.accepted
    assert skip(skip(state, 2.0), 3.0).letter is None
    assert skip(skip(skip(state, 2.0), 3.0), 4.0).times == (None,) * 3


@pytest.mark.parametrize("word", ["", "d0g", "dog house", "für"])
def test_what_is_no_word_is_refused(word):
    with pytest.raises(ValueError, match="a word of the letters a to z, found"):
        practise(word)


def test_the_threshold_is_that_of_the_weights():
    assert practice_rules({"practice": {"threshold": 0.07}}) == PracticeRules(threshold=0.07)
    for facts in ({}, {"practice": None}, {"practice": {"threshold": math.nan}}, {"practice": []}):
        assert practice_rules(facts) == PracticeRules()
