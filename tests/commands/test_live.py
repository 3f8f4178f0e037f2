import http.client
import os
import signal
import subprocess
import sys
from functools import partial

from asl.commands import live


def test_the_page_is_served_until_ctrl_c(weights, tmp_path):
    command = [sys.executable, "-m", "asl", "camera", "--no-open", "--weights", weights]
    # What a shell starts in the background, perhaps these tests, does not hear Ctrl-C.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL) if os.name == "posix" else None
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = subprocess.Popen(command, text=True, preexec_fn=heard, **pipes)
    try:
        address = running.stderr.readline().removeprefix("open ").strip()
        assert address.startswith("http://127.0.0.1:")
        port, token = address.split(":")[2].split("/")[:2]
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
        connection.request("GET", f"/{token}/")
        assert connection.getresponse().status == 200
        connection.close()
        running.send_signal(signal.SIGINT if os.name == "posix" else signal.CTRL_C_EVENT)
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0 and out == "closed after 0 frames\n" and "Traceback" not in err


def test_a_browser_is_opened_at_the_address(run, weights, monkeypatch):
    opened = []
    monkeypatch.setattr(live.webbrowser, "open", opened.append)

    def interrupted(self, _):
        raise KeyboardInterrupt

    monkeypatch.setattr(live.LiveServer, "serve_forever", interrupted)
    status, out, err = run("camera", "--weights", weights)
    assert status == 0 and out == "closed after 0 frames\n"
    assert len(opened) == 1 and f"open {opened[0]}" in err


def test_weights_that_are_none_are_one_message(run, tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    status, out, err = run("camera", "--no-open", "--weights", tmp_path / "x")
    assert status == 2 and out == "" and err.startswith("error: ")
