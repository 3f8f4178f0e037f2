// Reads frames beside the page: one of the threads that engine_web.js starts. Its first message brings the runtime and
// the graph, all others bring pixels.

let ort;
let session;

async function open({ code, wasm, graph }) {
  ort = await import(code);
  ort.env.wasm.numThreads = 1; // more would need headers that few web servers send
  ort.env.wasm.wasmBinary = wasm;
  session = await ort.InferenceSession.create(new Uint8Array(graph));
}

async function read({ data, width, height }) {
  const pixels = new ort.Tensor("uint8", rgb(new Uint8Array(data)), [height, width, 3]);
  const { confidence, log_probs, box, hand, hands } = await session.run({ pixels });
  return {
    confidence: [...confidence.data],
    log_probs: [...log_probs.data],
    box: [...box.data],
    hand: hand.data[0],
    hands: Number(hands.data[0]),
  };
}

/** A canvas has a fourth number for each pixel, which nobody needs here. */
function rgb(data) {
  const pixels = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    pixels[to++] = data[from];
    pixels[to++] = data[from + 1];
    pixels[to++] = data[from + 2];
  }
  return pixels;
}

onmessage = async ({ data }) => {
  try {
    postMessage({ answer: await (session ? read(data) : open(data)) });
  } catch (error) {
    postMessage({ error: error.message });
  }
};
