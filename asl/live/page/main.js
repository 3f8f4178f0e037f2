// Starts the page: camera, frames to the engine, answers to the view that is open.

import { rank, inWords } from "./answers.js";
import { CameraTrouble, close, grab, openCamera, watchFrames } from "./camera.js";
import { handView } from "./hand_view.js";
import { practiseView } from "./practise_view.js";
import { readView } from "./read_view.js";
import { spellView } from "./spell_view.js";

const $ = (id) => document.getElementById(id);
const seconds = () => performance.now() / 1000;

let views = {};
let open = "read";

function turnTo(name) {
  open = name;
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", button.dataset.view === name);
  }
  for (const key of ["read", "spell", "practise", "hand"]) $(`view-${key}`).hidden = key !== name;
  views[name].enter?.();
  $(`view-${name}`).querySelector("h2").focus();
}

// --- the loop ----------------------------------------------------------------------------------

function readFrames(engine, facts) {
  const shared = { nextFrame: watchFrames($("video")), times: [], last: 0 };
  for (let i = 0; i < engine.atOnce; i++) readInTurn(engine, facts, shared);
}

/** Has one frame after the other read. `shared` is what it shares with others that do the same. */
async function readInTurn(engine, facts, shared) {
  const [video, canvas] = [$("video"), document.createElement("canvas")];
  const { nextFrame, times } = shared;
  for (;;) {
    await nextFrame();
    if (!video.videoWidth || document.hidden) continue;
    const begun = seconds();
    try {
      const answer = await engine.read(grab(video, canvas));
      if (!video.srcObject) continue; // switched off in the meantime
      if (begun < shared.last) continue; // a later frame was answered first
      shared.last = begun;
      tell(null);
      times.push([seconds(), seconds() - begun]);
      const ranked = rank(answer.confidence, facts.answers, facts.threshold);
      drawBox(answer, canvas, ranked.sure);
      announce(inWords(ranked));
      showSpeed(times);
      await views[open].frame({ answer, ranked, canvas, time: begun });
    } catch (error) {
      tell(error.message);
      drawBox(null);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

function drawBox(answer, canvas, sure) {
  const box = $("box");
  box.toggleAttribute("hidden", !answer || answer.hand < 0.5);
  if (!answer) return;
  const [left, top, right, bottom] = answer.box;
  const scale = canvas.width / (answer.width ?? canvas.width);
  $("overlay").setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.height}`);
  const shape = { x: left, y: top, width: right - left, height: bottom - top };
  for (const [name, value] of Object.entries(shape)) box.setAttribute(name, Math.max(0, value * scale));
  box.classList.toggle("sure", sure);
}

function showSpeed(times) {
  while (times[0][0] < times.at(-1)[0] - 2) times.shift();
  const waits = times.map(([, wait]) => 1000 * wait).sort((a, b) => a - b);
  const span = times.at(-1)[0] - times[0][0];
  const rate = span > 0 ? (times.length - 1) / span : 0;
  $("speed").textContent = `${rate.toFixed(0)} frames a second, ${waits[waits.length >> 1].toFixed(0)} ms from frame to answer`;
}

// Spoken by screen readers: not each frame, but what has stayed for a while.
let [heard, steady, steadySince] = ["", "", 0];
function announce(words) {
  if (words !== steady) [steady, steadySince] = [words, seconds()];
  if (steady !== heard && seconds() - steadySince > 0.7 && open === "read") {
    $("spoken").textContent = heard = steady;
  }
}

// --- troubles ----------------------------------------------------------------------------------

function tell(text) {
  $("trouble").hidden = text === null;
  if (text !== null && $("trouble-text").textContent !== text) $("trouble-text").textContent = text;
  if (text === null) $("trouble-text").textContent = "";
}

async function startCamera() {
  tell(null);
  try {
    close($("video"));
    await openCamera($("video"), cameraFailed);
  } catch (error) {
    cameraFailed(error);
  }
}

function cameraFailed(error) {
  drawBox(null);
  $("speed").textContent = "The camera is off.";
  tell(error instanceof CameraTrouble ? error.message : String(error));
}

// --- keys --------------------------------------------------------------------------------------

function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const field = event.target.closest("input, button, a");
  // A field takes all keys but Enter; a button takes the two that press it.
  if (field && (field.tagName === "INPUT" ? event.key !== "Enter" : [" ", "Enter"].includes(event.key))) return;
  const buttons = [...document.querySelectorAll("[data-view]")];
  if (/^[1-4]$/.test(event.key)) turnTo(buttons[event.key - 1].dataset.view);
  else if (event.key.toLowerCase() === "t" && !$("trouble").hidden) startCamera();
  else if (!views[open].key?.(event.key, event.repeat)) return;
  event.preventDefault();
}

// --- start -------------------------------------------------------------------------------------

async function start() {
  const response = await fetch("recognizer.json");
  if (!response.ok) throw new Error((await response.json()).error);
  const facts = await response.json();
  const { openEngine } = await import(`./engine_${facts.engine}.js`);
  const engine = await openEngine(facts);
  $("where").textContent = engine.where;
  views = { read: readView(), spell: spellView(facts), practise: practiseView(facts), hand: handView(facts, engine) };
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => turnTo(button.dataset.view));
  }
  document.addEventListener("keydown", pressed);
  // A button that was clicked keeps the keyboard otherwise, and Space would press it again.
  document.addEventListener("click", (event) => event.detail && event.target.closest("#panel button")?.blur());
  $("retry").addEventListener("click", startCamera);
  await startCamera();
  readFrames(engine, facts);
}

start().catch((error) => tell(`The page cannot start: ${error.message}`));
