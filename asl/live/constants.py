"""The plain numbers and names with which the page can do by itself what `asl.live` does."""

from dataclasses import asdict
from typing import Any

from asl.live.practice import practice_rules
from asl.live.spelling import ANSWER_OF, KEYS, LETTERS, SpellingRules
from asl.recognizer.recognizer import Recognizer
from asl.recognizer.teaching import ANSWER_OF_SIGN, LOWEST, lesson_of
from asl.signs import ANSWERS, MOTION_SIGNS, SIGNS


def page_constants(recognizer: Recognizer) -> dict[str, Any]:
    """Returns what JSON can hold of the rules, and of what a recogniser is taught with.

    The keys ``spelling`` and ``practice`` hold the rules by name. ``teaching`` holds the prior: its
    ``whitening`` and ``directions``, (36, 36), and the four numbers of its ``strength``. ``lesson``
    is that of the hand that the recogniser was taught, None if it was not taught.
    """
    prior, hand = recognizer.prior, recognizer.hand
    return {
        "answers": list(ANSWERS),
        "signs": list(SIGNS),
        "letters": list(LETTERS),
        "answer_of_letter": list(ANSWER_OF),
        "answer_of_sign": list(ANSWER_OF_SIGN),
        "motions": list(MOTION_SIGNS),
        "keys": list(KEYS),
        "spelling": asdict(SpellingRules()),
        "practice": asdict(practice_rules(recognizer.facts)),
        "temperature": recognizer.temperature,
        "threshold": recognizer.threshold,
        "fingerprint": recognizer.fingerprint(),
        "teaching": {
            "lowest": LOWEST,
            "whitening": prior.whitening.tolist(),
            "directions": prior.directions.tolist(),
            "strength": prior.strength._asdict(),
        },
        "lesson": None if hand is None else lesson_of(hand, prior).plain(),
    }
