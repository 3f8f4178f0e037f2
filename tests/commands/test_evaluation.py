import json
import re

import pytest

from asl.commands.evaluation import _table

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


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
    assert [line.split()[0] for line in out.splitlines()[1:3]] == ["nearest", "mlp"]
    assert "36 labels" in out.splitlines()[0] and "calibrated" in out.splitlines()[0]
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


def test_audit_prints_the_first_rows_and_writes_them(people, run, tmp_path):
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


def test_audit_shows_names_without_what_a_terminal_obeys(people, run):
    for path in list((people / "a").iterdir()):
        try:
            path.rename(people / "a" / f"{path.stem}_\x1b[2J\n.png")
        except OSError:  # Windows
            pytest.skip("no such names here")
    arguments = ["audit", "--data", people, "--model", "nearest", "--seeds", 1, "--top", 60]
    status, out, err = run(*arguments)
    assert status == 0 and "\x1b" not in out + err
    assert out.count(r"_cropped_\x1b[2J\n.png") == 30 and len(out.splitlines()) == 61
    ranked = json.loads(run(*arguments, "--json")[1])["ranked"]
    assert all((people / row["file"]).is_file() for row in ranked)  # as they are


def test_leakage_of_a_split_and_of_two_folders(people, run):
    status, out, _ = run("leakage", "--data", people, "--split", "signer", "--test-signer", 1)
    assert status == 0 and "signers in both parts: none" in out
    found = json.loads(run("leakage", "--train", people, "--test", people, "--json")[1])
    assert found["identical"] == found["test_images"] == 60


def test_the_setting_says_whether_labels_were_corrected(people, run):
    arguments = ["evaluate", "--data", people, "--models", "nearest", "--json"]
    assert json.loads(run(*arguments)[1])["setting"]["corrected"] is False
    with pytest.warns(UserWarning, match="corrected=True changed nothing"):
        setting = json.loads(run(*arguments, "--corrected")[1])["setting"]
    assert setting["corrected"] is True


def test_the_table_has_a_row_for_each_model_in_percent():
    def share(mean, sd=None):
        return {"mean": mean, "sd": sd}

    shapes = {
        "accuracy": share(0.75, 0.01),
        "signer_mean": share(0.7),
        "worst_signer": {**share(0.5, 0.02), "signer": 3, "n": 20},
        "ece": share(0.1),
        "ece_calibrated": share(0.025),
    }
    unnamed = {"accuracy": share(1), "ece": share(0)}  # no signers known, not calibrated
    models = {
        "cnn": {"labels_36": {"accuracy": share(0.8126, 0.0104)}, "shapes_33": shapes},
        "mlp": {"labels_36": {"accuracy": share(0.9)}, "shapes_33": unnamed},
    }
    head, *rows, note = (re.split(r" {2,}", line.strip()) for line in _table(models).splitlines())
    assert head == [
        "36 labels",
        "33 shapes",
        "mean of signers",
        "worst signer",
        "calibration error",
        "calibrated",
    ]
    worst = "50.0 ± 2.0 (signer 3, n = 20)"
    assert rows == [
        ["cnn", "81.3 ± 1.0", "75.0 ± 1.0", "70.0", worst, "10.0", "2.5"],
        ["mlp", "90.0", "100.0", "-", "-", "0.0", "-"],
    ]
    assert note == ["in percent; all columns but the first are for 33 shapes"]


def test_processes_deal_out_the_folds(people, run_in_processes, tmp_path):
    options = ("evaluate", "--data", people, "--models", "nearest", "mlp", "--epochs", 1, "--json")
    found = {}
    for count in (1, 2):
        written = tmp_path / f"{count}.json"
        status, out, messages = run_in_processes(
            count, *options, "--resume-dir", tmp_path / f"folds {count}", "--output", written
        )
        assert status == 0, messages
        found[count] = json.loads(out)  # printed once
        assert json.loads(written.read_text()) == found[count]
    assert found[2]["setting"]["processes"] == 2
    assert found[1]["models"] == found[2]["models"]
    kept = [sorted(p.name for p in (tmp_path / f"folds {count}").iterdir()) for count in (1, 2)]
    assert kept[0] == kept[1] and len(kept[0]) == 6  # three signers, two models
