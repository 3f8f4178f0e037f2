import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from asl import SIGNS, Recognizer
from asl.commands import recognizer as recognizer_commands

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


def test_predict_reads_pictures_and_scores_folders(people, run, weights):
    picture = people / "a" / "hand1_a_dif_seg_1_cropped.png"
    status, out, _ = run("predict", picture, "--weights", weights, "--top", 2)
    assert status == 0 and len(out.splitlines()) == 1 and out.count("%") == 2
    status, out, _ = run("predict", people, "--weights", weights, "--json")
    result = json.loads(out)
    assert status == 0 and len(result["answers"]) == 60
    scores = result["scores"][str(people)]
    assert scores["images"] == 60 and scores["within its signs"] >= scores["36 labels"]
    text = run("predict", people, "--weights", weights)[1]
    assert f"within its signs {scores['within its signs']}" in text.splitlines()[-1]
    answers = json.loads(run("predict", people / "a", "--weights", weights, "--json")[1])
    assert len(answers["answers"]) == 30 and answers["scores"] == {}


def test_predict_deals_out_pictures_to_processes(people, run, run_in_processes, weights):
    (people / "a" / "broken.png").write_bytes(b"no picture")
    options = ("predict", people, "--weights", weights, "--json")
    expected = json.loads(run(*options)[1])
    status, out, messages = run_in_processes(2, *options)
    assert status == 1 and messages.count("error: ") == 1  # torchrun's own status
    found = json.loads(out)
    assert list(found["answers"]) == list(expected["answers"])  # in order
    for name, answers in found["answers"].items():
        shapes, probabilities = zip(*answers, strict=True)
        expected_shapes, close_to = zip(*expected["answers"][name], strict=True)
        assert shapes == expected_shapes and probabilities == pytest.approx(close_to, abs=1e-4)
    for part in ("scores", "unreadable"):
        assert found[part] == expected[part]


