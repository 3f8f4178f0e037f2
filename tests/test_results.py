"""The README's and the data card's figures are the recorded ones."""

import json
import re
from pathlib import Path

import pytest

from asl import Recognizer
from asl.commands.evaluation import MODELS

ROOT = Path(__file__).parent.parent
PROTOCOLS = ("random", "burst", "signer")


def recorded(name):
    return json.loads((ROOT / "results" / f"{name}.json").read_text())


@pytest.fixture
def readme():
    return (ROOT / "README.md").read_text()


def cell(value):
    """A table's cell as the README writes it."""
    return f"{100 * value['mean']:.1f} ± {100 * value['sd']:.1f}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_same_recipe_was_used_for_each_protocol(protocol, readme):
    result = recorded(f"evaluate_{protocol}")
    setting = result["setting"]
    assert setting["protocol"] == protocol and not setting["corrected"]
    assert (setting["images"], setting["image_size"], setting["epochs"]) == (2515, 28, 10)
    assert f"--output results/evaluate_{protocol}.json" in setting["command"]
    assert setting["command"] in readme
    assert setting["torch"].split("+")[0] in readme
    assert list(result["models"]) == list(MODELS)
    assert all(scores["seeds"] == 5 for scores in result["models"].values())


@pytest.mark.parametrize("model", list(MODELS))
def test_readme_quotes_the_recorded_accuracies(model, readme):
    scores = {p: recorded(f"evaluate_{p}")["models"][model] for p in PROTOCOLS}
    cells = [cell(scores[p]["labels_36"]["accuracy"]) for p in PROTOCOLS]
    shapes = scores["signer"]["shapes_33"]
    cells += [cell(shapes["accuracy"]), cell(shapes["worst_signer"])]
    assert f"| {' | '.join(cells)} |" in readme


def test_readme_quotes_the_recorded_calibration(readme):
    shapes = recorded("evaluate_signer")["models"]["cnn"]["shapes_33"]
    before, after = (100 * shapes[key]["mean"] for key in ("ece", "ece_calibrated"))
    assert f"from {before:.1f} to {after:.1f} points" in readme


def test_the_data_card_quotes_the_audit():
    card = (ROOT / "asl_dataset" / "README.md").read_text()
    audit = recorded("audit")
    listed = re.findall(r"`(hand\d_\w+\.jpeg)`", card)
    assert audit["setting"]["command"] in card
    assert [Path(row["file"]).name for row in audit["ranked"]] == listed[:20]
    planted = recorded("planted_errors")
    assert planted["setting"]["command"] in card
    for name, methods in planted["share_found"].items():
        ours = methods["self-confidence (ours)"]
        theirs = max(row["mean"] for method, row in methods.items() if "cleanlab" in method)
        assert f"| {name} | {100 * ours['mean']:.0f} % | {100 * theirs:.0f} % |" in card


def test_readme_quotes_what_rendered_hands_are_worth(readme):
    result = recorded("rendered_signers")
    only, added = result["rendered hands only"], result["rendered hands added"]
    assert result["setting"]["command"] in readme
    assert f"reads {100 * only['CNN']['real images']:.1f} % of all real images" in readme
    assert f"{100 * only['CNN']['webcam photos, within their signs']:.1f} % of the webcam" in readme
    low, high = (100 * end for end in added["difference"]["interval"])
    gain = 100 * added["difference"]["mean"]
    assert f"{gain:+.1f} points (95 % interval {low:+.1f} to {high:+.1f})" in readme
    worst = [100 * added[name]["worst_signer"]["mean"] for name in ("without", "with")]
    assert "from {:.1f} to {:.1f} %".format(*worst) in readme


def test_readme_quotes_what_carries_over(readme):
    result = recorded("transfer")
    assert result["setting"]["command"] in readme
    sets = result["sets"]
    for name, found in sets.items():
        if name.startswith("without "):
            lookup, cnn = (
                100 * (sets["all"][model]["accuracy"] - found[model]["accuracy"])
                for model in ("1-nearest-neighbour", "CNN")
            )
            assert f"| {name[8:]} | {lookup:+.1f} | {cnn:+.1f} |" in readme
    assert f"the CNN falls to {100 * sets['none']['CNN']['accuracy']:.1f} %" in readme


def test_readme_quotes_the_recogniser(readme):
    result = recorded("recognizer")
    assert result["setting"]["command"] in readme
    unseen, photos = result["unseen signers"], result["photos from other cameras"]
    shapes = unseen["shapes_33"]
    worst = shapes["worst_signer"]
    for row in (
        f"| unseen signer, 33 shapes | {100 * shapes['accuracy']['mean']:.1f} | ",
        f"| its worst signer ({worst['signer']}) | {100 * worst['mean']:.1f} | {worst['n']} |",
        f"| {100 * unseen['labels_36']['accuracy']['mean']:.1f} | ",
        f"drop | {max(0.0, 100 * unseen['drop, mirrored (left hands)']):.1f} |",
        f"largest drop | {100 * max(unseen['drop, by tone of the Monk scale']):.1f} |",
        *(
            f"| {100 * found['within their signs']:.1f} | {found['photos']} |"
            for found in photos.values()
        ),
        f"no answer | {100 * result['pictures without hands turned away']:.1f} |",
        f"get one | {100 * result['shipped']['answered']:.1f} |",
    ):
        assert row in readme


def test_the_recorded_recogniser_is_the_one_that_ships():
    assert recorded("recognizer")["shipped"] == Recognizer.load().facts
