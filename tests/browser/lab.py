"""JupyterLab with one cell, which Playwright runs."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook


@contextmanager
def jupyter_lab(folder: Path, code: str) -> Iterator[str]:
    """Runs JupyterLab on a notebook of one cell; yields the notebook's address."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = new_notebook(cells=[new_code_cell(code)], metadata={"kernelspec": kernel})
    nbformat.write(book, folder / "story.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k != "ASL_UNATTENDED"}
    environment |= {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--log-level=ERROR", f"--port={port}", "--IdentityProvider.token="]
    command += [f"--ServerApp.root_dir={folder}"]
    with subprocess.Popen(command, env=environment, cwd=folder) as running:
        try:
            for _ in range(240):
                try:
                    with urllib.request.urlopen(f"http://localhost:{port}/api", timeout=5):
                        break
                except OSError:
                    time.sleep(0.5)
            yield f"http://localhost:{port}/lab/tree/story.ipynb"
        finally:
            running.terminate()


def run_cell(page: Any) -> None:
    """Runs the cell and waits for the camera's page below it.

    JupyterLab shows a notebook before it takes keys. So they are pressed until it does.
    """
    begun = page.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"[*\d]"))
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached")
    for _ in range(60):
        page.click(".jp-CodeCell .cm-content")
        page.keyboard.press("Control+Enter")  # adds no cell
        page.wait_for_timeout(3000)  # milliseconds
        if begun.count():
            break
    page.wait_for_selector("iframe[title=Camera]")