def test_predict_draws_a_gallery(people, run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr("asl.commands.recognizer._IN_GALLERY", 7)
    drawn = tmp_path / "new" / "gallery.png"
    status, out, _ = run("predict", people, "--weights", weights, "--gallery", drawn)
    assert status == 0 and out.splitlines()[-1] == f"{drawn}: 7 of 60 pictures"
    with Image.open(drawn) as picture:
        assert picture.width > 600


def test_predict_says_when_no_sign_is_confident(people, run, tmp_path):
    unsure = Recognizer.create(image_size=32)
    unsure.threshold = 1.0
    unsure.save(tmp_path / "unsure")
    picture = people / "a" / "hand1_a_dif_seg_1_cropped.png"
    out = run("predict", picture, "--weights", tmp_path / "unsure")[1]
    assert "no confident sign (perhaps " in out


def test_predict_answers_the_readable_pictures_and_names_the_others(people, run, weights):
    (people / "a" / "broken.png").write_bytes(b"no picture")
    status, out, err = run("predict", people, "nowhere.png", "--weights", weights, "--json")
    result = json.loads(out)
    assert status == 2 and len(result["answers"]) == 60
    assert {path.split("/")[-1] for path in result["unreadable"]} == {"broken.png", "nowhere.png"}
    assert err.count("error: ") == 2 and "broken.png" in err


def test_predict_answers_beside_files_that_do_harm(people, run, weights, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (people / "a" / "hand1_a_dif_seg_1_cropped.png").rename(folder / "good.png")
    Image.new("L", (65_535, 1)).save(folder / "strip.png")
    (tmp_path / "empty").mkdir()
    status, out, err = run("predict", folder, tmp_path / "empty", "--weights", weights)
    assert status == 2 and out.startswith(f"{folder}/good.png: ") and out.count("\n") == 1
    strip, empty = err.splitlines()
    assert strip.startswith(f"error: cannot read '{folder}/strip.png' as an image: 65535x1 pixels")
    assert empty.startswith("error: expected pictures")


def test_predict_names_a_folder_that_may_not_be_read(people, run, weights, monkeypatch):
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != people / "a" and access(path, mode)
    )
    status, out, err = run("predict", people, "--weights", weights, "--json")
    assert status == 2 and len(json.loads(out)["answers"]) == 30
    assert err == f"error: cannot read '{people}/a': a folder that may not be read\n"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    status, out, err = run("predict", people, "--weights", weights)
    assert status == 2 and err == f"error: the folder '{people}' may not be read\n"


def test_predict_shows_names_without_what_a_terminal_obeys(people, run, weights):
    folder, name = people / "a", "\x1b[2J\nx.png"
    try:
        (folder / "hand1_a_dif_seg_1_cropped.png").rename(folder / name)
        (folder / f"broken {name}").write_text("no picture")
    except OSError:  # Windows
        pytest.skip("no such names here")
    status, out, err = run("predict", folder, "--weights", weights)
    assert status == 2 and "\x1b" not in out + err
    assert r"\x1b[2J\nx.png: " in out and r"broken \x1b[2J\nx.png' as an image" in err
    assert len(out.splitlines()) == 30 and len(err.splitlines()) == 1


def test_predict_counts_what_is_no_number_as_wrong(people, run, weights, monkeypatch):
    look = Recognizer.look

    def right_but_once(self, pictures, top=3):
        seen = look(self, pictures, top)
        for i, picture in enumerate(pictures):
            answer = torch.full((36,), -torch.inf)
            answer[SIGNS.index(picture.parent.name)] = 0
            seen[i] = replace(seen[i], log_probs=answer.log_softmax(0), answers=[("a", 1.0)])
        # As far as argmax goes, nan is the first label. So the first picture is of that label.
        nothing = torch.full((36,), torch.nan)
        seen[0] = replace(seen[0], log_probs=nothing, answers=[(None, 1.0)])
        seen[1] = replace(seen[1], hand=torch.nan, answers=[(None, 1.0)])
        return seen

    (people / "a").rename(people / "0")
    monkeypatch.setattr(Recognizer, "look", right_but_once)
    out = run("predict", people, "--weights", weights, "--json")[1]
    assert json.loads(out)["scores"][str(people)] == {
        "images": 60,
        "no number, counted as wrong": 2,
        "36 labels": 96.7,
        "33 shapes": 96.7,
        "within its signs": 96.7,
        "answered": 96.7,
    }
    out = run("predict", people, "--weights", weights)[1]
    assert "images 60, no number, counted as wrong 2, 36 labels 96.7" in out.splitlines()[-1]


def link(place, target):
    try:
        place.symlink_to(target)
    except OSError:  # Windows asks for a right
        pytest.skip("no symbolic links here")


def test_predict_follows_links_that_lead_out_of_a_folder_on_request_only(
    people, run, weights, tmp_path_factory
):
    outside = tmp_path_factory.mktemp("outside")
    Image.new("RGB", (8, 8)).save(outside / "secret.png")
    link(people / "a" / "out.png", outside / "secret.png")
    link(people / "a" / "in.png", people / "b" / "hand1_b_dif_seg_1_cropped.png")
    status, out, err = run("predict", people, "--weights", weights, "--json")
    result = json.loads(out)
    assert status == 0 and len(result["answers"]) == 61
    assert result["left_out"] == [str(people / "a" / "out.png")]
    assert err == (
        f"left out 1 link(s) that lead out of '{people}', which --follow-links follows: a/out.png\n"
    )
    status, out, err = run("predict", people, "--weights", weights, "--json", "--follow-links")
    assert len(json.loads(out)["answers"]) == 62 and err == ""
    for place in ("link.png", "link"):  # what is named itself may be a link
        link(outside / place, people / "a" / "in.png" if "." in place else people)
        out = run("predict", outside / place, "--weights", weights, "--json")[1]
        assert len(json.loads(out)["answers"]) == (1 if "." in place else 61)


def test_predict_says_why_a_folder_of_links_holds_nothing(people, run, weights, tmp_path):
    (tmp_path / "links").mkdir()
    link(tmp_path / "links" / "x.png", people / "a" / "hand1_a_dif_seg_1_cropped.png")
    status, _, err = run("predict", tmp_path / "links", "--weights", weights)
    assert status == 2 and "found none; left out 1 link(s)" in err and "links/x.png" in err


def test_predict_names_the_files_that_it_does_not_read(people, run, weights):
    (people / "b").rename(people / "B")
    (people / "B" / "notes.txt").touch()
    status, out, err = run("predict", people, "--weights", weights, "--json")
    result = json.loads(out)
    assert status == 0 and "left out 1 file(s) that are not images (.txt): B/notes.txt" in err
    assert result["left_out"] == [str(people / "B" / "notes.txt")]
    assert result["scores"][str(people)]["images"] == 60


def test_predict_says_plainly_that_there_is_no_such_file(run, weights):
    status, _, err = run("predict", "nothere.jpg", "--weights", weights)
    assert status == 2 and err == "error: expected a picture at 'nothere.jpg', found no such file\n"


def test_predict_wants_pictures_in_a_folder(run, weights, tmp_path):
    status, _, err = run("predict", tmp_path / "here", "--weights", weights)
    assert status == 2 and "expected pictures (.png, .jpg, .jpeg," in err
    status, _, err = run("predict", tmp_path, "--weights", tmp_path / "none")
    assert status == 2 and "expected a file of weights at" in err


def test_export(run, weights, tmp_path, monkeypatch):
    called = []

    def write(recognizer, folder, format):
        called.append((recognizer.image_size, format))
        return folder / f"recognizer.{format}"

    monkeypatch.setattr(recognizer_commands, "export_recognizer", write)
    status, out, _ = run("export", tmp_path, "--weights", weights)
    file = str(tmp_path / "recognizer.pt2")
    assert status == 0 and called == [(32, "pt2")] and out == f"written and checked: {file}\n"
    out = run("export", tmp_path, "--weights", weights, "--format", "onnx", "--json")[1]
    assert json.loads(out) == {"file": str(tmp_path / "recognizer.onnx")} and len(called) == 2
