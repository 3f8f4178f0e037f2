"""The page without Python: what `asl export --format web` writes, in Chromium."""

import os
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image

from asl.live.web_export import export_web
from asl.recognizer.crops import to_pixels
from tests.browser.scenes import READ, scene
from tests.browser.test_page import wait_for

PHOTOS = Path("../shared/photos/webcam")


@pytest.fixture(scope="module")
def runtime():
    """The files of onnxruntime-web, which no test fetches."""
    folder = os.environ.get("ASL_WEB_RUNTIME", "build/onnxruntime-web/dist")
    if not Path(folder).is_dir():
        pytest.skip("needs onnxruntime-web: see docs/live.md")
    return Path(folder).resolve()


@pytest.fixture(scope="module")
def exported(playwright, student, runtime, tmp_path_factory):
    pytest.importorskip("onnxscript", reason="needs the extra 'onnx'")
    with warnings.catch_warnings(action="ignore"):  # torch's own
        return export_web(student, tmp_path_factory.mktemp("web") / "page", runtime=runtime)


def test_it_reads_spells_and_keeps_what_it_is_taught(exported, serve, open_page, teachable, keep):
    signer, letter, before = teachable()
    page = open_page(serve(exported), [(letter, 3)], signer=signer)
    wait_for(page, "#best", f"^{before}$")
    assert "stays in this browser" in page.inner_text("#where")
    page.keyboard.press("4")
    page.click(f"#signs button:has-text('{letter}')")
    page.keyboard.press("Enter")
    wait_for(page, "#ask", f"{letter} is taught. Next, make {chr(ord(letter) + 1)}")
    page.keyboard.press("1")
    wait_for(page, "#best", f"^{letter}$")
    page.reload()
    wait_for(page, "#best", f"^{letter}$")  # it was kept
    keep(page, "web")
    page.keyboard.press("2")
    wait_for(page, "#text", f"^{letter}$")
    page.keyboard.press("4")
    page.click("#forget")
    wait_for(page, "#ask", "again if you mean it")
    page.click("#forget")
    page.keyboard.press("1")
    wait_for(page, "#best", f"^{before}$")


def test_its_answers_are_pythons(exported, shipped, serve, open_page):
    """On the webcam's photographs where they are, else on rendered hands."""
    photos = sorted(PHOTOS.rglob("*.jp*g")) or [
        scene(sign, signer=signer) for signer in (1, 2) for sign in "abcdefgh"
    ]
    (exported / "photos").mkdir(exist_ok=True)
    pixels = [to_pixels(photo) for photo in photos]
    for i, picture in enumerate(pixels):  # PNGs, so that the decoder makes no difference
        Image.fromarray(picture.numpy()).save(exported / "photos" / f"{i}.png")
    page = open_page(serve(exported), camera="none")
    graph, same = shipped.graph().eval(), 0
    for i, picture in enumerate(pixels):
        found = torch.tensor(page.evaluate(READ, f"photos/{i}.png")["confidence"])
        with torch.inference_mode():
            expected = graph(picture).confidence
        told = [c.max() >= shipped.threshold and int(c.argmax()) for c in (found, expected)]
        same += told[0] == told[1]
        torch.testing.assert_close(found, expected, atol=0.01, rtol=0.01)
    print(f"{same} of {len(photos)} answers are the same")
    assert same == len(photos)


def test_a_changed_runtime_is_refused_by_the_browser(exported, serve, open_page, tmp_path):
    copy = tmp_path / "page"
    shutil.copytree(exported, copy)
    wasm = copy / "runtime" / "ort-wasm-simd-threaded.wasm"
    wasm.write_bytes(wasm.read_bytes()[:-1] + b"x")
    page = open_page(serve(copy), camera="none")
    wait_for(page, "#trouble-text", "The page cannot start")


def test_its_threads_may_ask_no_other_host(exported, serve, open_page):
    """The page's policy holds in the threads that see the frames, too."""
    page = open_page(serve(exported), camera="none")
    elsewhere = serve(exported)  # another port is another host to a browser
    asked = page.evaluate(
        """async (address) => {
            const ask = `fetch("${address}", { mode: "no-cors" })`;
            const code = `${ask}.then(() => "sent", () => "refused").then(postMessage)`;
            const thread = new Worker(URL.createObjectURL(new Blob([code])));
            return new Promise((resolve) => { thread.onmessage = ({ data }) => resolve(data); });
        }""",
        elsewhere,
    )
    assert asked == "refused"
