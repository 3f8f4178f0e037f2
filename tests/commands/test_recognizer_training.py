import json
import shutil

import pytest
import torch

from asl import Recognizer
from asl.commands import recognizer_training
from asl.recognizer import calibrate

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


@pytest.fixture
def short(people, monkeypatch):
    """Arguments of `train` that keep it short."""
    noise = torch.randint(0, 256, (2, 3, 40, 40)).byte()
    monkeypatch.setattr(recognizer_training, "load_photographs", lambda part: noise)
    monkeypatch.setattr(
        "asl.recognizer.calibrate.pictures_without_hands",
        lambda photographs, **_: list(photographs),
    )
    return ["--data", people, "--image-size", 32, "--epochs", 1, "--finder-epochs", 1]


def test_train_writes_weights_and_those_without_signers_and_sources_calibrate_them(
    people, run, short, tmp_path, monkeypatch
):
    # After so short a training, the finder's evidence tells no hands, which is refused.
    monkeypatch.setattr(calibrate, "fit_evidence", lambda hands, nothing: (2.0, 0.5))
    source = tmp_path / "letters"
    source.mkdir()
    for sign in "ab":  # of signer 1, in the place of photographs
        (source / sign).mkdir()
        for path in (people / sign).glob("hand1_*"):
            shutil.copy(path, source / sign / f"IMG_{path.stem[-12]}{path.suffix}")
    finder = tmp_path / "finder"
    status, out, _ = run("train", *short, "--finder-only", "--output", finder)
    assert status == 0
    common = [*short, "--finder", finder]
    unseen = []
    for signers, photographs in (([1, 3], []), ([2], ["--photographs", source])):
        unseen.append(tmp_path / f"without-{signers[0]}")
        left_out = ["--leave-out", *signers, *photographs]
        status, out, _ = run("train", *common, *left_out, "--output", unseen[-1])
        assert status == 0 and "left_out" in out
    second = Recognizer.load(unseen[1])
    count = sum(path.is_file() for path in source.rglob("*"))
    assert second.facts["left_out"] == [2] and second.facts["photographs"] == {"letters": count}
    assert Recognizer.load(unseen[0]).facts["photographs"] == {}
    everything = ["--photographs", source, "--output", tmp_path / "all"]
    assert run("train", *common, *everything)[0] == 0
    arguments = ["calibrate", tmp_path / "all", "--data", people, "--unseen", *unseen]
    arguments += ["--photographs", source]
    facts = json.loads(run(*arguments, "--output", tmp_path / "done", "--json")[1])
    assert facts["images"] == 60 and facts["left_out"] == []
    assert facts["photographs"] == {"letters": count}
    assert 0 <= facts["worst_signer_33_shapes"] <= facts["unseen_signers_33_shapes"] <= 1
    assert 0 <= facts["answered"] <= 1 and 0 <= facts["answered elsewhere"] <= 1
    assert facts["right elsewhere"] is None or facts["right elsewhere"] >= 0.93
    assert facts["unseen_signers"] == [1, 2, 3]
    loaded = Recognizer.load(tmp_path / "done")
    assert loaded.facts == facts and loaded.threshold == facts["threshold"]
    # All share the finder, whose last layer is rescaled when the recogniser is calibrated.
    ours = Recognizer.load(finder).finder
    for path in (unseen[0], tmp_path / "done"):
        theirs = Recognizer.load(path).finder.body().state_dict()
        for name, value in ours.body().state_dict().items():
            assert value.equal(theirs[name])
    scale, shift = facts["evidence_scale"], facts["evidence_shift"]
    expected = scale * ours.vote.bias[0] + shift
    assert loaded.finder.vote.bias[0].item() == pytest.approx(expected.item(), rel=0.01)
    arguments[1] = tmp_path / "done"
    status, _, err = run(*arguments, "--output", tmp_path / "twice")
    assert status == 2 and "not calibrated, found one of the temperature" in err
    assert not (tmp_path / "twice").exists()


def test_train_wants_signers_and_sources_that_can_be_told_apart(people, run, short, tmp_path):
    output = ["--output", tmp_path / "x"]
    status, _, err = run("train", *short, "--leave-out", 7, *output)
    assert status == 2 and "of the signers [1, 2, 3], found [7]" in err
    for folder in ("one", "two"):
        shutil.copytree(people / "a", tmp_path / folder / "photos" / "a")
    same = [tmp_path / "one" / "photos", tmp_path / "two" / "photos"]
    status, _, err = run("train", *short, "--photographs", *same, *output)
    assert status == 2 and "in folders of different names, found photos, photos" in err
    status, _, err = run("train", *short, "--photographs", tmp_path / "gone", *output)
    assert status == 2 and "gone" in err
    assert not (tmp_path / "x").exists()


def test_train_takes_no_finder_from_what_holds_none(run, short, tmp_path):
    (tmp_path / "text").write_text("no weights")
    for name, message in (("text", "text"), ("gone", "expected a file of weights at")):
        finder = ["--finder", tmp_path / name]
        status, _, err = run("train", *short, *finder, "--output", tmp_path / "x")
        assert status == 2 and message in err


@pytest.mark.parametrize(
    "facts", [{"left_out": 5}, {"left_out": [[1]]}, {"photographs": 5}, {"recipe": {"right": "x"}}]
)
def test_calibrate_takes_no_weights_that_say_what_cannot_be(facts, people, run, tmp_path):
    whole, wrong = (Recognizer.create("resnet", image_size=32) for _ in range(2))
    wrong.facts = {"left_out": [1], **facts}
    whole.save(tmp_path / "whole")
    wrong.save(tmp_path / "wrong")
    for first, second in (("whole", "wrong"), ("wrong", "whole")):
        arguments = ["calibrate", tmp_path / first, "--unseen", tmp_path / second, "--data", people]
        status, _, err = run(*arguments, "--output", tmp_path / "x")
        assert status == 2 and "wrong' cannot be used for a calibration: expected " in err
    assert not (tmp_path / "x").exists()


def test_weights_are_shown_without_what_a_terminal_obeys(tmp_path):
    recognizer = Recognizer.create("resnet", image_size=32)
    recognizer.facts = {"\x1b[31mred": "\x1b]0;title\x07", "list": ["\x1b"], "lines": "a\nb"}
    facts, text = recognizer_training._save(recognizer, tmp_path / "\x1b[2J")
    assert facts == recognizer.facts
    assert text.splitlines()[1:] == [
        r"\x1b[31mred: \x1b]0;title\x07",
        r"list: ['\x1b']",
        r"lines: a\nb",
    ]
    assert text.isascii() and "\x1b" not in text
