"""Measures the camera page in Chromium: frames a second, frame to answer, spelling, memory.

    python benchmarks/live.py --runtime build/onnxruntime-web/dist \\
        --photos ../shared/photos/webcam --minutes 60 --output results/live.json

A fake camera shows rendered hands: to `asl camera`, to `asl.camera()` in JupyterLab, and to the
page without Python. That page also answers the photos, which Python answers too. Then a film spells
words to `asl camera`. The minutes come last, so that all other figures come from a machine that
nothing has warmed. Each part is printed as soon as it is measured. Needs Linux, Chromium and the
extras "browser" and "onnx".
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
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import asl
from asl.files import write_text
from asl.live.web_export import export_web
from asl.recognizer.crops import to_pixels

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' fake camera and JupyterLab
from benchmarks.spelled_words import PEOPLE, WORDS, score, spelled_in_python  # noqa: E402
from tests.browser.lab import jupyter_lab, run_cell  # noqa: E402
from tests.browser.scenes import READ, write_video  # noqa: E402
from tests.browser.spelled_film import read_spelled_film, write_spelled_film  # noqa: E402

SHOTS = [("b", 2), ("c", 2), (None, 1), ("l", 2)]
SPEED = re.compile(r"(\d+) frames a second, (\d+) ms")
# What the page shows is rounded, so the page's own clock is asked.
COUNT = """() => new Promise((resolve) => {
    const [speed, seen] = [document.getElementById("speed"), []];
    const watching = new MutationObserver(() => seen.push([performance.now(), speed.textContent]));
    watching.observe(speed, { childList: true, characterData: true, subtree: true });
    setTimeout(() => { watching.disconnect(); resolve(seen); }, SECONDS * 1000);
})"""
# An hour of them is counted in the page, not kept.
COUNT_ALL = """() => {
    window.counted = 0;
    new MutationObserver(() => window.counted++)
        .observe(document.getElementById("speed"), { childList: true });
}"""
PATIENCE = 300_000  # milliseconds


@contextmanager
def chromium(playwright: Any, film: Path) -> Iterator[Any]:
    """Runs Chromium with a camera that shows a film; yields the browser."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
        args=[
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )
    try:
        yield browser
    finally:
        browser.close()


def opened(browser: Any, address: str) -> Any:
    """Opens a page of its own."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    return page


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


def spelled_on_page(playwright: Any, folder: Path) -> dict[str, Any]:
    """Spells the words to `asl camera` in one film, by the people in turn."""
    spellers = [(word, PEOPLE[i % len(PEOPLE)]) for i, word in enumerate(WORDS)]
    film = write_spelled_film(folder / "words.mjpeg", spellers)
    with chromium(playwright, film) as browser, local_page() as (address, _):
        page = opened(browser, address)
        page.locator("#speed").filter(has_text="frames a second").wait_for()
        text = read_spelled_film(page, limit=600)
    return {"words": len(WORDS), "people": len(PEOPLE)} | score([("".join(WORDS), text)])


def long_run(browser: Any, minutes: int) -> dict[str, Any]:
    """Lets a fresh `asl camera` read frames, and returns what memory it has after each minute."""
    with local_page() as (address, process):
        page = opened(browser, address)
        page.locator("#speed").filter(has_text="frames a second").wait_for()
        page.evaluate(COUNT_ALL)
        memories, begun = [memory(process)], time.monotonic()
        for minute in range(1, minutes + 1):
            time.sleep(max(0, begun + 60 * minute - time.monotonic()))
            memories.append(memory(process))
            print(f"minute {minute}: {memories[-1]} MB", flush=True)
        frames = page.evaluate("window.counted")
    return {"minutes": minutes, "frames": frames, "MB of the server, each minute": memories}


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

    found: dict[str, dict] = {}

    def note(place: str, figures: dict) -> None:
        found[place] = figures
        print(json.dumps({place: figures}, indent=1), flush=True)

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        film = write_video(folder / "film.mjpeg", SHOTS, signer=3)
        with chromium(playwright, film) as browser:
            version = browser.version
            with local_page() as (address, _):
                page = opened(browser, address)
                note("local page", measure(page, options.seconds))
                page.close()
            with jupyter_lab(folder, "import asl\n\nasl.camera()") as address:
                page = opened(browser, address)
                run_cell(page)
                inside = page.query_selector("iframe[title=Camera]").content_frame()
                note("JupyterLab", measure(inside, options.seconds))
                page.close()
            with web_page(options.runtime, pictures) as (address, size):
                page = opened(browser, address)
                figures = measure(page, options.seconds) | {"MB without runtime": size}
                if pictures:
                    figures |= same_answers(page, shipped, pictures)
                note("web export", figures)
        note("spelled by rendered hands", spelled_in_python(shipped))
        note("spelled before the page", spelled_on_page(playwright, folder))
        if options.minutes:
            with chromium(playwright, film) as browser:
                note("long run", long_run(browser, options.minutes))
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
    write_text(options.output, json.dumps({"setting": setting} | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
