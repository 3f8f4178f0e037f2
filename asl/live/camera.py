"""The camera page below a notebook's cell: `asl.camera()`."""

import os
import sys
from html import escape
from typing import Any

from asl.evaluation.report import load_results
from asl.live.server import HOST, LiveServer
from asl.live.session import Session
from asl.recognizer.recognizer import Recognizer

UNATTENDED = "ASL_UNATTENDED"
"""Set in the environment where a notebook runs without anybody in front of it."""

_HEIGHT = 760  # pixels
_open: list["Camera"] = []  # at most one: running the cell again ends what it showed before


class Camera:
    """A camera page that is being served. A notebook shows it as the value of a cell.

    Attributes:
        address: to open in a browser on this machine, None where nobody is there to open it.
    """

    def __init__(self, server: LiveServer | None):
        """Takes a server that has started, or None where nobody is there."""
        self._server = server
        self._attended = server is not None
        self.address = None if server is None else server.address

    def close(self) -> None:
        """Ends the page: from then on no frame is read."""
        if self._server is not None:
            self._server.close()
            self._server = self.address = None

    def __repr__(self) -> str:
        if not self._attended:
            lines = ["Camera: nobody is there to hold a hand up to it.", *_recorded()]
            return "\n".join(lines)
        if self.address is None:
            return "Camera: closed."
        return "\n".join(line for line in (f"Camera: {self.address}", *_advice(self.address)))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        shown = {"text/plain": repr(self)}
        if self.address is not None and not _in_vs_code():
            lines = "<br>".join(map(escape, _advice(self.address)))
            shown["text/html"] = (
                f'<iframe src="{escape(self.address)}" allow="camera" title="Camera" width="100%" '
                f'height="{_HEIGHT}" style="border:0"></iframe><p>{lines}</p>'
            )
        return shown


def camera(recognizer: Recognizer | None = None, *, port: int = 0) -> Camera:
    """Reads the hand in front of your camera, in a page below the cell.

    JupyterLab and Notebook 7 show the page. VS Code allows no camera in a cell's output: open the
    address that is printed in a browser. If the kernel runs on another machine, browsers give the
    camera to a page only through a tunnel to localhost; what is printed says how.

    The frames stay on the machine that runs the kernel, and none is kept. Running the cell again
    ends the page before, and so does the end of the kernel. Where the environment says that nobody
    is there (``ASL_UNATTENDED``), no page is served, and the cell shows what was recorded of one.

    Args:
        recognizer: what reads the frames. None takes the one that ships. Give one that was taught
            or loaded with ``hand=`` if it should know your hand.
        port: of 127.0.0.1. 0 takes any that is free.

    Raises:
        OSError: if the port is taken.
    """
    while _open:
        _open.pop().close()
    if os.environ.get(UNATTENDED):
        return Camera(None)
    server = LiveServer(Session(recognizer or Recognizer.load()), port)
    server.start()
    _open.append(Camera(server))
    return _open[-1]


def _advice(address: str) -> list[str]:
    """Says what else to do where a cell cannot show the page."""
    port = address.split(":")[2].split("/")[0]
    lines = []
    if _in_vs_code():
        lines.append("VS Code gives cells no camera: open this address in a browser.")
    lines.append(
        f"If the kernel runs on another machine, first run ssh -L {port}:{HOST}:{port} MACHINE on "
        "yours, then open the address there."
    )
    return lines


def _recorded() -> list[str]:
    """Says what the project has measured. An installed wheel does not hold that."""
    try:
        measured = load_results("live")
    except FileNotFoundError:
        return []
    page, cores = measured["JupyterLab"], measured["setting"]["cores"]
    rate, wait = page["frames a second"], page["ms from frame to answer, median"]
    return [
        f"Recorded in JupyterLab, on {cores} cores: {rate} frames a second, {wait:.0f} ms from "
        "frame to answer."
    ]


def _in_vs_code() -> bool:
    # Its Jupyter extension puts this name among the notebook's own.
    return "__vsc_ipynb_file__" in vars(sys.modules["__main__"]) or "VSCODE_PID" in os.environ
