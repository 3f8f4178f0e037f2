"""What one camera page works with: a recogniser, and the thread that reads frames with it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch

from asl.live.frames import read_frame
from asl.live.page_files import page_facts
from asl.recognizer.graph import Answer
from asl.recognizer.recognizer import Recognizer

T = TypeVar("T")

_WAITING = 8  # frames: a page sends the next one when it has the answer to the last


class Busy(Exception):
    """Too many frames wait already."""


class Session:
    """Reads the frames of all pages that are open, one after the other.

    One thread reads them all: each further thread would have OpenMP threads of its own.

    Attributes:
        recognizer: what reads them.
        frames: how many were read.
    """

    def __init__(self, recognizer: Recognizer):
        """Takes the recogniser, on the CPU."""
        self.recognizer = recognizer
        self.frames = 0
        self._graph = recognizer.graph().eval()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="asl-reader")
        self._places = threading.BoundedSemaphore(_WAITING)

    def facts(self) -> dict[str, Any]:
        """Returns what the page must know, see `asl.live.page_files.page_facts`."""
        return page_facts(self.recognizer.threshold, "server")

    def read(self, content: bytes) -> dict[str, Any]:
        """Reads the hand in a JPEG.

        Returns:
            the fields of `asl.recognizer.graph.Answer` as numbers and lists, and the frame's
            ``width`` and ``height`` in pixels

        Raises:
            ValueError: if it is no picture.
            Busy: if too many frames wait.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("too many frames wait")
        try:
            return self._in_turn(self._read, content)
        finally:
            self._places.release()

    def close(self) -> None:
        """Ends the thread once it has read what it is reading."""
        self._reader.shutdown(wait=False)

    def _in_turn(self, work: Callable[..., T], *arguments: Any) -> T:
        try:
            future = self._reader.submit(work, *arguments)
        except RuntimeError as error:
            raise Busy("this page has been closed") from error
        return future.result()

    @torch.inference_mode()
    def _read(self, content: bytes) -> dict[str, Any]:
        pixels = read_frame(content)
        self.frames += 1
        answer = Answer(*(field.nan_to_num() for field in self._graph(pixels)))
        height, width = pixels.shape[:2]
        numbers = {name: field.tolist() for name, field in answer._asdict().items()}
        return {**numbers, "width": width, "height": height}
