// The camera, and what to tell people when there is none.

const WISHED = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };

export class CameraTrouble extends Error {}

/** Opens the camera and shows it in a video element. `ended` is called if it goes away. */
export async function openCamera(video, ended) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new CameraTrouble(
      "This browser gives no camera to this page. It gives one to https addresses, and on this machine to " +
      "127.0.0.1 and localhost. If the page comes from another machine, make a tunnel to it and open localhost.",
    );
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: WISHED, audio: false });
  } catch (error) {
    throw new CameraTrouble(await reason(error));
  }
  const [track] = stream.getVideoTracks();
  track.addEventListener("ended", () => {
    close(video);
    ended(new CameraTrouble("The camera has gone. Plug it in again, then try again."));
  });
  video.srcObject = stream;
  await video.play().catch(() => {}); // a browser that waits for a click starts then
}

/** Switches the camera off. */
export function close(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

/** Draws what the camera sees now, not mirrored, at most 1,024 pixels a side, and returns the canvas. */
export function grab(video, canvas) {
  const shrink = Math.min(1, 1024 / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(shrink * video.videoWidth);
  canvas.height = Math.round(shrink * video.videoHeight);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * Returns a function that waits for a frame that was not handed out yet. One that came while nobody was waiting is
 * handed out at once. While the page is hidden, none comes.
 */
export function watchFrames(video) {
  if (!("requestVideoFrameCallback" in video)) return () => new Promise(requestAnimationFrame);
  const waiting = [];
  let fresh = false;
  function come() {
    const next = waiting.shift();
    if (next) next();
    else fresh = true;
    video.requestVideoFrameCallback(come);
  }
  video.requestVideoFrameCallback(come);
  return () =>
    new Promise((resolve) => {
      if (fresh) resolve();
      else waiting.push(resolve);
      fresh = false;
    });
}

async function reason(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "The camera was not allowed. Allow it for this page: the sign beside the address, or the browser’s " +
        "settings, has the switch. Then try again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No camera was found. Plug one in, then try again.";
    case "NotReadableError":
    case "AbortError":
      return "The camera is there but gives no picture. Perhaps another program uses it: close that, then try again.";
    default:
      return `The camera cannot be opened (${error.name}: ${error.message}). Try again.`;
  }
}
