"""A film in which rendered hands spell words, and what the page writes down of it."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.browser.scenes import film_frames

LETTER = 1.2  # seconds for which each one is held
_AGAIN = 0.8  # seconds without a hand between two of the same letter
_BETWEEN = 1.0  # seconds without a hand after each word
_BEFORE = 3.0  # seconds without a hand in which what was written before is cleared
_END = 8.0  # seconds without a letter tell that the film is over, and not that a word is unread
# Chromium repeats the film at once, so its end must not be missed on a machine that is busy.
_AFTER = _END + 5.0
_CAMERA_OFF = """() => {
    for (const track of document.getElementById("video").srcObject.getTracks()) {
        track.stop();
        track.dispatchEvent(new Event("ended"));
    }
}"""


def shots_of(word: str) -> list[tuple[str | None, float]]:
    """Returns a word as (sign, seconds): between two of the same letter the hand is lowered."""
    shots: list[tuple[str | None, float]] = []
    for before, letter in zip(" " + word, word, strict=False):
        shots += [(None, _AGAIN)] if letter == before else []
        shots.append((letter, LETTER))
    return shots


def write_spelled_film(path: Path, words: Iterable[tuple[str, int]], *, times: float = 1) -> Path:
    """Writes a film in which each word is spelled by one signer, for `read_spelled_film`.

    Args:
        path: its name must end in ``.mjpeg``.
        words: pairs of a word and the signer's number.
        times: how much longer everything within a word is shown, for a machine that is busy.
    """
    with path.open("wb") as film:
        film.writelines(film_frames([(None, _BEFORE)]))
        for word, signer in words:
            shots = [(sign, times * seconds) for sign, seconds in shots_of(word)]
            film.writelines(film_frames([*shots, (None, _BETWEEN)], signer=signer))
        film.writelines(film_frames([(None, _AFTER)]))
    return path


def read_spelled_film(page: Any, *, limit: float) -> str:
    """Shows the page the film from its beginning, and returns what it has written at the end.

    Args:
        page: which reads frames already, so that it is warm when the film begins.
        limit: seconds after which something must be wrong.
    """
    page.keyboard.press("2")
    page.evaluate(_CAMERA_OFF)
    page.locator("#trouble-text").filter(has_text="The camera has gone").wait_for()
    page.keyboard.press("t")  # a camera that is opened again shows its film from the beginning
    page.locator("#speed").filter(has_text="frames a second").wait_for()
    page.keyboard.press("Escape")
    begun = seen = time.monotonic()
    while time.monotonic() < seen + _END:
        if page.text_content("#shown") != "no letter":
            seen = time.monotonic()
        if seen > begun + limit:
            raise TimeoutError(f"expected the film's end within {limit:.0f} s, still see letters")
        page.wait_for_timeout(100)  # milliseconds
    return page.text_content("#text")
