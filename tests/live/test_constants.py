import json

import pytest
import torch

from asl import ANSWERS, SIGNS, Recognizer
from asl.live.constants import page_constants
from asl.recognizer.teaching import Hand, learn


@pytest.fixture
def recognizer():
    torch.manual_seed(0)
    return Recognizer.create(image_size=32)


def test_the_page_gets_what_python_computes_with(recognizer):
    recognizer.facts = {"practice": {"threshold": 0.11}}
    constants = json.loads(json.dumps(page_constants(recognizer)))
    assert constants["answers"] == list(ANSWERS) and constants["signs"] == list(SIGNS)
    letters = zip(constants["letters"], constants["answer_of_letter"], strict=True)
    assert all(letter in ANSWERS[answer].split(" or ") for letter, answer in letters)
    assert constants["practice"]["threshold"] == 0.11 and constants["lesson"] is None
    assert constants["fingerprint"] == recognizer.fingerprint()
    assert torch.tensor(constants["teaching"]["whitening"]).equal(recognizer.prior.whitening)


def test_a_taught_hand_is_among_it(recognizer):
    log_probs = torch.randn(1, 36).log_softmax(dim=1)
    recognizer.hand = learn(Hand.untaught(), "b", log_probs, recognizer.prior)
    lesson = page_constants(recognizer)["lesson"]
    assert lesson["gain"][SIGNS.index("b")] > 0 and sum(g > 0 for g in lesson["gain"]) == 1
