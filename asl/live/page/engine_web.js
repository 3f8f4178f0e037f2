// Has frames read in the browser: onnxruntime-web runs the graph that Python exported. No step of it is written here.

import { Lessons } from "./taught.js";

export async function openEngine(facts) {
  const { code, wasm } = facts.runtime;
  const ort = await import(new URL(code.url, document.baseURI).href);
  ort.env.wasm.numThreads = 1; // more would need headers that few web servers send
  const [binary, graph] = await Promise.all([bytes(wasm.url, wasm.integrity), bytes("recognizer.onnx")]);
  ort.env.wasm.wasmBinary = binary;
  const session = await ort.InferenceSession.create(new Uint8Array(graph));
  const lessons = new Lessons(facts, storage());
  async function read(canvas) {
    const pixels = new ort.Tensor("uint8", rgb(canvas), [canvas.height, canvas.width, 3]);
    const { confidence, log_probs, box, hand, hands } = await session.run({ pixels });
    return {
      confidence: [...confidence.data],
      log_probs: [...log_probs.data],
      box: [...box.data],
      hand: hand.data[0],
      hands: Number(hands.data[0]),
    };
  }
  return {
    where: "Your camera’s picture stays in this browser. No frame is kept or sent anywhere.",
    kept: "It stays in this browser, for this page only.",
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

/** The canvas as RGB: a canvas has a fourth number for each pixel, which nobody needs here. */
function rgb(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const pixels = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    pixels[to++] = data[from];
    pixels[to++] = data[from + 1];
    pixels[to++] = data[from + 2];
  }
  return pixels;
}
