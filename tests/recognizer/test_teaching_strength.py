from dataclasses import replace

import pytest
import torch

from asl import ANSWERS, SIGNS
from asl.recognizer import teaching_strength
from asl.recognizer.teaching import ANSWER_OF_SIGN, Hand, Strength, lesson_of, taught_answers
from asl.recognizer.teaching_prior import known_of, taught_with
from asl.recognizer.teaching_strength import HARM, choose_strength, fit_prior, trials_of
from tests.recognizer.people import person

SIGNERS = [person(f"signer {i}", i, kind="studio", habit=0.5) for i in range(2)]
STRANGERS = [person(f"room {i}", 9 + i, habit=5.0) for i in range(2)]


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    """Fewer strengths, so that the tests are fast."""
    monkeypatch.setattr(teaching_strength, "_WEIGHTS", (0.5,))
    monkeypatch.setattr(teaching_strength, "_FLOORS", (0.2, 0.5, 0.7))


def accuracy(prior, somebody, hand, rest):
    answers = taught_answers(somebody.log_probs[rest], lesson_of(hand, prior), 1.0)
    actual = torch.tensor(ANSWER_OF_SIGN)[somebody.labels[rest]]
    return (answers.argmax(dim=1) == actual).double().mean().item()


def gain(prior, somebody, signs=SIGNS, count=3):
    """Returns how much better a person's other pictures are read after a lesson."""
    hand, rest = taught_with(somebody, prior, signs, count)
    return accuracy(prior, somebody, hand, rest) - accuracy(prior, somebody, Hand.untaught(), rest)


def test_a_fitted_prior_reads_a_new_person_better_after_teaching():
    prior = fit_prior([*SIGNERS, *STRANGERS], 1.0)
    assert gain(prior, person("new", 50, habit=5.0)) > 0.1
    assert prior.whitening.isfinite().all() and 0.7 <= prior.strength.temperature <= 3


def test_strangers_decide_and_not_those_who_need_no_teaching():
    everybody = trials_of([*SIGNERS, *STRANGERS])
    chosen = choose_strength(everybody, 1.0)
    alone = choose_strength([trial for trial in everybody if trial.kind == "source"], 1.0)
    assert chosen[:3] == alone[:3]
    studio = choose_strength([trial for trial in everybody if trial.kind == "studio"], 1.0)
    assert studio.gain > 0 and studio[:3] != chosen[:3]


def test_a_strength_that_harms_other_letters_or_the_studio_is_not_chosen(monkeypatch):
    trials = trials_of([*SIGNERS, *STRANGERS])
    asked, limits = [], [0, 0]

    def losses(some, strength, temperature, further):
        """The stronger the better."""
        return [-strength.gain] * len(further)

    def gains(some, strength, temperature, *, others=False):
        """From some strength on others lose, or the studio does."""
        asked.append({(trial.kind, trial.taught, trial.shots) for trial in some})
        if others:
            return [0.1, -1.01 * HARM if strength.gain >= limits[0] else -0.99 * HARM]
        return [-HARM, -1.02 * HARM if strength.gain >= limits[1] else -0.98 * HARM]  # their mean

    monkeypatch.setattr(teaching_strength, "_losses", losses)
    monkeypatch.setattr(teaching_strength, "_gains", gains)
    for *limits[:], expected in ((99, 99, 96), (24, 99, 12), (99, 48, 24), (0, 0, 0)):
        assert choose_strength(trials, 1.0).gain == expected
    assert asked[:2] == [{("source", "d", 1)}, {("studio", SIGNS, 3)}]


def test_what_is_gained_is_counted_for_each_person_and_lesson():
    trials = trials_of(STRANGERS)
    strength = choose_strength(trials, 1.0)
    whole = [trial for trial in trials if trial.taught == SIGNS and trial.shots == 3]
    found = teaching_strength._gains(whole, strength, 1.0)
    assert len(found) == 2
    prior = replace(known_of(STRANGERS[1:]), strength=strength)
    by_hand = [
        [
            accuracy(prior, STRANGERS[0], hand, rest)
            for hand in (taught_with(STRANGERS[0], prior, SIGNS, 3, draw)[0], Hand.untaught())
        ]
        for draw in range(3)
        for rest in [taught_with(STRANGERS[0], prior, SIGNS, 3, draw)[1]]
    ]
    expected = sum(taught - before for taught, before in by_hand) / 3
    assert found[0] == pytest.approx(expected)
    alone = [trial for trial in trials if trial.taught == "d"]
    assert [trial.hand.signs for trial in alone] == [("d",)] * 6
    (trial, *_) = [trial._replace(before=trial.before & False) for trial in alone]
    assert trial.others.tolist() == [answer != ANSWERS.index("d") for answer in trial.actual]
    prior = replace(trial.prior, strength=strength)
    answers = taught_answers(trial.log_probs, lesson_of(trial.hand, prior), 1.0).argmax(dim=1)
    right = (answers == trial.actual)[trial.others].double().mean().item()
    assert teaching_strength._gains([trial], strength, 1.0, others=True) == [right]


def test_without_another_stretch_to_test_on_the_strength_is_the_usual_one():
    people = [person(f"room {i}", i, count=5) for i in range(2)]
    assert fit_prior(people, 1.0).strength == Strength()
    # Nor does a source of which nothing else is known keep others from being asked.
    chosen = fit_prior([*SIGNERS, person("room", 5, signs="d", count=10)], 1.0)
    assert chosen.strength != Strength()


def test_too_few_people_are_refused():
    for people in ([], SIGNERS[:1], [STRANGERS[0], STRANGERS[0]]):
        with pytest.raises(ValueError, match="expected answers to at least two people"):
            fit_prior(people, 1.0)
