import math
from dataclasses import asdict

import pytest
import torch
from PIL import Image

from asl import SIGNS, Recognizer, denormalize
from asl.recognizer.hand_files import load_hand, save_hand
from asl.recognizer.teaching import Hand, Prior, Strength, learn
from asl.tensor_files import HAND, RECOGNIZER, read_tensors, write_tensors

PRIOR = Prior.default()


def read_as(sign):
    """Returns the answer (1, 36) of a reader who takes a hand for a sign."""
    logits = torch.zeros(1, 36)
    logits[:, SIGNS.index(sign)] = 4
    return logits.log_softmax(dim=1)


@pytest.fixture
def recognizer(make_recognizer):
    """Takes red for "n", with some "t" the more blue there is, and black for no hand."""
    recognizer = make_recognizer(view=64)

    def find(finder, inputs, _):
        light = denormalize(inputs[0]).amax(dim=(1, 2, 3)) > 0.3
        boxes = torch.tensor([0.0, 0.0, 1.0]).repeat(len(light), 1)
        evidence = (20 * light.float() - 10)[:, None, None].expand(-1, 8, 8)
        return boxes[:, :, None, None].expand(-1, -1, 8, 8), evidence

    def read(classifier, inputs, _):
        red, _, blue = denormalize(inputs[0]).flatten(2).mean(dim=2).T
        logits = torch.zeros(len(red), 36)
        logits[:, SIGNS.index("n")], logits[:, SIGNS.index("t")] = 5 * red, 5 * blue
        return logits.log_softmax(dim=1)

    recognizer.finder.register_forward_hook(find)
    recognizer.classifier.register_forward_hook(read)
    return recognizer


def coloured(red, blue=0):
    return Image.new("RGB", (50, 50), (red, 0, blue))


N, T, NOTHING = coloured(250), coloured(250, 220), coloured(0)


def test_a_recogniser_is_taught_and_the_one_before_stays(recognizer):
    assert recognizer(T, top=1)[0][0] == "n"
    taught = recognizer.taught({"T": T, "n": [N]})
    assert taught.hand.signs == ("n", "t")
    assert taught([T, N, coloured(240, 205)], top=1)[0][0][0] == "t"
    assert [a[0][0] for a in taught([T, N, coloured(240, 210)], top=1)] == ["t", "n", "t"]
    (sight,) = taught.look([T])
    assert sight.answers[0][0] == "t" and sight.log_probs.argmax() == SIGNS.index("n")
    assert recognizer.hand is None and recognizer(T, top=1)[0][0] == "n"
    assert taught(NOTHING, top=32)[0][1] < 0.01
    # Letter by letter: what was taught before stays.
    more = recognizer.taught({"t": T}).taught({"n": N})
    torch.testing.assert_close(asdict(more.hand), asdict(taught.hand))


def test_photos_without_a_hand_are_named(recognizer, tmp_path):
    NOTHING.save(tmp_path / "black.png")
    T.save(tmp_path / "t.png")
    paths = [str(tmp_path / "t.png"), tmp_path / "black.png"]
    with pytest.warns(
        UserWarning, match=r"no hand is found in '.*black.png' of 't', photo 1 of 'n'"
    ):
        taught = recognizer.taught({"t": paths, "n": [NOTHING, N]})
    assert taught.hand.counts.sum() == 2
    with pytest.raises(ValueError, match="a hand in a photo of 'a', found none in photo 1 of 'a'"):
        recognizer.taught({"t": T, "a": NOTHING})


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        ({}, "expected photos by sign"),
        ([T], "expected photos by sign"),
        ({"ß": T}, "expected signs of 0-9, a-z, found 'ß'"),
        ({3.5: T}, "expected signs of 0-9, a-z, found 3.5"),
        ({"a": T, "A": T}, "each sign once, found 'a' twice"),
        ({"a": []}, "at least one photo of 'a', found none"),
    ],
)
def test_what_is_no_table_of_photos_is_refused(recognizer, photos, message):
    with pytest.raises(ValueError, match=message):
        recognizer.taught(photos)


def test_a_hand_is_kept_in_a_file_of_its_own(recognizer, tmp_path):
    taught = recognizer.taught({"t": T, "n": N})
    taught.save(tmp_path / "w.safetensors")
    taught.save_hand(tmp_path / "hand.safetensors")
    assert Recognizer.load(tmp_path / "w.safetensors").hand is None  # it is personal
    with pytest.raises(ValueError, match="taught to another"):
        Recognizer.load(hand=tmp_path / "hand.safetensors")
    with pytest.raises(ValueError, match="expected a recogniser that was taught"):
        recognizer.save_hand(tmp_path / "none.safetensors")


