"""Measures the camera page in Chromium: frames a second, frame to answer, memory.

    python benchmarks/live.py --runtime build/onnxruntime-web/dist \\
        --photos ../shared/photos/webcam --minutes 60 --output results/live.json

A fake camera shows rendered hands: to `asl camera`, to `asl.camera()` in JupyterLab, and to the
page without Python. That page also answers the photos, which Python answers too. Needs Chromium and
the extras "browser" and "onnx".
"""

import argparse
import functools
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import asl
from asl.files import write_text
from asl.live.spelling import Spelling, watch
from asl.live.web_export import export_web
from asl.recognizer.crops import to_pixels

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' fake camera and JupyterLab
from tests.browser.lab import jupyter_lab, run_cell  # noqa: E402
from tests.browser.scenes import READ, scene, write_video  # noqa: E402

WORDS = [
    "dog",
    "hello",
    "cat",
    "blue",
    "family",
    "water",
    "sky",
    "book",
    "mouse",
    "lamp",
    "garden",
    "tree",
    "fish",
    "window",
    "paper",
    "apple",
    "river",
    "queen",
    "box",
    "value",
]
SHOTS = [("b", 2), ("c", 2), (None, 1), ("l", 2)]
SPEED = re.compile(r"(\d+) frames a second, (\d+) ms")
# What the page shows is rounded, so the page's own clock is asked.
COUNT = """() => new Promise((resolve) => {
    const [speed, seen] = [document.getElementById("speed"), []];
    const watching = new MutationObserver(() => seen.push([performance.now(), speed.textContent]));
    watching.observe(speed, { childList: true, characterData: true, subtree: true });
    setTimeout(() => { watching.disconnect(); resolve(seen); }, SECONDS * 1000);
})"""


