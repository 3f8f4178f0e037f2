"""The page's JavaScript does what Python does: the same vectors in, the same letters out."""

import json
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[1] / "live" / "vectors.json"
SPELL = """async ({ frames }) => {
    const facts = await (await fetch("recognizer.json")).json();
    const { nothing, press, watch } = await import("./spelling.js");
    const confidence = (shares) => facts.answers.map((_, i) => shares[i] ?? 0);
    let state = nothing;
    const [texts, progress] = [[], []];
    for (const [time, shares] of frames) {
        state = watch(state, time, confidence(shares), facts);
        texts.push(state.text);
        progress.push(state.progress);
    }
    const keys = ["space", "backspace", "clear"].map((key) => [key, press(state, key).text]);
    return { texts, progress, keys: Object.fromEntries(keys) };
}"""
PRACTISE = """async ({ word, frames }) => {
    const facts = await (await fetch("recognizer.json")).json();
    const { check, letterOf, practise } = await import("./practice.js");
    const confidence = (shares) => facts.answers.map((_, i) => shares[i] ?? 0);
    facts.practice = RULES;
    let state = practise(word, facts);
    const letters = [];
    for (const [time, shares] of frames) {
        state = check(state, time, confidence(shares), facts);
        letters.push(letterOf(state));
    }
    return { letters, times: state.times };
}"""
TAUGHT = """async (taught) => {
    const facts = await (await fetch("recognizer.json")).json();
    const { lessonOf, taughtAnswers } = await import("./taught.js");
    facts.teaching = { ...taught.prior, lowest: facts.teaching.lowest };
    const lesson = lessonOf(taught.shots, facts);
    const answers = taught.log_probs.map((log_probs, i) =>
        taughtAnswers({ log_probs, confidence: taught.untaught[i], hand: 1 }, lesson, facts));
    const { floors, temperature } = lesson;
    return { floors, temperature, answers };
}"""


@pytest.fixture(scope="module")
def vectors():
    return json.loads(VECTORS.read_text(encoding="utf-8"))


def test_spelling(vectors, server, open_page):
    page = open_page(server.address, camera="none")
    for case in vectors["spelling"]:
        found = page.evaluate(SPELL, case)
        assert found["texts"] == case["texts"] and found["keys"] == case["keys"]
        assert found["progress"] == pytest.approx(case["progress"], abs=1e-5)


def test_practice(vectors, server, open_page):
    page = open_page(server.address, camera="none")
    rules = json.dumps(vectors["rules"]["practice"])
    for case in vectors["practice"]:
        found = page.evaluate(PRACTISE.replace("RULES", rules), case)
        assert found["letters"] == case["letters"]
        assert found["times"] == pytest.approx(case["times"], abs=1e-5)


def test_what_is_taught(vectors, server, open_page):
    page = open_page(server.address, camera="none")
    case = vectors["taught"]
    found = page.evaluate(TAUGHT, case)
    assert found["temperature"] == pytest.approx(case["lesson"]["temperature"])
    assert found["floors"] == pytest.approx(case["lesson"]["floors"], abs=1e-5)
    for ours, theirs in zip(found["answers"], case["answers"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)
