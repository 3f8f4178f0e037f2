"""The page's JavaScript does what Python does: the same vectors in, the same letters out."""

import json
from pathlib import Path

import pytest

from asl.live.page_files import page_facts

VECTORS = Path(__file__).with_name("vectors.json")
RUN = """
import { readFileSync } from "node:fs";
import { nothing, press, watch } from "./spelling.js";
import { check, letterOf, practise } from "./practice.js";
import { lessonOf, taughtAnswers } from "./taught.js";

const { facts, vectors } = JSON.parse(readFileSync(0, "utf8"));
Object.assign(facts, vectors.rules);
const confidence = (shares) => facts.answers.map((_, i) => shares[i] ?? 0);
const keys = ["space", "backspace", "clear"];

function spelled({ frames }) {
  let state = nothing;
  const [texts, progress] = [[], []];
  for (const [time, shares] of frames) {
    state = watch(state, time, confidence(shares), facts);
    texts.push(state.text);
    progress.push(state.progress);
  }
  const pressed = keys.map((key) => [key, press(state, key).text]);
  return { texts, progress, keys: Object.fromEntries(pressed) };
}

function practised({ word, frames }) {
  let state = practise(word, facts);
  const letters = [];
  for (const [time, shares] of frames) {
    state = check(state, time, confidence(shares), facts);
    letters.push(letterOf(state));
  }
  return { letters, times: state.times };
}

function taught({ prior, shots, log_probs, untaught }) {
  const known = { ...facts, teaching: { ...prior, lowest: facts.teaching.lowest } };
  const lesson = lessonOf(shots, known);
  const answers = log_probs.map((row, i) =>
    taughtAnswers({ log_probs: row, confidence: untaught[i], hand: 1 }, lesson, known));
  return { floors: lesson.floors, temperature: lesson.temperature, answers };
}

const found = {
  spelling: vectors.spelling.map(spelled),
  practice: vectors.practice.map(practised),
  taught: taught(vectors.taught),
};
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="module")
def vectors():
    return json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def found(vectors, recognizer, in_node):
    """What the page's modules make of the vectors."""
    return in_node(RUN, {"facts": page_facts(recognizer, "web"), "vectors": vectors})


def test_spelling(vectors, found):
    for case, ours in zip(vectors["spelling"], found["spelling"], strict=True):
        assert ours["texts"] == case["texts"] and ours["keys"] == case["keys"], case["name"]
        assert ours["progress"] == pytest.approx(case["progress"], abs=1e-5)


def test_practice(vectors, found):
    for case, ours in zip(vectors["practice"], found["practice"], strict=True):
        assert ours["letters"] == case["letters"], case["word"]
        assert ours["times"] == pytest.approx(case["times"], abs=1e-5)


def test_what_is_taught(vectors, found):
    case, ours = vectors["taught"], found["taught"]
    assert ours["temperature"] == pytest.approx(case["lesson"]["temperature"])
    assert ours["floors"] == pytest.approx(case["lesson"]["floors"], abs=1e-5)
    for answers, expected in zip(ours["answers"], case["answers"], strict=True):
        assert answers == pytest.approx(expected, abs=1e-5)