def test_a_recogniser_with_a_hand_answers_as_the_one_that_was_taught(make_recognizer, tmp_path):
    recognizer = make_recognizer(view=128)
    recognizer.prior = Prior(
        torch.eye(36) + 0.1 * torch.randn(36, 36), PRIOR.directions, Strength(0.5, 9.0, 0.2, 1.5)
    )
    recognizer.hand = learn(Hand.untaught(), "b", read_as("c"), recognizer.prior)
    recognizer.save(tmp_path / "w.safetensors")
    recognizer.save_hand(tmp_path / "hand.safetensors")
    loaded = Recognizer.load(tmp_path / "w.safetensors", hand=tmp_path / "hand.safetensors")
    assert loaded.prior.strength == recognizer.prior.strength
    log_probs, evidence = torch.randn(5, 36).log_softmax(dim=1), torch.randn(5)
    torch.testing.assert_close(
        loaded.confidence(log_probs, evidence), recognizer.confidence(log_probs, evidence)
    )
    other = make_recognizer(seed=1, view=128)
    other.save(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="hand.safetensors' holds no hand .* another recogniser"):
        Recognizer.load(tmp_path / "other.safetensors", hand=tmp_path / "hand.safetensors")


def test_weights_from_before_there_was_teaching_are_read(make_recognizer, tmp_path):
    make_recognizer(view=128).save(tmp_path / "w.safetensors")
    tensors, facts = read_tensors(tmp_path / "w.safetensors", format=RECOGNIZER)
    old = {name: t for name, t in tensors.items() if not name.startswith("teaching.")}
    without = {name: fact for name, fact in facts.items() if name != "teaching"}
    write_tensors(tmp_path / "old.safetensors", old, without, format=RECOGNIZER)
    loaded = Recognizer.load(tmp_path / "old.safetensors")
    torch.testing.assert_close(loaded.prior.directions, PRIOR.directions)
    for change, message in (
        ({"teaching": None}, "expected teaching with weight, gain, floor, temperature"),
        ({"teaching": PRIOR.strength._asdict() | {"gain": math.nan}}, "expected gain from 0"),
        ({"teaching": PRIOR.strength._asdict() | {"temperature": 0}}, "expected a temperature"),
    ):
        write_tensors(tmp_path / "bad.safetensors", tensors, facts | change, format=RECOGNIZER)
        with pytest.raises(ValueError, match=f"no recogniser of this version: {message}"):
            Recognizer.load(tmp_path / "bad.safetensors")
    half = {n: t for n, t in tensors.items() if n != "teaching.whitening"}
    write_tensors(tmp_path / "bad.safetensors", half, facts, format=RECOGNIZER)
    with pytest.raises(ValueError, match="expected a tensor 'teaching.whitening', found none"):
        Recognizer.load(tmp_path / "bad.safetensors")


HAND_OF_ONE = learn(Hand.untaught(), "a", read_as("a"), PRIOR)
GOOD = {"recognizer": "0123", "signs": list(SIGNS)}
WRONG = {
    "nan": ({"sums": torch.full((36, 36), math.nan)}, {}, "finite weights, found nan"),
    "infinity": ({"counts": torch.full((36,), math.inf)}, {}, "found nan or infinity in counts"),
    "longer": ({"sums": 9 * HAND_OF_ONE.sums}, {}, "found longer ones"),
    "negative": ({"counts": -HAND_OF_ONE.counts}, {}, "found longer ones"),
    "shape": ({"counts": torch.ones(35)}, {}, r"expected counts of shape \(36,\)"),
    "more": ({"extra": torch.ones(1)}, {}, "found 'extra' beside them"),
    "other weights": ({}, {"recognizer": "4567"}, "taught to another recogniser, '4567'"),
    "no weights": ({}, {"recognizer": None}, "taught to another recogniser, None"),
    "other signs": ({}, {"signs": list("abc")}, "expected signs .*, found .'a', 'b', 'c'."),
}


@pytest.mark.parametrize("kind", WRONG)
def test_hands_that_are_refused(kind, tmp_path):
    tensors, facts, message = WRONG[kind]
    write_tensors(tmp_path / "h", asdict(HAND_OF_ONE) | tensors, GOOD | facts, format=HAND)
    with pytest.raises(ValueError, match=f"'.*h' holds no hand that can be used: .*{message}"):
        load_hand(tmp_path / "h", "0123")


def test_damaged_hands_are_refused(tmp_path):
    with pytest.raises(ValueError, match="finite weights, found nan or infinity in sums"):
        save_hand(Hand(torch.full((36, 36), math.nan), torch.ones(36)), tmp_path / "h", "0123")
    save_hand(HAND_OF_ONE, tmp_path / "h", "0123")
    assert load_hand(tmp_path / "h", "0123").signs == ("a",)
    content = (tmp_path / "h").read_bytes()
    for damaged in (content[:-7], content[:40], b"", content[:-1] + b"\x01"):
        (tmp_path / "h").write_bytes(damaged)
        with pytest.raises(ValueError, match="whole safetensors file|was changed"):
            load_hand(tmp_path / "h", "0123")
    with pytest.raises(FileNotFoundError):
        load_hand(tmp_path / "none", "0123")
    make_it_weights = tmp_path / "w"
    write_tensors(make_it_weights, asdict(HAND_OF_ONE), GOOD, format="asl-model 1")
    with pytest.raises(ValueError, match="expected format 'asl-hand 1', found 'asl-model 1'"):
        load_hand(make_it_weights, "0123")
