// Has frames read by the program that serves this page. Python does all of the reading.

export class EngineGone extends Error {}

export async function openEngine(facts) {
  let { taught } = facts;
  const told = (answer) => ((taught = answer.taught), answer);
  return {
    where:
      "Your camera’s picture goes to the program on this machine that serves this page, and no further. " +
      "No frame is kept or sent elsewhere.",
    kept: "It stays in the program that serves this page until that ends. Save it as a file to use it again: asl camera --hand FILE.",
    file: "my_hand.safetensors",
    atOnce: 1, // one thread reads
    read: async (canvas) => post("frame", await jpeg(canvas)),
    taught: () => taught,
    teach: async (sign, canvas) => told(await post(`teach/${sign}`, await jpeg(canvas))),
    forget: async (sign) => told(await post(`forget/${sign ?? ""}`, new Blob([]))),
  };
}

async function post(path, body) {
  for (let tries = 0; ; tries++) {
    let response;
    try {
      response = await fetch(path, { method: "POST", body, headers: { "Content-Type": body.type } });
    } catch {
      if (tries < 3) {
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** tries));
        continue;
      }
      throw new EngineGone(
        "The program that reads the frames does not answer. Start it again, and open the address that it prints.",
      );
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    if (response.status === 503 && tries < 20) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    throw new EngineGone(answer.error ?? `The program answered with status ${response.status}.`);
  }
}

function jpeg(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", 0.92);
  });
}
