// From a frame's answer to what people are told. Pure functions.

/** Ranks the answers: [[name, probability], …], and whether the first is sure enough to be told. */
export function rank(confidence, names, threshold, top = 3) {
  const order = confidence.map((_, i) => i).sort((a, b) => confidence[b] - confidence[a]);
  const best = order.slice(0, top).map((i) => [names[i], confidence[i]]);
  return { best, sure: best[0][1] >= threshold };
}

/** Says the same in words. */
export function inWords({ best, sure }) {
  return sure ? best[0][0] : "no confident sign";
}

export const percent = (share) => `${Math.round(100 * share)} %`;
