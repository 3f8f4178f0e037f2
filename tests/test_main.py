import json

import pytest
import torch
from PIL import Image

from asl import Recognizer
from asl.__main__ import main
from asl.commands import recognizer as recognizer_commands

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs a command in an empty folder: exit status, standard output, standard error."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_evaluate_prints_a_table_and_writes_results(people, run, tmp_path):
    output = tmp_path / "result.json"
    arguments = [
        "evaluate",
        "--data",
        people,
        "--models",
        "nearest",
        "mlp",
        "--seeds",
        2,
        "--epochs",
        1,
        "--calibrate",
        "--output",
        output,
    ]
    status, out, _ = run(*arguments)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["model", "nearest", "mlp"]
    result = json.loads(output.read_text())
    assert result["setting"]["command"] == "python -m asl " + " ".join(map(str, arguments))
    assert result["setting"]["images"] == 60 and result["setting"]["epochs"] == 1
    assert list(result["models"]) == ["nearest", "mlp"]
    scores = result["models"]["mlp"]["shapes_33"]
    assert scores["worst_signer"]["n"] == 20 and "ece_calibrated" in scores
    assert f"{100 * scores['accuracy']['mean']:.1f} ±" in out


def test_evaluate_as_json_has_nothing_else_on_standard_output(people, run):
    status, out, err = run("evaluate", "--data", people, "--models", "nearest", "--json")
    assert status == 0 and "Images:" in err
    assert json.loads(out)["models"]["nearest"]["images"] == 60


def test_audit(people, run, tmp_path):
    output = tmp_path / "audit.json"
    arguments = ["audit", "--data", people, "--model", "nearest", "--seeds", 1, "--top", 3]
    status, out, _ = run(*arguments, "--output", output)
    assert status == 0 and len(out.splitlines()) == 4
    result = json.loads(output.read_text())
    assert result["setting"]["protocol"] == "burst"
    assert json.loads(run(*arguments, "--json")[1])["ranked"] == result["ranked"]
    assert len(result["ranked"]) == 3
    assert set(result["ranked"][0]) == {"file", "given", "suspected", "score"}
    assert (people / result["ranked"][0]["file"]).is_file()


def test_leakage_of_a_split_and_of_two_folders(people, run):
    status, out, _ = run("leakage", "--data", people, "--split", "signer", "--test-signer", 1)
    assert status == 0 and "signers in both parts: none" in out
    found = json.loads(run("leakage", "--train", people, "--test", people, "--json")[1])
    assert found["identical"] == found["test_images"] == 60


def test_compare_draws_a_picture(people, run, tmp_path):
    output = tmp_path / "new" / "picture.png"
    status, out, _ = run("compare", people, "--data", people, "--output", output)
    assert status == 0 and str(output) in out and output.stat().st_size > 1000


def test_synthesize_refuses_a_folder_with_something_in_it(people, run):
    status, _, err = run("synthesize", people)
    assert status == 2 and "is not empty" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "--data", "nowhere"], "there is no such folder"),
        (["leakage", "--train", "nowhere"], "--train nowhere, --test None"),
        (["leakage", "--train", "a", "--test", "b"], "there is no such folder"),
        (["synthesize", "new", "--signers", "0"], "at least 1 of signers, found 0"),
        (["synthesize", "new", "--signs", "ä"], "found 'ä'"),
    ],
)
def test_bad_input_is_one_message_and_status_2(arguments, words, run):
    status, out, err = run(*arguments)
    assert status == 2 and out == ""
    assert err.startswith("error: ") and words in err


@pytest.mark.parametrize("arguments", [["evaluate", "--seeds", "0"], ["audit", "--model", "x"], []])
def test_wrong_arguments(arguments, run, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)
    assert "usage: python -m asl" in capsys.readouterr().err


# --- the recogniser ------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path):
    """An untrained recogniser's weights."""
    torch.manual_seed(0)
    Recognizer.create(image_size=32).save(tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


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


def test_predict_draws_a_gallery(people, run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr("asl.commands.recognizer._IN_GALLERY", 7)
    drawn = tmp_path / "new" / "gallery.png"
    status, out, _ = run("predict", people, "--weights", weights, "--gallery", drawn)
    assert status == 0 and out.splitlines()[-1] == f"{drawn}: 7 of 60 pictures"
    with Image.open(drawn) as picture:
        assert picture.width > 600


def test_predict_says_when_no_sign_is_confident(people, run, tmp_path):
    unsure = Recognizer.create(image_size=32)
    unsure.threshold = 2.0
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


def test_predict_wants_pictures_in_a_folder(run, weights, tmp_path):
    status, _, err = run("predict", tmp_path / "here", "--weights", weights)
    assert status == 2 and "expected pictures (.png, .jpg, .jpeg) in the folder" in err
    status, _, err = run("predict", tmp_path, "--weights", tmp_path / "none")
    assert status == 2 and "expected a file of weights at" in err


def test_train_writes_weights_and_those_without_a_signer_calibrate_them(
    people, run, tmp_path, monkeypatch
):
    noise = torch.randint(0, 256, (2, 3, 40, 40)).byte()
    monkeypatch.setattr(recognizer_commands, "load_photographs", lambda part: noise)
    monkeypatch.setattr(
        "asl.recognizer.calibrate.pictures_without_hands",
        lambda photographs, **_: list(photographs),
    )
    common = ["--data", people, "--image-size", 32, "--epochs", 1, "--finder-epochs", 1]
    unseen = []
    for signer in (1, 2, 3):
        unseen.append(tmp_path / f"without-{signer}")
        status, out, _ = run("train", *common, "--leave-out", signer, "--output", unseen[-1])
        assert status == 0 and "left_out" in out
    assert Recognizer.load(unseen[1]).facts["left_out"] == [2]
    assert run("train", *common, "--output", tmp_path / "all")[0] == 0
    arguments = ["calibrate", tmp_path / "all", "--data", people, "--unseen", *unseen]
    facts = json.loads(run(*arguments, "--output", tmp_path / "done", "--json")[1])
    assert facts["images"] == 60 and facts["answered"] >= 0.95 and facts["left_out"] == []
    assert 0 <= facts["worst_signer_33_shapes"] <= facts["unseen_signers_33_shapes"] <= 1
    assert facts["unseen_signers"] == [1, 2, 3]
    loaded = Recognizer.load(tmp_path / "done")
    assert loaded.facts == facts and loaded.threshold == facts["threshold"]
    status, _, err = run("train", *common, "--leave-out", 7, "--output", tmp_path / "x")
    assert status == 2 and "of the signers [1, 2, 3], found [7]" in err


def test_export(run, weights, tmp_path, monkeypatch):
    called = []

    def write(recognizer, folder, format):
        called.append((recognizer.image_size, format))
        return [folder / "finder.pt2", folder / "classifier.pt2"]

    monkeypatch.setattr(recognizer_commands, "export_recognizer", write)
    status, out, _ = run("export", tmp_path, "--weights", weights)
    assert status == 0 and called == [(32, "pt2")] and str(tmp_path / "finder.pt2") in out