@contextmanager
def local_page() -> Iterator[tuple[str, int]]:
    """Runs `asl camera`; yields its address and process number."""
    command = [sys.executable, "-m", "asl", "camera", "--no-open"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        address = run.stderr.readline().removeprefix("open ").strip()
        try:
            yield address, run.pid
        finally:
            run.terminate()


@contextmanager
def web_page(runtime: Path, pictures: list[torch.Tensor]) -> Iterator[tuple[str, float]]:
    """Serves an export, and beside it pictures; yields its address and its MB without either."""

    class Quiet(SimpleHTTPRequestHandler):
        extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

        def log_message(self, format: str, *args: object) -> None:
            pass

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = export_web(asl.Recognizer.load(), Path(folder) / "page", runtime=runtime)
        files = [p for p in made.rglob("*") if p.is_file() and p.parent.name != "runtime"]
        size = sum(path.stat().st_size for path in files) / 1e6
        (made / "photos").mkdir()
        for i, picture in enumerate(pictures):  # PNGs: decoders make no difference
            Image.fromarray(picture.numpy()).save(made / "photos" / f"{i}.png")
        handler = functools.partial(Quiet, directory=str(made))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
            threading.Thread(target=serving.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{serving.server_port}/", round(size, 2)
            serving.shutdown()


def spelled(recognizer: asl.Recognizer) -> dict[str, float]:
    """Lets rendered people spell words at 15 frames a second, and counts letters."""
    answers: dict[tuple, list[float]] = {}

    def seen(sign: str | None, signer: int, frame: int) -> list[float]:
        key = (sign, signer, frame)
        if key not in answers:
            log_probs, evidence = recognizer.raw_answers([scene(sign, signer=signer, frame=frame)])
            answers[key] = recognizer.confidence(log_probs, evidence)[0].tolist()
        return answers[key]

    right = doubled = letters = 0
    for signer in range(1, 6):
        for word in WORDS:
            state, time = Spelling(), 0.0
            before = None
            for letter in word:
                # Between two of the same letter the hand is lowered.
                for sign, seconds in [*([(None, 0.8)] if letter == before else []), (letter, 1.2)]:
                    written = ""
                    for i in range(round(15 * seconds)):
                        state = watch(state, time, seen(sign, signer, i // 3 % 5 + 1))
                        time += 1 / 15
                        written += state.text[-1:] * state.written
                    doubled += len(written) - len(set(written))
                before = letter
            matched = SequenceMatcher(None, word, state.text, autojunk=False)
            right += sum(block.size for block in matched.get_matching_blocks())
            letters += len(word)
    return {
        "words": len(WORDS),
        "people": 5,
        "letters": letters,
        "letters right": round(right / letters, 4),
        "doubled": doubled,
    }


def same_answers(page: Any, recognizer: asl.Recognizer, pictures: list[torch.Tensor]) -> dict:
    """Counts the pictures to which the page without Python gives Python's answer."""
    page.evaluate("document.getElementById('video').srcObject.getTracks()[0].stop()")
    graph, same = recognizer.graph().eval(), 0
    for i, picture in enumerate(pictures):
        found = torch.tensor(page.evaluate(READ, f"photos/{i}.png")["confidence"])
        with torch.inference_mode():
            expected = graph(picture).confidence
        told = [
            int(c.argmax()) if c.max() >= recognizer.threshold else None for c in (found, expected)
        ]
        same += told[0] == told[1]
    return {"photos": len(pictures), "the same answer as Python's": same}


def measure(page: Any, seconds: int) -> dict[str, float]:
    """Returns what a page achieves, after a few seconds to warm up."""
    page.locator("#speed").filter(has_text="frames a second").wait_for()
    time.sleep(5)
    seen = page.evaluate(COUNT.replace("SECONDS", str(seconds)))
    waits = [int(found[2]) for _, text in seen if (found := SPEED.match(text))]
    return {
        "frames a second": round(1000 * (len(seen) - 1) / (seen[-1][0] - seen[0][0]), 1),
        "ms from frame to answer, median": statistics.median(waits),
    }


def memory(process: int) -> float:
    """Returns the memory that a process uses, in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runtime", type=Path, required=True, metavar="DIST")
    parser.add_argument("--seconds", type=int, default=30, help="each (default: %(default)s)")
    parser.add_argument("--photos", type=Path, help="to answer in both ways")
    parser.add_argument("--minutes", type=int, default=0, help="of frames, for the memory")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    photos = sorted(options.photos.rglob("*.jp*g")) if options.photos else []
    pictures, shipped = [to_pixels(photo) for photo in photos], asl.Recognizer.load()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    found: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        film = write_video(Path(folder) / "film.mjpeg", SHOTS, signer=3)
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        page = browser.new_page()
        page.set_default_timeout(300_000)  # milliseconds
        with local_page() as (address, process):
            page.goto(address)
            found["local page"] = measure(page, options.seconds)
            before = memory(process)
            time.sleep(60 * options.minutes)
            if options.minutes:
                after = {"minutes": options.minutes, "MB more": round(memory(process) - before, 1)}
                found["local page"]["memory"] = after
        with jupyter_lab(Path(folder), "import asl\n\nasl.camera()") as address:
            page.goto(address)
            run_cell(page)
            inside = page.query_selector("iframe[title=Camera]").content_frame()
            found["JupyterLab"] = measure(inside, options.seconds)
            page.goto("about:blank")
        with web_page(options.runtime, pictures) as (address, size):
            page.goto(address)
            found["web export"] = measure(page, options.seconds) | {"MB without runtime": size}
            if pictures:
                found["web export"] |= same_answers(page, shipped, pictures)
        version = browser.version
        browser.close()
    found["spelled by rendered hands"] = spelled(shipped)
    command = f"python benchmarks/live.py --runtime {options.runtime.as_posix()}"
    command += f" --photos {options.photos.as_posix()}" if options.photos else ""
    command += f" --minutes {options.minutes}" if options.minutes else ""
    setting = {
        "command": f"{command} --output {options.output.as_posix()}",
        "seconds": options.seconds,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "Chromium": version,
    }
    print(json.dumps(found, indent=1))
    write_text(options.output, json.dumps({"setting": setting} | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
