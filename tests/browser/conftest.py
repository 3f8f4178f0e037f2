"""Chromium with a fake camera, driven by Playwright, where ASL_BROWSER_TESTS=1 asks for it.

What the camera shows is chosen by what Python reads in the same frames, so that other weights need
no other tests.
"""

import contextlib
import functools
import io
import os
import shutil
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from asl import ANSWERS, Recognizer
from asl.live.server import LiveServer
from asl.live.session import Session
from tests.browser.scenes import FRAMES, QUALITY, scene, write_video

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# On a busy machine everything takes long. What is waited for comes within seconds on an idle one.
PATIENCE = 180_000  # milliseconds
LETTERS = "dlbygcaiupqrhekmnstx"  # without motions, and without those that look like digits
SIGNERS = (3, 1, 2, 4, 5)
NO_SIGN = "no confident sign"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")  # while it runs, no other code in this process can run asyncio
def playwright():
    api = pytest.importorskip("playwright.sync_api", reason="needs requirements-browser.txt")
    if not os.environ.get("ASL_BROWSER_TESTS"):
        pytest.skip("asked for by ASL_BROWSER_TESTS=1 only")
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with api.sync_playwright() as running:
        yield running


@pytest.fixture
def open_page(playwright, tmp_path):
    """Opens a page before whose camera a film, or shots, are shown: (address, shots, …) → page.

    An error that a script of the page does not catch fails the test, if `strict`.
    """
    errors: list[str] = []
    with contextlib.ExitStack() as stack:

        def open_page(address, shots=(), *, film=None, camera="allowed", strict=True, **options):
            arguments = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
            if camera != "none":
                arguments += ["--use-fake-device-for-media-stream"]
            if camera == "allowed":
                if film is None:
                    film = write_video(tmp_path / "film.mjpeg", shots or [(None, 1)], **options)
                arguments += [
                    "--use-fake-ui-for-media-stream",
                    f"--use-file-for-fake-video-capture={film}",
                ]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            stack.callback(browser.close)
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            page.set_default_timeout(PATIENCE)
            if strict:
                page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(address)
            return page

        yield open_page
    assert not errors


@pytest.fixture(scope="session")
def shipped():
    return Recognizer.load()


@pytest.fixture(scope="session")
def student(shipped):
    """The same one, but it makes more of a lesson.

    It reads rendered hands so well that few need a lesson, and those few need more than one of the
    usual strength.
    """
    strength = shipped.prior.strength._replace(gain=60.0)
    return replace(shipped, prior=replace(shipped.prior, strength=strength))


@pytest.fixture(scope="session")
def frames():
    """Gives the five frames of a film's shot, as the film holds them: (sign, signer) → pictures."""

    @functools.cache
    def frames(sign, signer):
        pictures = []
        for frame in FRAMES:
            content = io.BytesIO()
            scene(sign, signer=signer, frame=frame).save(content, "JPEG", quality=QUALITY)
            pictures.append(Image.open(content))
        return pictures

    return frames


def told(recognizer, pictures):
    """Returns what the page says to each picture, and how sure that is, from 0 to 1."""
    confidence, best = recognizer.confidence(*recognizer.raw_answers(pictures)).max(dim=1)
    said = [
        (ANSWERS[i] if c >= recognizer.threshold else NO_SIGN, abs(c - recognizer.threshold))
        for c, i in zip(confidence.tolist(), best.tolist(), strict=True)
    ]
    return {words for words, _ in said}, min(margin for _, margin in said)


@pytest.fixture(scope="session")
def sure(shipped, frames):
    """Finds letters that are read surely in all frames of one signer: count → signer, letters."""

    @functools.cache
    def is_sure(letter, signer):
        words, margin = told(shipped, frames(letter, signer))
        return words == {letter} and margin > 0.05

    def sure(count):
        for signer in SIGNERS:
            found = []
            for letter in LETTERS:
                found += [letter] * is_sure(letter, signer)
                if len(found) == count:
                    return signer, found
        raise AssertionError(f"expected {count} letters that are read surely of some signer")

    return sure


@pytest.fixture(scope="session")
def teachable(student, frames):
    """Finds a hand that must be taught: () → signer, letter, and what the page says before."""

    def is_taught(letter, signer, shots):
        words, margin = told(student.taught({letter: shots}), frames(letter, signer))
        return words == {letter} and margin > 0.05

    @functools.cache  # what is skipped, or not asked for, takes no time
    def teachable():
        for letter in LETTERS:
            for signer in SIGNERS:
                pictures = frames(letter, signer)
                for some in (pictures[:1], pictures):  # most are read, as the first one tells
                    before, margin = told(student, some)
                    if len(before) > 1 or letter in before or margin < 0.05:
                        break
                else:
                    if all(is_taught(letter, signer, p) for p in (pictures[:1], pictures[2:])):
                        return signer, letter, *before
        pytest.skip("every rendered hand is read, or cannot be taught")

    return teachable


@pytest.fixture
def server(student):
    """The page as `asl camera` serves it."""
    serving = LiveServer(Session(student))
    serving.start()
    yield serving
    serving.close()


@pytest.fixture
def serve():
    """Serves a folder as any web server does: folder → address."""
    with contextlib.ExitStack() as stack:

        class Quiet(SimpleHTTPRequestHandler):
            extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

            def log_message(self, *_):
                pass

        def serve(folder):
            handler = functools.partial(Quiet, directory=str(folder))
            serving = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            threading.Thread(target=serving.serve_forever, daemon=True).start()
            stack.callback(serving.shutdown)
            return f"http://127.0.0.1:{serving.server_port}/"

        yield serve


@pytest.fixture
def keep(request):
    """Keeps pictures of the page, if ``ASL_SCREENSHOTS`` names a folder to look at them in."""

    def keep(page, name):
        folder = os.environ.get("ASL_SCREENSHOTS")
        if folder:
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 800})
                page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)

    return keep
