import pytest
import torch

from asl import ANSWERS, SIGNS, ASLDataset
from asl.evaluation.calibration import fit_evidence
from asl.recognizer import calibrate, teaching_strength
from asl.recognizer.calibrate import calibrate_recognizer
from asl.recognizer.seeing import finder_evidence
from asl.recognizer.unseen import Unseen, answer_unseen

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    """Fewer strengths of teaching, so that the tests are fast."""
    monkeypatch.setattr(teaching_strength, "_WEIGHTS", (0.5,))
    monkeypatch.setattr(teaching_strength, "_FLOORS", (0.6,))


def test_calibration_keeps_the_answers_promised(
    real, unseen, photographs, make_recognizer, monkeypatch
):
    dark = torch.randint(0, 90, (50, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(dark.byte()))
    recognizer = make_recognizer()
    found = calibrate_recognizer(recognizer, unseen, real, photographs)
    evidence = {"evidence_scale", "evidence_shift"}
    assert set(found) == {"temperature", "threshold", "answered", "rejected"} | evidence
    assert found["answered"] >= 0.95 and 0 <= found["rejected"] <= 1
    assert recognizer.threshold == found["threshold"] > 0
    assert recognizer.temperature == found["temperature"] != 1
    # Where hands are surely told from nothing, the threshold lies between.
    recognizer = make_recognizer()
    recognizer.finder.register_forward_hook(
        lambda _, inputs, output: (
            output[0],
            (20 * (inputs[0].amax(dim=(1, 2, 3)) > 0) - 10.0).view(-1, 1, 1).expand(-1, 4, 4),
        )
    )
    found = calibrate_recognizer(recognizer, unseen, real, photographs)
    assert found["answered"] == 1 and found["rejected"] >= 0.98


def test_the_temperature_fits_the_studio_and_elsewhere_alike(
    real, unseen, photographs, make_recognizer, monkeypatch
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
    recognizer = make_recognizer()
    calibrate_recognizer(recognizer, unseen, real, photographs)
    confidence = recognizer.confidence(logits.log_softmax(dim=1), torch.tensor([99.0])).amax(dim=1)
    torch.testing.assert_close(confidence, torch.full((60,), 0.75), atol=0.01, rtol=0)


def test_the_saved_recipe_says_how_many_must_be_answered(
    real, unseen, photographs, make_recognizer, monkeypatch
):
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(photographs))

    def answered(share):
        recognizer = make_recognizer()
        recognizer.facts = {"recipe": {"answered": share, "rejected": 1.0}}
        return calibrate_recognizer(recognizer, unseen, real, photographs)["answered"]

    assert answered(0.5) == pytest.approx(0.5, abs=0.03) and answered(0.9) >= 0.9


class Strangers:
    """Photographs of which it is known what is answered, in place of pictures: no network looks."""

    def __init__(self, labels, answers, sure):
        """Takes labels, the answered labels, and the log-odds by which each was preferred."""
        logits = torch.zeros(len(labels), 36)
        logits[torch.arange(len(labels)), torch.tensor(answers)] = torch.tensor(sure)
        self.labels, self.log_probs = list(labels), logits.log_softmax(dim=1)
        self.image_files = [f"{SIGNS[label]}/{i}.jpg" for i, label in enumerate(labels)]


@pytest.fixture
def calibrated(unseen, real, photographs, make_recognizer, monkeypatch):
    """Calibrates with strangers: in the studio all is right and sure; nothing else is a hand."""

    def studio(recognizers, images, photographs=None, recipe=None):
        logits = 12.0 * torch.nn.functional.one_hot(torch.tensor(real.labels), 36)
        return Unseen(logits.log_softmax(dim=1), torch.full((60,), 40.0), list(range(60)))

    monkeypatch.setattr(calibrate, "answer_unseen", studio)
    monkeypatch.setattr(calibrate, "fit_temperature", lambda log_probs, labels: 1.0)
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(photographs))
    monkeypatch.setattr(
        calibrate,
        "answer_unseen_source",
        lambda recognizers, name, of: (of.log_probs, torch.full((len(of.labels),), 40.0)),
    )
    monkeypatch.setattr(
        calibrate,
        "finder_evidence",
        lambda finder, images: torch.full((len(images),), -9.0 if len(images) == 3 else 40.0),
    )

    def run(*sources, **recipe):
        recognizer = make_recognizer()
        recognizer.finder.register_forward_hook(
            lambda _, inputs, output: (output[0], output[1] - 9)
        )
        recognizer.facts = {"recipe": recipe}
        named = {str(i): source for i, source in enumerate(sources)}
        return recognizer, calibrate_recognizer(recognizer, unseen, real, photographs, named)

    return run


LETTERS = [10 + i % 20 for i in range(100)]


def test_the_threshold_is_raised_until_enough_answers_to_strangers_are_right(calibrated):
    # The less sure, the more often wrong: 60 right ones, then every second one is.
    wrong = [i >= 60 and i % 2 == 0 for i in range(100)]
    answers = [35 if bad else label for bad, label in zip(wrong, LETTERS, strict=True)]
    strangers = Strangers(LETTERS, answers, [9 - i / 15 for i in range(100)])
    first, second = (
        Strangers(LETTERS[part], answers[part], [9 - i / 15 for i in range(100)[part]])
        for part in (slice(0, 100, 2), slice(1, 100, 2))
    )
    for sources in ([strangers], [first, second]):
        recognizer, found = calibrated(*sources, right=0.9)
        assert found["right elsewhere"] >= 0.9 and recognizer.threshold == found["threshold"]
        # Of 74, the first 60 and half of the others. Of 75, one more is wrong, and more from there.
        assert found["answered elsewhere"] == pytest.approx(0.74)
        assert found["right elsewhere"] == pytest.approx(67 / 74)
    _, strict = calibrated(strangers, right=1.0)
    assert strict["right elsewhere"] == 1 and strict["answered elsewhere"] == 0.6
    assert strict["threshold"] > found["threshold"]
    _, lax = calibrated(strangers, right=0.5)
    assert lax["answered elsewhere"] == 1 and lax["threshold"] < found["threshold"]
    _, none = calibrated()
    assert lax["threshold"] == none["threshold"]  # not raised without need


