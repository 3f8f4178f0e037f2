import http.client
import json
import shutil
import subprocess
from io import BytesIO

import pytest
import torch
from PIL import Image

from asl import Recognizer
from asl.live.page_files import PAGE
from asl.live.server import LiveServer
from asl.live.session import Session


@pytest.fixture(scope="session")
def recognizer():
    """Untrained, so it answers at random; but always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Recognizer.create(image_size=32)
    made.threshold = 0.25
    return made


@pytest.fixture
def server(recognizer):
    serving = LiveServer(Session(recognizer))
    serving.start()
    yield serving
    serving.close()


@pytest.fixture
def ask(server):
    """Asks the server once: status, headers, and the body, as JSON if it is."""

    def ask(method, path, body=None, *, token=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/{server.token if token is None else token}/{path}"
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.headers["Content-Type"] == "application/json":
            content = json.loads(content)
        return answer.status, answer.headers, content

    return ask


@pytest.fixture
def jpeg():
    """Writes a picture as a camera page posts it."""

    def jpeg(width=64, height=48, colour="gray", format="JPEG", **options):
        content = BytesIO()
        Image.new("RGB", (width, height), colour).save(content, format, **options)
        return content.getvalue()

    return jpeg


@pytest.fixture(scope="session")
def in_node(tmp_path_factory):
    """Runs a script beside the page's modules in Node.js: script, input → its output, as JSON."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js")
    folder = tmp_path_factory.mktemp("page")
    for module in PAGE.glob("*.js"):
        shutil.copy(module, folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def in_node(script, given):
        (folder / "run.js").write_text(script, encoding="utf-8")
        ran = subprocess.run(
            [node, "run.js"], cwd=folder, input=json.dumps(given), capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return in_node
