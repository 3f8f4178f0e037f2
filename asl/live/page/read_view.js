// "Read": the three best answers as bars.

import { inWords, percent } from "./answers.js";

const $ = (id) => document.getElementById(id);

export function readView() {
  const rows = [0, 1, 2].map(() => {
    const row = document.createElement("li");
    row.innerHTML = '<span class="name"></span><div class="track"><div class="fill"></div></div><span class="percent"></span>';
    $("bars").append(row);
    return row;
  });
  return {
    frame({ ranked, answer }) {
      $("best").textContent = inWords(ranked);
      $("bars").classList.toggle("sure", ranked.sure);
      ranked.best.forEach(([name, probability], i) => {
        rows[i].querySelector(".name").textContent = name;
        rows[i].querySelector(".fill").style.width = `${100 * probability}%`;
        rows[i].querySelector(".percent").textContent = percent(probability);
      });
      $("hands").textContent = describe(answer, ranked);
    },
  };
}

function describe(answer, ranked) {
  if (answer.hand < 0.5) return "No hand is seen. Hold one up, palm to the camera.";
  if (answer.hands > 1) return "Several hands are seen. The surest one is read.";
  if (!ranked.sure) return "A hand is seen, but no sign is sure. Come closer, or turn it to the camera.";
  return "";
}
