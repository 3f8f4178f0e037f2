"""What the camera page works with: a recogniser, what it is taught, and the thread that reads."""

import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from asl.live.frames import read_frame
from asl.live.page_files import page_facts
from asl.recognizer.graph import Answer
from asl.recognizer.recognizer import Recognizer
from asl.recognizer.teaching import Hand, learn, lesson_of, taught_answers
from asl.signs import SIGNS

T = TypeVar("T")

_WAITING = 8  # frames: a page sends the next one when it has the answer to the last
_MOST_SHOTS = 12  # of a sign that are kept, the last ones


class Busy(Exception):
    """Too many frames wait already."""


class Session:
    """Reads the frames of all pages that are open, one after the other.

    One thread does all the work: each further thread would have OpenMP threads of its own.

    Attributes:
        frames: how many were read.
    """

    def __init__(self, recognizer: Recognizer):
        """Takes the recogniser, on the CPU, with the hand that it was taught."""
        self.frames = 0
        self._recognizer = recognizer
        self._graph = recognizer.graph().eval()
        self._hand = recognizer.hand or Hand.untaught()
        self._shots: dict[str, list[Tensor]] = {}  # what was answered to them, not the pictures
        self._lesson = lesson_of(self._hand, recognizer.prior)
        # The browser needs the other half. Two that share two cores wait for each other: with one
        # thread an answer takes 50 ms there, with two 73.
        threads = max(1, torch.get_num_threads() // 2)
        self._worker = ThreadPoolExecutor(
            1, "asl-reader", initializer=torch.set_num_threads, initargs=(threads,)
        )
        self._places = threading.BoundedSemaphore(_WAITING)

    def facts(self) -> dict[str, Any]:
        """Returns what the page must know, see `asl.live.page_files.page_facts`."""
        return page_facts(self._recognizer, "server") | self.taught()

    def taught(self) -> dict[str, Any]:
        """Returns how many shots of each sign it was taught: ``{"taught": {"a": 3, …}}``."""
        counts = zip(SIGNS, self._hand.counts.tolist(), strict=True)
        return {"taught": {sign: int(count) for sign, count in counts if count > 0}}

    def read(self, content: bytes) -> dict[str, Any]:
        """Reads the hand in a JPEG.

        Returns:
            the fields of `asl.recognizer.graph.Answer` as numbers and lists, and the frame's
            ``width`` and ``height`` in pixels

        Raises:
            ValueError: if it is no picture.
            Busy: if too many frames wait.
        """
        return self._in_turn(self._read, content)

    def teach(self, sign: str, content: bytes) -> dict[str, Any]:
        """Learns from a JPEG how this hand makes a sign, beside the shots before.

        Returns:
            what `read` returns, before the lesson, and how much is taught then. If no hand is seen,
            nothing is.

        Raises:
            ValueError: if it is no picture, or the sign is none.
            Busy: if too many frames wait.
        """
        _check_sign(sign)
        return self._in_turn(self._teach, sign, content)

    def forget(self, sign: str | None = None) -> dict[str, Any]:
        """Forgets what it was taught of a sign, or everything, and returns what is left.

        Raises:
            ValueError: if the sign is none.
        """
        if sign is not None:
            _check_sign(sign)
        return self._in_turn(self._forget, [sign] if sign is not None else list(SIGNS))

    def hand_file(self) -> bytes:
        """Returns the file that `Recognizer.save_hand` writes.

        Raises:
            ValueError: if nothing was taught.
        """
        if not self._hand.signs:
            raise ValueError("expected a sign that was taught, found none yet")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "hand"
            replace(self._recognizer, hand=self._hand).save_hand(path)
            return path.read_bytes()

    def close(self) -> None:
        """Ends the thread once it has read what it is reading."""
        self._worker.shutdown(wait=False)

    def _in_turn(self, work: Callable[..., T], *arguments: Any) -> T:
        if not self._places.acquire(blocking=False):
            raise Busy("too many frames wait")
        try:
            future = self._worker.submit(work, *arguments)
        except RuntimeError as error:
            self._places.release()
            raise Busy("this page has been closed") from error
        try:
            return future.result()
        finally:
            self._places.release()

    # --- in the one thread ------------------------------------------------------------------------

    @torch.inference_mode()
    def _read(self, content: bytes) -> dict[str, Any]:
        pixels = read_frame(content)
        self.frames += 1
        answer = Answer(*self._graph(pixels))
        if self._hand.signs:
            temperature = self._recognizer.temperature
            answers = taught_answers(answer.log_probs[None], self._lesson, temperature)
            answer = answer._replace(confidence=answers[0].exp() * answer.hand)
        height, width = pixels.shape[:2]
        # What is no number must not become a letter, nor end the page's arithmetic.
        named = answer._asdict().items()
        numbers = {name: field.nan_to_num().tolist() for name, field in named}
        return {**numbers, "width": width, "height": height}

    def _teach(self, sign: str, content: bytes) -> dict[str, Any]:
        answer = self._read(content)
        if answer["hand"] > 0.5:
            shots = self._shots.setdefault(sign, [])
            shots.append(torch.tensor(answer["log_probs"]))
            del shots[:-_MOST_SHOTS]
            self._know(learn(self._hand, sign, torch.stack(shots), self._recognizer.prior))
        return answer | self.taught()

    def _forget(self, signs: list[str]) -> dict[str, Any]:
        kept = torch.tensor([sign not in signs for sign in SIGNS])
        for sign in signs:
            self._shots.pop(sign, None)
        self._know(Hand(self._hand.sums * kept[:, None], self._hand.counts * kept))
        return self.taught()

    def _know(self, hand: Hand) -> None:
        self._hand, self._lesson = hand, lesson_of(hand, self._recognizer.prior)


def _check_sign(sign: str) -> None:
    if sign not in SIGNS:
        raise ValueError(f"expected a sign of 0-9, a-z, found {sign[:20]!r}")
