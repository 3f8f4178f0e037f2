"""Frames to letters: what a hand spells to a camera, worked out from the answers to its frames.

A frame's answer is the confidence of each of `asl.ANSWERS`, as `Recognizer.confidence` and an
exported file give it. `watch` takes one at a time, with the second at which it was seen, and
returns the next state. All of it is arithmetic on a few numbers. The page without Python does the
same in JavaScript, with the same rules, and both are tested on `tests/live/vectors.json`.

Only letters are spelled. So a digit that looks like a letter counts as the letter, and the other
digits as nothing. `j` and `z` are motions. A frame shows one moment of them, and that moment is
what is recognised: `is_motion` says when a page should tell people so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from asl.signs import ANSWERS, MOTION_SIGNS, SIGNS

LETTERS: tuple[str, ...] = tuple(sign for sign in SIGNS if sign.isalpha())
"""The 26 letters, in order."""

ANSWER_OF: tuple[int, ...] = tuple(
    next(i for i, answer in enumerate(ANSWERS) if letter in answer.split(" or "))
    for letter in LETTERS
)
"""Which answer stands for each letter: that of ``LETTERS[i]`` is ``ANSWERS[ANSWER_OF[i]]``."""

KEYS = ("space", "backspace", "clear")
"""What `press` takes."""

Frame = tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class SpellingRules:
    """When a hand shape becomes a letter.

    Attributes:
        window: seconds over which the answers are averaged.
        sure: the mean probability from which a letter counts as shown.
        hold: seconds for which it must be shown to be written.
        released: the mean probability below which it must fall before it can be written again.
        lost: seconds for which it must stay there: a hand may be lost from sight for a moment.
        gap: seconds without a frame after which everything seen before is forgotten.
    """

    window: float = 0.5
    sure: float = 0.6
    hold: float = 0.4
    released: float = 0.3
    lost: float = 0.4
    gap: float = 0.75


@dataclass(frozen=True)
class Spelling:
    """What has been spelled so far, and what is being shown.

    Attributes:
        text: the letters and spaces written.
        frames: of the last half second: when each was seen, and the probability of each letter.
        shown: the letter that is being shown, None if there is none.
        since: the second from which it, or nothing, is being shown.
        held: the letter that was written last and not released since, or None.
        away: the second from which the held letter has not been seen, None if it is.
        written: whether the last frame wrote a letter. It is the last of `text`.
        progress: how much of the time to hold has passed, from 0 to 1.
    """

    text: str = ""
    frames: tuple[Frame, ...] = ()
    shown: str | None = None
    since: float = 0.0
    held: str | None = None
    away: float | None = None
    written: bool = False
    progress: float = 0.0


def watch(
    state: Spelling,
    time: float,
    confidence: Sequence[float],
    rules: SpellingRules = SpellingRules(),
) -> Spelling:
    """Returns the state after one more frame.

    A letter is shown if its mean probability over the window is at least `rules.sure` and more than
    that of no letter. It is written once it has been shown for `rules.hold`. Before it is written
    again, its mean must have stayed below `rules.released` for `rules.lost`, or another letter must
    have been written. Times count, not frames, so the frame rate does not matter.

    Args:
        state: that of the frame before, or ``Spelling()``.
        time: when the frame was seen, in seconds from any moment.
        confidence: of each of `asl.ANSWERS`, 32 numbers. Numbers that are not finite stand for no
            letter.
        rules: when a shape becomes a letter.

    Raises:
        ValueError: if there are not 32 numbers.
    """
    frames = recent(state.frames, time, letter_shares(confidence), rules.window, rules.gap)
    if len(frames) == 1:  # the first, or the first after a gap
        state = replace(state, shown=None, since=time, away=None)
    mean = mean_of(frames)
    shown = _leader(mean, rules.sure)
    since = state.since if shown == state.shown else time
    text, held, away = state.text, state.held, None
    if held is not None and mean[LETTERS.index(held)] < rules.released:
        away = time if state.away is None else state.away
        held = held if time - away < rules.lost else None
    waits = shown is not None and shown != held
    passed = min(1.0, (time - since) / rules.hold) if waits else 0.0
    if passed >= 1:
        text, held = text + str(shown), shown
    return Spelling(text, frames, shown, since, held, away, passed >= 1, passed)


def press(state: Spelling, key: str) -> Spelling:
    """Returns the state after one of `KEYS` was pressed.

    A letter that is still being shown is not written again.

    Raises:
        ValueError: if the key is none of them.
    """
    if key not in KEYS:
        raise ValueError(f"expected a key of {', '.join(KEYS)}, found {key!r}")
    text = {"space": state.text + " ", "backspace": state.text[:-1], "clear": ""}[key]
    return replace(state, text=text, written=False)


def is_motion(letter: str | None) -> bool:
    """Returns whether a letter is drawn in the air, so that no frame can show all of it."""
    return letter in MOTION_SIGNS


def letter_shares(confidence: Sequence[float]) -> tuple[float, ...]:
    """Returns the probability of each of `LETTERS`, given that no digit is meant.

    What was the digits' goes to the letters in proportion, so that the probability of no hand
    stays.

    Args:
        confidence: of each of `asl.ANSWERS`.

    Raises:
        ValueError: if there are not as many.
    """
    if len(confidence) != len(ANSWERS):
        raise ValueError(
            f"expected the confidence of {len(ANSWERS)} answers, found {len(confidence)} numbers"
        )
    hand, letters = sum(confidence), [confidence[answer] for answer in ANSWER_OF]
    total = sum(letters)
    if not math.isfinite(hand) or total <= 0:
        return (0.0,) * len(LETTERS)
    return tuple(share * hand / total for share in letters)


def recent(
    frames: tuple[Frame, ...], time: float, shares: tuple[float, ...], window: float, gap: float
) -> tuple[Frame, ...]:
    """Returns the frames of the last `window` seconds with a new one, which is alone after a gap.

    A clock that was put back counts as a gap.
    """
    if frames and not 0 <= time - frames[-1][0] <= gap:
        frames = ()
    return (*(frame for frame in frames if time - frame[0] <= window), (time, shares))


def mean_of(frames: Sequence[Frame]) -> list[float]:
    """Returns the mean probability of each letter over frames, of which there is at least one."""
    return [sum(values) / len(frames) for values in zip(*(s for _, s in frames), strict=True)]


def _leader(mean: Sequence[float], sure: float) -> str | None:
    best = max(mean)
    none = 1 - sum(mean)
    return LETTERS[mean.index(best)] if best >= sure and best > none else None
