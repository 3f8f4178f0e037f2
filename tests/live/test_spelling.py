import math

import pytest

from asl import ANSWERS
from asl.live.spelling import (
    ANSWER_OF,
    KEYS,
    LETTERS,
    Spelling,
    SpellingRules,
    is_motion,
    letter_shares,
    press,
    watch,
)

EMPTY, RULES = Spelling(), SpellingRules()
RATES = [3, 8, 15, 29.97, 120]  # frames a second


def answer(sign=None, share=0.9):
    """Returns the confidence of each answer if a sign, or none, is shown."""
    confidence = [0.0 if sign is None else (0.95 - share) / 31] * 32
    if sign is not None:
        confidence[next(i for i, a in enumerate(ANSWERS) if sign in a.split(" or "))] = share
    return confidence


def spell(*shown, rate=15.0, state=EMPTY, start=0.0, rules=RULES):
    """Shows signs, each as (sign, seconds), and returns the state after each frame."""
    states, time, frame = [state], start, 0
    for sign, seconds in shown:
        time += seconds
        while start + frame / rate < time:
            confidence = sign if isinstance(sign, list) else answer(sign)
            states.append(watch(states[-1], start + frame / rate, confidence, rules))
            frame += 1
    return states


@pytest.mark.parametrize("rate", RATES)
def test_a_word_is_written_letter_by_letter_at_any_frame_rate(rate):
    states = spell((None, 0.5), ("d", 1.5), ("o", 1.5), (None, 0.6), ("g", 1.5), rate=rate)
    assert states[-1].text == "dog"
    assert [s.text for s in states if s.written] == ["d", "do", "dog"]


@pytest.mark.parametrize("rate", RATES)
def test_a_letter_is_written_once_however_long_it_is_held_and_again_after_a_release(rate):
    held = spell(("l", 8), rate=rate)
    assert held[-1].text == "l" and sum(s.written for s in held) == 1
    again = spell(("l", 1.5), (None, 0.8 if rate > 3 else 1.2), ("l", 1.5), rate=rate)
    assert again[-1].text == "ll"
    through_another = spell(("l", 1.5), ("o", 1.5), ("l", 1.5), rate=rate)
    assert through_another[-1].text == "lol"


@pytest.mark.parametrize("rate", RATES)
def test_a_letter_that_is_lost_for_half_a_second_is_not_doubled(rate):
    for lost in (None, "1"):
        states = spell(("a", 1.5), (lost, 0.5), ("a", 1.5), (lost, 0.2), ("a", 1.5), rate=rate)
        assert states[-1].text == "a"
    # The seconds count in one go, not over several losses.
    states = spell(*[("a", 0.8), (None, 0.5)] * 4, rate=rate)
    assert states[-1].text == "a"


def test_a_letter_shown_too_briefly_is_not_written():
    assert spell((None, 1), ("b", 0.4), (None, 1))[-1].text == ""
    # The whole of a window is not needed: after the first frame it counts from then on.
    states = spell(("b", 1), rate=20)
    assert next(i for i, s in enumerate(states) if s.written) == 1 + 8
    assert [s.progress for s in states[1:10]] == pytest.approx([i / 8 for i in range(9)])


def test_the_window_averages_so_that_single_wrong_frames_do_not_matter():
    shown = [("c" if i % 4 else "o", 1 / 16) for i in range(48)]
    assert spell(*shown, rate=16)[-1].text == "c"
    half = [("c" if i % 2 else "o", 1 / 16) for i in range(48)]
    assert spell(*half, rate=16)[-1].text == ""


def test_no_hand_and_no_number_write_nothing():
    unsure = answer("a", 0.4)
    for confidence in (answer(), [math.nan] * 32, [math.inf] + [0.0] * 31, unsure):
        assert spell((confidence, 3))[-1].text == ""
    # Where less is asked, a letter must still be more probable than no hand.
    scarcely = [0.3 * share for share in answer("a")]
    assert spell((scarcely, 3), rules=SpellingRules(sure=0.2))[-1].text == ""


def test_a_gap_between_frames_counts_as_nothing_shown():
    state = spell(("a", 0.3))[-1]
    assert 0 < state.progress < 1
    later = watch(state, 60.0, answer("a"))
    assert later.text == "" and later.progress == 0 and len(later.frames) == 1
    back = watch(state, -5.0, answer("a"))  # the clock was put back
    assert back.text == "" and back.progress == 0
    assert spell(("a", 1), state=back, start=-4.9)[-1].text == "a"
    # A letter that was written and is seen again after the gap may have been held all the time.
    written = spell(("a", 1))[-1]
    assert spell(("a", 1), state=written, start=60)[-1].text == "a"


def test_few_frames_are_kept():
    assert max(len(s.frames) for s in spell(("a", 20), rate=30)) <= 16


def test_digits_count_as_the_letters_they_look_like_or_as_nothing():
    assert spell(("0", 1), ("2", 1), ("6", 1), ("9", 1))[-1].text == "ovwf"
    # Given that a letter is meant, what was a digit's goes to the letters.
    confidence = [0.0] * 32
    confidence[ANSWERS.index("1")], confidence[ANSWERS.index("d")] = 0.6, 0.3
    shares = letter_shares(confidence)
    assert shares[LETTERS.index("d")] == pytest.approx(0.9)
    assert sum(letter_shares(answer("a"))) == pytest.approx(sum(answer("a")))
    assert [ANSWERS[i] for i in ANSWER_OF][5:8] == ["9 or f", "g", "h"]


def test_keys():
    state = spell(("a", 1), ("b", 1))[-1]
    assert press(state, "space").text == "ab "
    assert press(state, "backspace").text == "a" and press(state, "clear").text == ""
    assert press(Spelling(), "backspace").text == ""
    assert spell(("b", 1), state=press(state, "backspace"), start=2.0)[-1].text == "a"  # still held
    with pytest.raises(ValueError, match=f"a key of {', '.join(KEYS)}, found 'enter'"):
        press(state, "enter")


def test_motions_are_named():
    assert [letter for letter in LETTERS if is_motion(letter)] == ["j", "z"]
    assert not is_motion(None)


def test_answers_of_another_number_are_refused():
    with pytest.raises(ValueError, match="confidence of 32 answers, found 36 numbers"):
        watch(Spelling(), 0, [0.1] * 36)
