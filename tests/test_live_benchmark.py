"""What `benchmarks/live.py` counts. `tests/test_results.py` holds the figures."""

import pytest
import torch

from asl import ANSWERS
from asl.live.spelling import LETTERS, is_motion
from benchmarks import spelled_words
from benchmarks.spelled_words import WORDS, doubled, edits, score, spelled_in_python
from tests.browser.spelled_film import shots_of


@pytest.mark.parametrize(
    ("word", "text", "errors"),
    [
        ("hello", "hello", 0),
        ("hello", "helo", 1),
        ("hello", "hellow", 1),  # a letter too many is an error, too
        ("hello", "hallo", 1),
        ("hello", "", 5),
        ("dog", "odg", 2),
        ("dog", "xxdogxx", 4),
    ],
)
def test_letters_that_are_missing_wrong_or_too_many_are_errors(word, text, errors):
    assert edits(word, text) == edits(text, word) == errors


@pytest.mark.parametrize(
    ("word", "text", "times"),
    [
        ("hello", "hello", 0),
        ("hello", "helo", 0),
        ("hello", "helllo", 1),
        ("hello", "heello", 1),
        ("dog", "ddoogg", 3),
        ("dog", "dogd", 0),
    ],
)
def test_letters_are_doubled_where_the_word_does_not_double_them(word, text, times):
    assert doubled(word, text) == times


def test_a_score_is_over_all_letters():
    found = score([("dog", "dog"), ("hello", "heello"), ("ab", "b")])
    assert found == {
        "letters": 10,
        "letters right": 0.8,
        "doubled": 1,
        "written otherwise": ["hello: heello", "ab: b"],
    }
    assert score([("ab", "abxxxx")])["letters right"] < 0  # not none right: worse than nothing


def test_the_words_are_those_of_the_bar():
    assert len(set(WORDS)) == 20
    letters = set("".join(WORDS))
    assert letters <= set(LETTERS) and not any(map(is_motion, letters))


def test_the_hand_is_lowered_between_two_of_the_same_letter():
    assert [sign for sign, _ in shots_of("hello")] == ["h", "e", "l", None, "l", "o"]


class Reader:
    """Stands for a recogniser: it reads each sign as another one, or surely as itself."""

    def __init__(self, instead=None):
        self._instead = instead or {}

    def raw_answers(self, signs):
        return [self._instead.get(sign, sign) for sign in signs], None

    def confidence(self, signs, _):
        shown = [[float(sign in answer.split(" or ")) for answer in ANSWERS] for sign in signs]
        return torch.tensor(shown)


@pytest.mark.parametrize(
    ("instead", "wrong", "otherwise"),
    [
        ({}, 0, []),
        ({"o": None}, 3, ["hello: hell", "book: bk"]),  # the hand is not seen
        ({"k": "o"}, 1, ["book: boo"]),
    ],
)
def test_what_is_misread_lowers_the_score(instead, wrong, otherwise, monkeypatch):
    monkeypatch.setattr(spelled_words, "scene", lambda sign, **_: sign)
    monkeypatch.setattr(spelled_words, "WORDS", ("hello", "book"))
    found = spelled_in_python(Reader(instead))
    assert found["letters"] == 5 * 9
    assert found["letters right"] == pytest.approx(1 - wrong / 9, abs=1e-4)
    assert found["written otherwise"] == 5 * otherwise
