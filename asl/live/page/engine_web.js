// Has frames read in the browser: onnxruntime-web runs the graph that Python exported, in threads beside the page. No
// step of the graph is written here.

import { Lessons } from "./taught.js";

const AT_ONCE = 2; // frames: more would only make each of them wait

export async function openEngine(facts) {
  const { code, wasm } = facts.runtime;
  const [worker, runtime, binary, graph] = await Promise.all([
    bytes(new URL("engine_worker.js", import.meta.url)),
    bytes(code.url, code.integrity),
    bytes(wasm.url, wasm.integrity),
    bytes("recognizer.onnx"),
  ]);
  // From memory: what is fetched there is not checked, and from another address the page's policy would not hold there.
  const [address, codeAddress] = [worker, runtime].map(inMemory);
  const threads = Array.from({ length: AT_ONCE }, () => startThread(address));
  await Promise.all(threads.map((ask) => ask({ code: codeAddress, wasm: binary, graph })));
  const lessons = new Lessons(facts, storage());
  const read = inTurn(threads);
  return {
    where: "Your camera’s picture stays in this browser. No frame is kept or sent anywhere.",
    kept: "It stays in this browser, for this page only.",
    atOnce: AT_ONCE,
    read: async (canvas) => lessons.apply(await read(canvas)),
    taught: () => lessons.counts(),
    teach: async (sign, canvas) => {
      const answer = await read(canvas);
      if (answer.hand > 0.5) lessons.add(sign, answer.log_probs);
      return answer;
    },
    forget: async (sign) => lessons.forget(sign),
  };
}

const inMemory = (code) => URL.createObjectURL(new Blob([code], { type: "text/javascript" }));

/** Starts a thread, and returns a function that asks it one thing at a time. */
function startThread(address) {
  const thread = new Worker(address, { type: "module" });
  return (question, moved = []) =>
    new Promise((resolve, reject) => {
      thread.onmessage = ({ data }) => ("error" in data ? reject(new Error(data.error)) : resolve(data.answer));
      thread.onerror = () => reject(new Error("the thread that reads frames has ended"));
      thread.postMessage(question, moved);
    });
}

/** Returns a function that has a canvas read by a thread that is free, as soon as there is one. */
function inTurn(threads) {
  const [free, waiting] = [[...threads], []];
  return async (canvas) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const ask = free.pop() ?? (await new Promise((resolve) => waiting.push(resolve)));
    try {
      return await ask({ data: data.buffer, width, height }, [data.buffer]);
    } finally {
      const next = waiting.shift();
      if (next) next(ask);
      else free.push(ask);
    }
  };
}

/** Where the browser keeps what it is taught, null where people have forbidden that. */
function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

async function bytes(url, integrity) {
  const response = await fetch(url, integrity ? { integrity } : {});
  if (!response.ok) throw new Error(`${url} cannot be fetched (status ${response.status})`);
  return response.arrayBuffer();
}
