// Frames to letters. The rules are those of asl/live/spelling.py, and both are tested on the same vectors.

/** Nothing is spelled yet. */
export const nothing = { text: "", frames: [], shown: null, since: 0, held: null, away: null, written: false, progress: 0 };

/** Returns the state after one more frame: `confidence` was seen at `time`, in seconds. `facts`: recognizer.json. */
export function watch(state, time, confidence, facts) {
  const { letters, spelling: rules } = facts;
  const frames = recent(state.frames, time, letterShares(confidence, facts), rules.window, rules.gap);
  if (frames.length === 1) state = { ...state, shown: null, since: time, away: null };
  const mean = meanOf(frames);
  const shown = leader(mean, rules.sure, letters);
  const since = shown === state.shown ? state.since : time;
  let [{ text, held }, away] = [state, null];
  if (held !== null && mean[letters.indexOf(held)] < rules.released) {
    away = state.away ?? time;
    if (time - away >= rules.lost) held = null;
  }
  const waits = shown !== null && shown !== held;
  const progress = waits ? Math.min(1, (time - since) / rules.hold) : 0;
  const written = progress >= 1;
  if (written) [text, held] = [text + shown, shown];
  return { text, frames, shown, since, held, away, written, progress };
}

/** Returns the state after a key: "space", "backspace" or "clear". */
export function press(state, key) {
  const text = { space: `${state.text} `, backspace: state.text.slice(0, -1), clear: "" }[key];
  return { ...state, text, written: false };
}

/** The probability of each letter, given that no digit is meant. */
export function letterShares(confidence, { letters, answer_of_letter }) {
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const own = answer_of_letter.map((i) => confidence[i]);
  const [hand, total] = [sum(confidence), sum(own)];
  if (!Number.isFinite(hand) || !(total > 0)) return letters.map(() => 0);
  return own.map((share) => (share * hand) / total);
}

export function recent(frames, time, shares, window, gap) {
  const last = frames.at(-1)?.[0];
  const kept = last !== undefined && time >= last && time - last <= gap ? frames : [];
  return [...kept.filter(([seen]) => time - seen <= window), [time, shares]];
}

export function meanOf(frames) {
  return frames[0][1].map((_, i) => frames.reduce((sum, [, shares]) => sum + shares[i], 0) / frames.length);
}

function leader(mean, sure, letters) {
  const best = Math.max(...mean);
  const none = 1 - mean.reduce((a, b) => a + b, 0);
  return best >= sure && best > none ? letters[mean.indexOf(best)] : null;
}
