from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import torch

from asl.recognizer import seeing


@pytest.fixture
def recognizer(make_recognizer):
    return make_recognizer()


def test_pictures_come_in_order_and_only_a_few_are_decoded_before_their_turn(monkeypatch):
    begun = []
    monkeypatch.setattr(seeing, "to_pixels", lambda number: begun.append(number) or number)
    with ThreadPoolExecutor(2) as threads:
        for turn, number in enumerate(seeing._ahead(threads, range(100))):
            assert number == turn and max(begun) < turn + 16
    assert len(begun) == 100


def test_the_next_pictures_are_decoded_while_the_networks_work(recognizer, monkeypatch):
    decoded, find_hands, waited = Event(), seeing.find_hands, []

    def to_pixels(number):
        if number == 16:  # the first that the networks do not begin with
            decoded.set()
        return torch.zeros(20, 20, 3, dtype=torch.uint8)

    def find_hands_then(*arguments):
        waited.append(decoded.wait(timeout=30))
        return find_hands(*arguments)

    monkeypatch.setattr(seeing, "to_pixels", to_pixels)
    monkeypatch.setattr(seeing, "find_hands", find_hands_then)
    (batch,) = recognizer._see(range(20))
    assert waited == [True, True] and len(batch.frames) == len(batch.log_probs) == 20


def test_a_picture_that_cannot_be_read_ends_what_it_is_among(recognizer, tmp_path):
    pictures = [torch.zeros(3, 20, 20)] * 70
    batches = recognizer._see([*pictures, tmp_path / "none.jpg"])
    assert len(next(batches).frames) == 64
    with pytest.raises(FileNotFoundError, match="none.jpg"):
        next(batches)
