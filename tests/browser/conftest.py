"""Chromium with a fake camera, driven by Playwright, where ASL_BROWSER_TESTS=1 asks for it."""

import contextlib
import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from asl import Recognizer
from asl.live.server import LiveServer
from asl.live.session import Session
from tests.browser.scenes import write_video

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# On a busy machine everything takes long. What is waited for comes within seconds on an idle one.
PATIENCE = 120_000  # milliseconds


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
    """Opens a page before whose camera a film is shown: (address, shots, …) → page.

    An error that a script of the page does not catch fails the test, if `strict`.
    """
    errors: list[str] = []
    with contextlib.ExitStack() as stack:

        def open_page(address, shots=(), *, camera="allowed", strict=True, **options):
            arguments = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
            if camera != "none":
                arguments += ["--use-fake-device-for-media-stream"]
            if camera == "allowed":
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


@pytest.fixture
def server(shipped):
    """The page as `asl camera` serves it."""
    serving = LiveServer(Session(shipped))
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
