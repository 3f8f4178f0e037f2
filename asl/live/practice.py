"""Show me d-o-g: each letter of a word is asked for, and what the camera shows is verified.

"Is this a d?" is an easier question than "which of 26 letters?". So a letter is accepted at a much
lower probability than the one at which it would be written. `asl.recognizer.calibrate` chooses that
probability on people whom the networks have not seen, and keeps it with the weights: of the wrong
letters that each of these people shows, at most one in fifty is accepted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from asl.live.spelling import LETTERS, Frame, letter_shares, mean_of, recent


@dataclass(frozen=True)
class PracticeRules:
    """When a letter that was asked for counts as shown.

    Attributes:
        window: seconds over which the answers are averaged.
        threshold: the mean probability, given that a letter is shown, from which it is accepted.
        hold: seconds for which it must stay so.
        gap: seconds without a frame after which everything seen before is forgotten.
    """

    window: float = 0.5
    threshold: float = 0.2
    hold: float = 0.4
    gap: float = 0.75


@dataclass(frozen=True)
class Practice:
    """How far somebody has come with a word.

    Attributes:
        word: letters ``a`` to ``z``.
        times: for each letter so far, the seconds from being asked to being accepted, None if it
            was skipped.
        frames: of the last half second: when each was seen, and the probability of each letter.
        asked: the second at which the present letter was first looked for, None before.
        since: the second from which it is being shown, None if it is not.
        repeated: whether the letter before was the same and has not been released yet.
        accepted: whether the last frame completed a letter.
        progress: how much of the time to hold has passed, from 0 to 1.
    """

    word: str
    times: tuple[float | None, ...] = ()
    frames: tuple[Frame, ...] = ()
    asked: float | None = None
    since: float | None = None
    repeated: bool = False
    accepted: bool = False
    progress: float = 0.0

    @property
    def letter(self) -> str | None:
        """The letter that is asked for, None at the end of the word."""
        return self.word[len(self.times)] if len(self.times) < len(self.word) else None


def practise(word: str) -> Practice:
    """Begins a word.

    Raises:
        ValueError: if it has no letters, or others than a to z.
    """
    word = word.lower()
    if not word or any(letter not in LETTERS for letter in word):
        raise ValueError(f"expected a word of the letters a to z, found {word!r}")
    return Practice(word)


def check(
    state: Practice,
    time: float,
    confidence: Sequence[float],
    rules: PracticeRules = PracticeRules(),
) -> Practice:
    """Returns the state after one more frame.

    A letter is accepted once its mean probability over the window has been at least the threshold
    for `rules.hold`, and that of the last frame is so, too.

    Args:
        state: that of the frame before, or a word that was begun.
        time: when the frame was seen, in seconds from any moment.
        confidence: of each of `asl.ANSWERS`, 32 numbers.
        rules: when a letter counts as shown.

    Raises:
        ValueError: if there are not 32 numbers.
    """
    frames = recent(state.frames, time, letter_shares(confidence), rules.window, rules.gap)
    letter = state.letter
    if letter is None:
        return replace(state, accepted=False, progress=0.0)
    fresh = len(frames) == 1  # the first, or the first after a gap
    asked = time if state.asked is None or time < state.asked else state.asked
    place = LETTERS.index(letter)
    shown = mean_of(frames)[place] >= rules.threshold
    still = frames[-1][1][place] >= rules.threshold  # else a glimpse would last for a window
    repeated = state.repeated and shown
    since = None
    if shown and not repeated:
        since = time if fresh or state.since is None else state.since
    progress = 0.0 if since is None else min(1.0, (time - since) / rules.hold)
    if progress < 1 or not still:
        return Practice(state.word, state.times, frames, asked, since, repeated, False, progress)
    return _next(state, time, time - asked, accepted=True)


def skip(state: Practice, time: float) -> Practice:
    """Returns the state after the present letter was skipped."""
    return state if state.letter is None else _next(state, time, None, accepted=False)


def _next(state: Practice, time: float, seconds: float | None, *, accepted: bool) -> Practice:
    """Asks for the next letter, for which the frames so far do not count."""
    done = Practice(state.word, (*state.times, seconds), asked=time, accepted=accepted)
    repeated = accepted and done.letter == state.letter
    return replace(done, repeated=repeated, progress=float(accepted))


def practice_rules(facts: Mapping[str, Any]) -> PracticeRules:
    """Returns the rules for a recogniser, with the threshold that was chosen for it.

    Args:
        facts: of the recogniser. Without ``facts["practice"]`` the threshold is a cautious one.
    """
    chosen = facts.get("practice")
    threshold = chosen.get("threshold") if isinstance(chosen, Mapping) else None
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        return PracticeRules()
    return PracticeRules(threshold=float(threshold)) if 0 < threshold <= 1 else PracticeRules()
