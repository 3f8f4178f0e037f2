import http.client
import sys

import pytest

import asl
from asl.evaluation import report
from asl.live import camera as module


@pytest.fixture(autouse=True)
def attended(monkeypatch):
    for name in ("ASL_UNATTENDED", "VSCODE_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "_open", [])
    yield
    for left in module._open:
        left.close()


def asked(shown):
    port, token = shown.address.split(":")[2].split("/")[:2]
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    connection.request("GET", f"/{token}/recognizer.json")
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_cell_shows_the_page_with_the_camera_allowed(recognizer):
    shown = asl.camera(recognizer)
    assert asked(shown) == 200
    bundle = shown._repr_mimebundle_()
    assert f'<iframe src="{shown.address}" allow="camera"' in bundle["text/html"]
    assert shown.address in bundle["text/plain"] and "ssh -L" in bundle["text/plain"]


def test_running_the_cell_again_ends_the_page_before(recognizer):
    first = asl.camera(recognizer)
    address = first.address
    second = asl.camera(recognizer)
    assert first.address is None and second.address != address and asked(second) == 200
    second.close()
    assert second.address is None
    assert second._repr_mimebundle_() == {"text/plain": "Camera: closed."}


@pytest.mark.parametrize("told_by", ["the notebook's names", "the environment"])
def test_vs_code_is_told_to_open_a_browser(told_by, recognizer, monkeypatch):
    if told_by == "the environment":
        monkeypatch.setenv("VSCODE_PID", "1")
    else:
        monkeypatch.setattr(sys.modules["__main__"], "__vsc_ipynb_file__", "x", raising=False)
    bundle = asl.camera(recognizer)._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "VS Code gives cells no camera: open this address in a browser" in bundle["text/plain"]


def unattended(recognizer, monkeypatch):
    monkeypatch.setenv(module.UNATTENDED, "1")
    shown = asl.camera(recognizer)
    assert shown.address is None and not module._open
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    return bundle["text/plain"].splitlines()


def test_where_nobody_is_there_nothing_is_served_but_what_was_recorded(recognizer, monkeypatch):
    first, second = unattended(recognizer, monkeypatch)
    assert "nobody is there" in first
    speed = asl.load_results("live")["JupyterLab"]
    assert f"{speed['frames a second']} frames a second" in second
    assert f"{speed['ms from frame to answer, median']:.0f} ms" in second


def test_an_installed_wheel_has_no_record_to_show(recognizer, monkeypatch, tmp_path):
    monkeypatch.setattr(report, "CHECKOUT", tmp_path)
    (line,) = unattended(recognizer, monkeypatch)
    assert "nobody is there" in line
