"""What the page's JavaScript is tested on is what Python does."""

import importlib.util
import json
from pathlib import Path

import pytest

from asl import ANSWERS

SCRIPT = Path(__file__).with_name("make_vectors.py")


@pytest.fixture(scope="module")
def made():
    spec = importlib.util.spec_from_file_location("make_vectors", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return json.loads(json.dumps(module.make_vectors()))


def same(found, expected, where=""):
    """Asserts that two trees are the same but for the last digits of numbers."""
    if isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5), where
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key in expected:
            same(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for i, part in enumerate(expected):
            same(found[i], part, f"{where}[{i}]")
    else:
        assert found == expected, where


def test_the_file_is_what_python_does(made):
    same(made, json.loads(SCRIPT.with_name("vectors.json").read_text(encoding="utf-8")))


def test_the_vectors_show_what_they_are_named_after(made):
    texts = {case["name"]: case["texts"][-1] for case in made["spelling"]}
    assert texts == {"a word": "dog", "held": "l", "lost": "l"} | {
        "doubled": "ll",
        "too short": "",
        "a gap": "",
    }
    assert [len(case["times"]) for case in made["practice"]] == [3, 2, 0]
    taught = made["taught"]
    t = ANSWERS.index("t")
    assert taught["answers"][0][t] > taught["untaught"][0][t]
    assert all(abs(sum(row) - 1) < 1e-4 for row in taught["answers"])
