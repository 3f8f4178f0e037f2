// What the page without Python learns of a hand. The arithmetic is that of asl/recognizer/teaching.py, and a test
// compares the two.

const MOST_SHOTS = 12; // of a sign that are kept, the last ones
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const dot = (a, b) => a.reduce((total, value, i) => total + value * b[i], 0);

function unit(vector) {
  const length = Math.max(Math.sqrt(dot(vector, vector)), 1e-12);
  return vector.map((value) => value / length);
}

/** The direction, of length 1, of log-probabilities (36). */
export function directionOf(logProbs, { whitening, lowest }) {
  const raised = logProbs.map((value) => Math.max(value, lowest));
  const mean = sum(raised) / raised.length;
  const centred = raised.map((value) => value - mean);
  return unit(whitening[0].map((_, j) => sum(centred.map((value, i) => value * whitening[i][j]))));
}

/** Weighs the shots {sign: [log-probabilities, …]} against what is known of other people. */
export function lessonOf(shots, { signs, answers, answer_of_sign: own, teaching }) {
  const { weight, floor, temperature } = teaching.strength;
  const taught = signs.map((sign) => (shots[sign] ?? []).length > 0);
  const directions = signs.map((sign, i) => {
    if (!taught[i]) return teaching.directions[i];
    const seen = shots[sign].map((shot) => directionOf(shot, teaching));
    return unit(teaching.directions[i].map((value, j) => weight * value + sum(seen.map((s) => s[j]))));
  });
  const floors = directions.map((direction, i) =>
    Math.max(floor, ...directions.map((other, k) => (own[k] !== own[i] && !taught[k] ? dot(direction, other) : -1))),
  );
  const share = new Set(own.filter((_, i) => taught[i])).size / answers.length;
  return { taught, directions, floors, temperature: 1 + (temperature - 1) * share };
}

/** The confidence of each answer for this hand, from a frame's answer. */
export function taughtAnswers({ confidence, log_probs, hand }, lesson, { answer_of_sign, teaching }) {
  const direction = directionOf(log_probs, teaching);
  const gained = confidence.map(() => 0);
  answer_of_sign.forEach((answer, i) => {
    if (!lesson.taught[i]) return;
    const gain = teaching.strength.gain * Math.max(0, dot(direction, lesson.directions[i]) - lesson.floors[i]);
    gained[answer] = Math.max(gained[answer], gain);
  });
  const odds = confidence.map((value, i) => (Math.log(Math.max(value, 1e-30)) + gained[i]) / lesson.temperature);
  const most = Math.max(...odds);
  const shares = odds.map((value) => Math.exp(value - most));
  return shares.map((share) => (hand * share) / sum(shares));
}

/** What was taught, kept in the browser. */
export class Lessons {
  constructor(facts, storage) {
    this.facts = facts;
    this.storage = storage;
    this.key = `asl-hand-${facts.fingerprint}`;
    this.shots = this.stored();
    this.lesson = lessonOf(this.shots, facts);
  }

  /** Reads what was kept, and of that only what can be used. */
  stored() {
    try {
      const kept = Object.entries(JSON.parse(this.storage.getItem(this.key)) ?? {});
      const fits = (shot) => shot.length === this.facts.signs.length && shot.every(Number.isFinite);
      return Object.fromEntries(kept.filter(([sign, shots]) => this.facts.signs.includes(sign) && shots.every(fits)));
    } catch {
      return {};
    }
  }

  counts() {
    return Object.fromEntries(Object.entries(this.shots).map(([sign, shots]) => [sign, shots.length]));
  }

  add(sign, logProbs) {
    this.shots[sign] = [...(this.shots[sign] ?? []), logProbs].slice(-MOST_SHOTS);
    this.changed();
  }

  forget(sign) {
    if (sign === undefined) this.shots = {};
    else delete this.shots[sign];
    this.changed();
  }

  changed() {
    this.lesson = lessonOf(this.shots, this.facts);
    try {
      this.storage.setItem(this.key, JSON.stringify(this.shots));
    } catch {
      // Where a browser keeps nothing, it is known until the page is closed.
    }
  }

  apply(answer) {
    if (!this.lesson.taught.some(Boolean)) return answer;
    return { ...answer, confidence: taughtAnswers(answer, this.lesson, this.facts) };
  }
}