def test_answers_that_are_equally_sure_are_let_through_together_or_not_at_all(calibrated):
    labels, answers = [10] * 50 + [11] * 50, [10] * 100
    _, found = calibrated(Strangers(labels, answers, [6.0] * 100), right=0.9)
    assert found["threshold"] == 1 and found["answered elsewhere"] == 0
    assert found["right elsewhere"] is None  # of no answers
    _, found = calibrated(Strangers(labels, answers, [9.0] * 50 + [6.0] * 50), right=0.9)
    assert (found["answered elsewhere"], found["right elsewhere"]) == (0.5, 1)


def test_among_strangers_f_may_be_signed_as_9(calibrated):
    nine, f = SIGNS.index("9"), SIGNS.index("f")
    assert "9 or f" in ANSWERS
    strangers = Strangers([f] * 20, [nine] * 20, [6.0] * 20)
    _, found = calibrated(strangers, right=1.0)
    assert (found["answered elsewhere"], found["right elsewhere"]) == (1, 1)


def test_the_temperature_fits_strangers_too(real, unseen, photographs, calibrated, monkeypatch):
    seen = []
    monkeypatch.setattr(calibrate, "fit_temperature", lambda *parts: seen.append(parts) or 2.0)
    strangers = Strangers(LETTERS, LETTERS, [9.0] * 100)
    recognizer, found = calibrated(strangers)
    ((answers, labels),) = seen
    assert recognizer.temperature == found["temperature"] == 2
    assert answers.shape == (60 + 60 + 100, 32) and len(labels) == 220
    assert [ANSWERS[label].split(" or ")[0] for label in labels[-100:]] == [
        {"f": "9", "o": "0", "v": "2", "w": "6"}.get(SIGNS[label], SIGNS[label])
        for label in LETTERS
    ]
    assert (answers.argmax(dim=1) == labels).all()


def test_sources_are_read_from_their_files(
    people, real, unseen, photographs, make_recognizer, monkeypatch
):
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(photographs))
    recognizer = make_recognizer()
    recognizer.facts = {"recipe": {"right": 0.0}}
    some = {"people": ASLDataset(people, image_size=8, progress=False)}  # its size does not count
    found = calibrate_recognizer(recognizer, unseen, real, photographs, some)
    assert found["answered elsewhere"] == pytest.approx(found["answered"], abs=0.2)
    for other in unseen:
        other.facts["photographs"] = {"people": 60}
    with pytest.raises(ValueError, match="without the photographs 'people'"):
        calibrate_recognizer(make_recognizer(), unseen, real, photographs, some)


def test_evidence_that_is_refused_leaves_the_recogniser_as_it_was(
    real, unseen, photographs, make_recognizer, monkeypatch
):
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(photographs))
    monkeypatch.setattr(calibrate, "fit_evidence", lambda *_: fit_evidence(*-torch.eye(2)))
    recognizer = make_recognizer()
    vote = recognizer.finder.vote.weight.clone()
    with pytest.raises(ValueError, match="expected more evidence"):
        calibrate_recognizer(recognizer, unseen, real, photographs)
    assert (recognizer.temperature, recognizer.threshold) == (1, 0)
    assert recognizer.finder.vote.weight.equal(vote)


def test_the_finder_is_calibrated_by_its_own_evidence_and_the_others_read_with_it(
    real, unseen, photographs, make_recognizer, monkeypatch
):
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(photographs))
    recognizer, readers = make_recognizer(), []
    before = finder_evidence(recognizer.finder, real.image_files)

    def answer(recognizers, *arguments):
        readers.extend(recognizers)
        return answer_unseen(recognizers, *arguments)

    monkeypatch.setattr(calibrate, "answer_unseen", answer)
    found = calibrate_recognizer(recognizer, unseen, real, photographs)
    after = finder_evidence(recognizer.finder, real.image_files)
    expected = found["evidence_scale"] * before + found["evidence_shift"]
    torch.testing.assert_close(after, expected, atol=1e-3, rtol=1e-3)
    assert all(reader.finder is recognizer.finder for reader in readers)
    assert all(other.finder is not recognizer.finder for other in unseen)


def test_what_is_calibrated_is_not_calibrated_again(
    real, unseen, photographs, make_recognizer, monkeypatch
):
    monkeypatch.setattr(calibrate, "pictures_without_hands", lambda *_, **__: list(photographs))
    recognizer = make_recognizer()
    calibrate_recognizer(recognizer, unseen, real, photographs)
    vote = recognizer.finder.vote.weight.clone()
    twice = "not calibrated, found one of the temperature .* Calibrate the weights from before"
    with pytest.raises(ValueError, match=twice):
        calibrate_recognizer(recognizer, unseen, real, photographs)
    assert recognizer.finder.vote.weight.equal(vote)
    # Nor may those be that answer for the unseen: their evidence would count as raw.
    recognizer.facts = {"left_out": [1]}
    with pytest.raises(ValueError, match=twice):
        calibrate_recognizer(make_recognizer(), [recognizer, *unseen[1:]], real, photographs)
