"""Writes tests/live/vectors.json: inputs of `asl.live` and of teaching, and what must come out.

    python tests/live/make_vectors.py

The tests compare Python with the file, and the page's JavaScript is tested on the same file.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from asl.live.practice import PracticeRules, check, practise
from asl.live.spelling import ANSWER_OF, LETTERS, Spelling, SpellingRules, press, watch
from asl.recognizer.teaching import Hand, Prior, Strength, learn, lesson_of, taught_answers
from asl.signs import ANSWERS, SIGNS

FILE = Path(__file__).with_name("vectors.json")
_RATE = 10  # frames a second
_SCENES: dict[str, list[tuple[str | None, float]]] = {
    "a word": [(None, 0.5), ("d", 1.2), ("o", 1.2), (None, 0.6), ("g", 1.2)],
    "held": [("l", 3.0), (None, 0.2), ("l", 1.0)],
    "lost": [("l", 1.0), (None, 0.5), ("l", 1.0)],
    "doubled": [("l", 1.0), (None, 1.0), ("l", 1.0)],
    "too short": [("b", 0.3), (None, 1.0)],
}


def make_vectors() -> dict[str, Any]:
    """Returns all inputs and outputs."""
    return {
        "about": "python tests/live/make_vectors.py wrote this; confidence: answer's index → share",
        "rules": {"spelling": asdict(SpellingRules()), "practice": asdict(PracticeRules())},
        "spelling": [_spelling(name, frames) for name, frames in _all_frames().items()],
        "practice": [
            _practice(word, _frames(_SCENES[scene]))
            for word, scene in (("dog", "a word"), ("do", "a word"), ("b", "too short"))
        ],
        "taught": _taught(),
    }


def _frames(scene: list[tuple[str | None, float]]) -> list[tuple[float, dict[str, float]]]:
    """Returns when each frame is seen and the confidence that is not 0, by the answer's index."""
    found, time = [], 0
    for letter, seconds in scene:
        for _ in range(round(seconds * _RATE)):
            shares = {}
            if letter is not None:
                shares = {str(ANSWER_OF[LETTERS.index(letter)]): 0.8, str(ANSWERS.index("1")): 0.1}
            found.append((time / _RATE, shares))
            time += 1
    return found


def _all_frames() -> dict[str, list[tuple[float, dict[str, float]]]]:
    scenes = {name: _frames(scene) for name, scene in _SCENES.items()}
    late = [(t if t < 0.3 else t + 5, shares) for t, shares in _frames([("a", 0.6)])]
    return scenes | {"a gap": late}


def confidence_from(shares: dict[str, float]) -> list[float]:
    """Returns the confidence of each answer."""
    return [shares.get(str(i), 0.0) for i in range(len(ANSWERS))]


def _spelling(name: str, frames: list[tuple[float, dict[str, float]]]) -> dict[str, Any]:
    state, texts, progress = Spelling(), [], []
    for time, shares in frames:
        state = watch(state, time, confidence_from(shares))
        texts.append(state.text)
        progress.append(round(state.progress, 6))
    keys = {key: press(state, key).text for key in ("space", "backspace", "clear")}
    return {"name": name, "frames": frames, "texts": texts, "progress": progress, "keys": keys}


def _practice(word: str, frames: list[tuple[float, dict[str, float]]]) -> dict[str, Any]:
    state, letters = practise(word), []
    for time, shares in frames:
        state = check(state, time, confidence_from(shares))
        letters.append(state.letter)
    times = [None if t is None else round(t, 6) for t in state.times]
    return {"word": word, "frames": frames, "letters": letters, "times": times}


def _taught() -> dict[str, Any]:
    """Shots of two signs, the lesson that they make, and three pictures' answers."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return (torch.randn(*shape, generator=generator) * 100).round() / 100

    whitening = torch.eye(36) + 0.05 * drawn(36, 36).tril()
    directions = torch.nn.functional.normalize(torch.eye(36) - 1 / 36, dim=1)
    prior = Prior(whitening, directions, Strength(1.0, 15.0, 0.3, 1.5))
    shots = {
        sign: (2 * drawn(count, 36)).log_softmax(dim=1) for sign, count in (("t", 3), ("9", 1))
    }
    hand = Hand.untaught()
    for sign, log_probs in shots.items():
        hand = learn(hand, sign, log_probs, prior)
    near = shots["t"][:1] + 0.3 * drawn(1, 36)
    pictures = torch.cat([near, 2 * drawn(2, 36)]).log_softmax(dim=1)
    lesson = lesson_of(hand, prior)
    temperature = 0.8
    return {
        "signs": list(SIGNS),
        "prior": {
            "whitening": whitening.tolist(),
            "directions": directions.tolist(),
            "strength": prior.strength._asdict(),
        },
        "shots": {sign: log_probs.tolist() for sign, log_probs in shots.items()},
        "temperature": temperature,
        "lesson": {
            "floors": lesson.floors.tolist(),
            "gain": lesson.gain.tolist(),
            "temperature": lesson.temperature,
        },
        "log_probs": pictures.tolist(),
        "untaught": taught_answers(pictures, lesson_of(Hand.untaught(), prior), temperature)
        .exp()
        .tolist(),
        "answers": taught_answers(pictures, lesson, temperature).exp().tolist(),
    }


def _rounded(value: Any) -> Any:
    """Returns a value whose numbers have seven digits, so that the file is small."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    FILE.write_text(json.dumps(_rounded(make_vectors())) + "\n", encoding="utf-8")
