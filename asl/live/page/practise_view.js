// "Practise": each letter of a word is asked for, shown, and verified.

import { showSign } from "./hand_view.js";
import { check, letterOf, practise, skip } from "./practice.js";

const $ = (id) => document.getElementById(id);
const WORDS = ["dog", "hello", "cat", "blue", "family", "water", "sky", "book", "mouse", "lamp", "garden", "tree"];

export function practiseView(facts) {
  let [state, at] = [null, 0];
  const field = $("word");
  field.value = WORDS[0];

  function begin() {
    const word = field.value.trim();
    state = practise(word, facts);
    if (state === null) $("task").textContent = "Type a word of the letters a to z.";
    field.blur();
    show();
  }

  function show() {
    const letter = state && letterOf(state);
    $("letters").replaceChildren(...(state ? [...state.word].map(spanOf) : []));
    $("pass").disabled = !letter;
    $("practise-sign").hidden = $("practise-held").hidden = !letter;
    if (letter) {
      const again = state.repeated ? " once more: lower your hand first" : "";
      const motion = facts.motions.includes(letter) ? " It is a motion: hold the moment shown." : "";
      $("task").textContent = `Show me ${letter}${again}.${motion}`;
      showSign($("practise-sign"), letter);
    } else if (state) {
      $("task").textContent = summary();
      field.value = WORDS[(WORDS.indexOf(state.word) + 1) % WORDS.length];
    }
  }

  function spanOf(letter, i) {
    const span = document.createElement("span");
    const time = state.times[i];
    const what = time === undefined ? (i === state.times.length ? "now" : "") : time === null ? "passed" : "done";
    span.className = what;
    span.textContent = letter;
    return span;
  }

  function summary() {
    const shown = state.times.filter((time) => time !== null);
    const seconds = shown.reduce((a, b) => a + b, 0);
    const skipped = state.times.length - shown.length;
    const rest = skipped ? `, ${skipped} skipped` : "";
    return `Done: ${shown.length} of ${state.word.length} letters in ${seconds.toFixed(1)} seconds${rest}. Enter begins the next word.`;
  }

  $("begin").addEventListener("click", begin);
  $("pass").addEventListener("click", pass);
  function pass() {
    if (state === null) return;
    state = skip(state, at);
    show();
  }

  return {
    frame({ answer, time }) {
      at = time;
      if (state === null || letterOf(state) === null) return;
      const before = state;
      state = check(state, time, answer.confidence, facts);
      $("practise-held").value = state.progress;
      if (state.accepted || state.repeated !== before.repeated) show();
    },
    key(key) {
      const does = { Enter: begin, s: pass }[key.length === 1 ? key.toLowerCase() : key];
      does?.();
      return does !== undefined;
    },
  };
}
