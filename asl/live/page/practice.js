// Show me d-o-g. The rules are those of asl/live/practice.py, and both are tested on the same vectors.

import { letterShares, meanOf, recent } from "./spelling.js";

/** Begins a word of the letters a to z, or returns null. */
export function practise(word, facts) {
  const letters = [...word.toLowerCase()];
  return letters.length && letters.every((letter) => facts.letters.includes(letter)) ? begun(letters.join("")) : null;
}

const begun = (word) => ({
  word,
  times: [],
  frames: [],
  asked: null,
  since: null,
  repeated: false,
  accepted: false,
  progress: 0,
});

/** The letter that is asked for, null at the end of the word. */
export const letterOf = ({ word, times }) => word[times.length] ?? null;

/** Returns the state after one more frame: `confidence` was seen at `time`, in seconds. */
export function check(state, time, confidence, facts) {
  const { letters, practice: rules } = facts;
  const frames = recent(state.frames, time, letterShares(confidence, facts), rules.window, rules.gap);
  const letter = letterOf(state);
  if (letter === null) return { ...state, accepted: false, progress: 0 };
  const fresh = frames.length === 1;
  const asked = state.asked === null || time < state.asked ? time : state.asked;
  const place = letters.indexOf(letter);
  const shown = meanOf(frames)[place] >= rules.threshold;
  const still = frames.at(-1)[1][place] >= rules.threshold; // else a glimpse would last for a window
  const repeated = state.repeated && shown;
  let since = null;
  if (shown && !repeated) since = fresh || state.since === null ? time : state.since;
  const progress = since === null ? 0 : Math.min(1, (time - since) / rules.hold);
  if (progress >= 1 && still) return next(state, time, time - asked, true);
  return { ...state, frames, asked, since, repeated, accepted: false, progress };
}

/** Returns the state after the present letter was skipped. */
export const skip = (state, time) => (letterOf(state) === null ? state : next(state, time, null, false));

/** Asks for the next letter, for which the frames so far do not count. */
function next(state, time, seconds, accepted) {
  const done = { ...begun(state.word), times: [...state.times, seconds], asked: time, accepted };
  return { ...done, repeated: accepted && letterOf(done) === letterOf(state), progress: Number(accepted) };
}
