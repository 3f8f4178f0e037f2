"""`asl.camera()` in a cell of JupyterLab."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

CODE = "import asl\n\nasl.camera()"


@pytest.fixture
def lab(tmp_path):
    """JupyterLab with one notebook: its address."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = new_notebook(cells=[new_code_cell(CODE)], metadata={"kernelspec": kernel})
    nbformat.write(book, tmp_path / "story.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k != "ASL_UNATTENDED"}
    environment |= {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--log-level=ERROR",
    ]
    command += [f"--port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    address = f"http://localhost:{port}/lab/tree/story.ipynb"
    with subprocess.Popen(command, env=environment, cwd=tmp_path) as running:
        try:
            for _ in range(240):
                try:
                    with urllib.request.urlopen(f"http://localhost:{port}/api", timeout=5):
                        break
                except OSError:
                    time.sleep(0.5)
            yield address
        finally:
            running.terminate()


def test_the_page_is_below_the_cell_and_has_the_camera(lab, open_page, keep):
    page = open_page(lab, [("b", 1)], signer=3, strict=False)
    page.wait_for_selector(".jp-CodeCell .cm-content")
    page.click(".jp-CodeCell .cm-content")
    page.keyboard.press("Shift+Enter")
    best = page.frame_locator("iframe[title=Camera]").locator("#best")
    best.filter(has_text=re.compile("^b$")).wait_for()
    keep(page, "jupyterlab")
