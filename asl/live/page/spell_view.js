// "Spell": letters that are held become text.

import { nothing, press, watch } from "./spelling.js";

const $ = (id) => document.getElementById(id);
const KEYS = { " ": "space", Backspace: "backspace", Escape: "clear" };

export function spellView(facts) {
  let state = nothing;

  function show() {
    $("text").textContent = state.text || "";
    $("shown").textContent = state.shown === null ? "no letter" : state.shown;
    $("held").value = state.progress;
    $("motion").textContent = facts.motions.includes(state.shown)
      ? `${state.shown} is a motion. A frame shows one moment of it: hold that moment.`
      : "";
  }
  function pressed(key) {
    state = press(state, key);
    show();
  }
  for (const button of document.querySelectorAll("[data-press]")) {
    button.addEventListener("click", () => pressed(button.dataset.press));
  }
  show();
  return {
    frame({ answer, time }) {
      state = watch(state, time, answer.confidence, facts);
      show();
    },
    key(key) {
      if (key in KEYS) pressed(KEYS[key]);
      return key in KEYS;
    },
  };
}
