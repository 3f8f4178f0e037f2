import pytest
import torch

from asl import Recognizer
from asl.recognizer import calibrate
from asl.recognizer.calibrate import (
    Unseen,
    answer_unseen,
    calibrate_recognizer,
    pictures_without_hands,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


@pytest.fixture
def unseen():
    """Untrained recognisers that claim not to have seen one signer each."""
    made = []
    for signer in (1, 2, 3):
        torch.manual_seed(signer)
        recognizer = Recognizer.create(image_size=32)
        recognizer.facts = {"left_out": [signer]}
        made.append(recognizer)
    return made


def test_each_signer_is_answered_by_who_has_not_seen_them(real, unseen, photographs):
    answers = answer_unseen(unseen, real)
    assert sorted(answers.indices) == list(range(60))
    assert answers.log_probs.shape == (60, 36) and answers.evidence.shape == (60,)
    for i in (0, 25, 59):
        index = answers.indices[i]
        (own,) = (r for r in unseen if r.facts["left_out"] == [real.signers[index]])
        expected = own.raw_answers([real.image_files[index]])[0][0]
        torch.testing.assert_close(answers.log_probs[i], expected)
    scores = answers.scores(real)
    assert scores["images"] == 60 and set(scores["shapes_33"]["per_signer"]) == {"1", "2", "3"}
    assert sorted(answer_unseen(unseen[1:], real).indices) == [
        i for i, s in enumerate(real.signers) if s != 1
    ]
    elsewhere = answer_unseen(unseen, real, photographs)
    assert elsewhere.indices == answers.indices
    assert not torch.allclose(elsewhere.log_probs, answers.log_probs)
    torch.testing.assert_close(
        elsewhere.log_probs, answer_unseen(unseen, real, photographs).log_probs
    )


def test_who_has_seen_everybody_cannot_answer(real, unseen):
    for wrong in ([], [Recognizer.create(image_size=32)], [unseen[0], unseen[0]]):
        with pytest.raises(ValueError, match="trained without different signers, found signers"):
            answer_unseen(wrong, real)


def test_calibration_keeps_the_answers_promised(real, unseen, photographs, monkeypatch):
    dark = torch.randint(0, 90, (200, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(dark.byte()))
    recognizer = Recognizer.create(image_size=32)
    found = calibrate_recognizer(recognizer, unseen, real, photographs)
    assert found["answered"] >= 0.95 and 0 <= found["rejected"] <= 1
    assert recognizer.threshold == found["threshold"] > 0
    assert recognizer.temperature == found["temperature"] != 1
    # Where hands are surely told from nothing, the threshold lies between.
    for other in unseen:
        other.finder.register_forward_hook(
            lambda _, inputs, output: (output[0], 20 * (inputs[0].amax(dim=(1, 2, 3)) > 0) - 10.0)
        )
    found = calibrate_recognizer(recognizer, unseen, real, photographs)
    assert found["answered"] == 1 and found["rejected"] >= 0.98


def test_the_temperature_fits_the_studio_and_elsewhere_alike(
    real, unseen, photographs, monkeypatch
):
    """In the studio every answer is right, elsewhere every other one: 3 of 4 in all."""
    labels = torch.tensor(real.labels)
    logits = 6.0 * torch.nn.functional.one_hot(labels, 36)

    def answer(recognizers, images, photographs=None, recipe=None):
        shown = logits.clone()
        if photographs is not None:
            shown[::2] = shown[::2].roll(1, dims=1)
        return Unseen(shown.log_softmax(dim=1), torch.full((60,), 9.0), list(range(60)))

    monkeypatch.setattr(calibrate, "answer_unseen", answer)
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(photographs))
    recognizer = Recognizer.create(image_size=32)
    calibrate_recognizer(recognizer, unseen, real, photographs)
    confidence = recognizer.confidence(logits.log_softmax(dim=1), torch.tensor([99.0])).amax(dim=1)
    torch.testing.assert_close(confidence, torch.full((60,), 0.75), atol=0.01, rtol=0)


def test_the_saved_recipe_says_how_many_must_be_answered(real, unseen, photographs, monkeypatch):
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(photographs))

    def answered(share):
        recognizer = Recognizer.create(image_size=32)
        recognizer.facts = {"recipe": {"answered": share, "rejected": 1.0}}
        return calibrate_recognizer(recognizer, unseen, real, photographs)["answered"]

    assert answered(0.5) == pytest.approx(0.5, abs=0.03) and answered(0.9) >= 0.9


def test_pictures_without_hands_are_the_same_every_time(photographs):
    pictures = pictures_without_hands(photographs, count=4)
    assert [tuple(p.shape) for p in pictures] == [(3, 128, 128)] * 4
    assert all(p.dtype == torch.uint8 for p in pictures)
    again = pictures_without_hands(photographs, count=4)
    assert all(a.equal(b) for a, b in zip(pictures, again, strict=True))
