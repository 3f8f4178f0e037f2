"""Words that rendered hands spell to the camera, and how well they are written down."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import asl
from asl.live.spelling import Spelling, watch
from tests.browser.scenes import scene
from tests.browser.spelled_film import shots_of

# No word has j or z. They are motions, which a hand that is held does not make.
WORDS = (
    "dog",
    "hello",
    "cat",
    "blue",
    "family",
    "water",
    "sky",
    "book",
    "mouse",
    "lamp",
    "garden",
    "tree",
    "fish",
    "window",
    "paper",
    "apple",
    "river",
    "queen",
    "box",
    "value",
)
PEOPLE = range(1, 6)


def spelled_in_python(recognizer: asl.Recognizer) -> dict[str, Any]:
    """Lets five rendered people spell the words, at 15 frames a second of a clock of its own."""
    answers: dict[tuple, list[float]] = {}

    def seen(sign: str | None, signer: int, frame: int) -> list[float]:
        key = (sign, signer, frame)
        if key not in answers:
            log_probs, evidence = recognizer.raw_answers([scene(sign, signer=signer, frame=frame)])
            answers[key] = recognizer.confidence(log_probs, evidence)[0].tolist()
        return answers[key]

    written = []
    for signer in PEOPLE:
        for word in WORDS:
            state, time = Spelling(), 0.0
            for sign, seconds in shots_of(word):
                for i in range(round(15 * seconds)):
                    state = watch(state, time, seen(sign, signer, i // 3 % 5 + 1))
                    time += 1 / 15
            written.append((word, state.text))
    return {"words": len(WORDS), "people": len(PEOPLE)} | score(written)


def score(written: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Scores texts beside what was to be spelled.

    A letter that is missing, wrong or too many is one error each.

    Args:
        written: pairs of what was spelled and what was written down, of one letter at least.
    """
    written = list(written)
    letters = sum(len(word) for word, _ in written)
    return {
        "letters": letters,
        "letters right": round(1 - sum(edits(*pair) for pair in written) / letters, 4),
        "doubled": sum(doubled(*pair) for pair in written),
        "written otherwise": [f"{word}: {text}" for word, text in written if text != word],
    }


def edits(word: str, text: str) -> int:
    """Returns how many letters to insert, remove or replace make a word of a text (Levenshtein)."""
    row = list(range(len(text) + 1))
    for i, letter in enumerate(word, 1):
        diagonal, row[0] = row[0], i
        for j, found in enumerate(text, 1):
            kept = diagonal + (letter != found)
            diagonal, row[j] = row[j], min(kept, 1 + row[j], 1 + row[j - 1])
    return row[-1]


def doubled(word: str, text: str) -> int:
    """Returns how often a text repeats a letter at once where the word does not."""
    asked, found = (Counter(a for a, b in pairwise(of) if a == b) for of in (word, text))
    return (found - asked).total()
