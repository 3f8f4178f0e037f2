"""Whatever can be pressed on the page has a key: it is written there, and does the same."""

from html.parser import HTMLParser

import pytest

from asl.live.page_files import PAGE, page_facts

# As much of a page as `hand_view.js` needs, an engine that remembers, and keys in turn.
RUN = """
import { readFileSync } from "node:fs";

class Element {
  listeners = {};
  clicks = 0;
  setAttribute() {}
  append() {}
  addEventListener(name, does) { this.listeners[name] = does; }
  click(detail = 0) { this.clicks++; return this.listeners.click?.({ detail }); }
}
const elements = {};
globalThis.document = {
  getElementById: (id) => (elements[id] ??= new Element()),
  createElement: () => new Element(),
};
const { handView } = await import("./hand_view.js");

const { facts, taught, file, steps } = JSON.parse(readFileSync(0, "utf8"));
const engine = {
  kept: "", file,
  taught: () => taught,
  forget: async (sign) => {
    for (const known of sign ? [sign] : Object.keys(taught)) delete taught[known];
  },
  teach: async (sign) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    taught[sign] = (taught[sign] ?? 0) + 1;
    return { hand: 1 };
  },
};
const view = handView(facts, engine);
const told = [];
let [time, begun] = [0, null];
for (const [what, ...rest] of steps) {
  const does = {
    key: (key, repeated = false) => view.key(key, repeated),
    click: (id, detail) => elements[id].click(detail),
    frame: () => view.frame({ time: time++ }),
    begin_frame: () => void (begun = view.frame({ time: time++ })),
    end_frame: () => begun,
    enter: () => view.enter(),
  }[what];
  const heard = await does(...rest);
  await new Promise((resolve) => setTimeout(resolve)); // what a key begins is not waited for
  const { ask, save, "forget-text": button } = elements;
  const words = { ask: ask.textContent, button: button.textContent };
  told.push({ heard, ...words, taught: { ...taught }, saved: save.clicks });
}
console.log(JSON.stringify(told));
"""
FORGET = ["key", "Backspace"]
SURE = "Press it again"


@pytest.fixture
def press(in_node, recognizer):
    """Opens "My hand", does some steps, and returns what is told after each of them."""

    def press(*steps, taught=(), file="my_hand.safetensors"):
        counts = {sign: 3 for sign in taught}
        facts = page_facts(recognizer, "web")
        given = {"facts": facts, "taught": counts, "file": file, "steps": steps}
        return in_node(RUN, given)

    return press


class Buttons(HTMLParser):
    """Lists what can be pressed, each with the keys written on it."""

    def __init__(self):
        super().__init__()
        self.found, self._inside = [], None

    def handle_starttag(self, tag, attributes):
        if tag == "button" or "button" in (dict(attributes).get("class") or ""):
            self._inside = tag
            self.found.append((dict(attributes), []))
        if tag == "kbd" and self._inside:
            self.found[-1][1].append("")

    def handle_endtag(self, tag):
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data):
        if self._inside and self.found[-1][1]:
            self.found[-1][1][-1] += data.strip()


def test_every_button_has_its_key_written_on_it():
    page, buttons = (PAGE / "index.html").read_text(encoding="utf-8"), Buttons()
    buttons.feed(page)
    assert len(buttons.found) >= 14
    assert not [attributes for attributes, keys in buttons.found if len(keys) != 1 or not keys[0]]
    assert "Choose a sign <kbd>←</kbd> <kbd>→</kbd>" in page  # they are too many for one each


def test_arrows_choose_the_sign(press):
    steps = [("key", key) for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft")]
    told = press(*steps, ("key", "ArrowLeft"), ("key", "ArrowRight"))
    asked = [found["ask"].split(" and ")[0] for found in told]
    assert asked == ["Make b", "Make c", "Make b", "Make a", "Make 8", "Make a"]
    assert all(found["heard"] for found in told)


def test_f_saves_what_there_is(press):
    (told,) = press(("key", "f"), taught="ab")
    assert told["saved"] == 1
    assert press(("key", "F"), taught="ab")[0]["saved"] == 1
    assert press(("key", "f"))[0]["saved"] == 0  # nothing is taught
    assert press(("key", "f"), taught="ab", file=None)[0]["saved"] == 0  # the web page keeps it


@pytest.mark.parametrize("way", [FORGET, ["click", "forget", 1]])
def test_a_hand_is_forgotten_at_the_second_press(way, press):
    first, second = press(way, way, taught="ab")
    assert SURE in first["ask"] and first["taught"] == {"a": 3, "b": 3}
    assert second["taught"] == {} and "Make a" in second["ask"]
    assert [first["button"], second["button"]] == ["Really forget my hand?", "Forget my hand"]


@pytest.mark.parametrize(
    "between",
    [["key", "s"], ["key", "ArrowLeft"], ["enter"], ["click", "skip", 1]],
)
def test_two_presses_with_another_between_them_forget_nothing(between, press):
    *_, told = press(FORGET, between, FORGET, taught="ab")
    assert SURE in told["ask"] and told["taught"] == {"a": 3, "b": 3}


@pytest.mark.parametrize("again", [["key", "Backspace", True], ["click", "forget", 2]])
def test_a_key_that_is_held_and_a_double_click_are_one_press(again, press):
    *_, told = press(FORGET, again, again, taught="ab")
    assert SURE in told["ask"] and told["taught"] == {"a": 3, "b": 3}


def test_where_nothing_is_taught_nothing_is_asked(press):
    assert SURE not in press(FORGET)[0]["ask"]


@pytest.mark.parametrize(
    "steps", [[("frame",), FORGET], [("begin_frame",), FORGET, ("end_frame",)]]
)
def test_whoever_asks_to_forget_ends_what_is_being_taken(steps, press):
    *_, told = press(("key", "Enter"), *steps, ("frame",), ("frame",), taught="b")
    assert SURE in told["ask"] and told["taught"] == {"a": 1, "b": 3}
