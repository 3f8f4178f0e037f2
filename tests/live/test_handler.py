import http.client

import pytest
import torch

from asl.live.handler import MOST_BYTES

PICTURE = {"Content_Type": "image/jpeg"}


def test_the_page_comes_with_strict_headers(ask):
    status, headers, content = ask("GET", "")
    assert status == 200 and b"<html" in content
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy and "*;" not in policy.replace(":*;", ";")
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_frame_is_answered(ask, jpeg):
    status, _, answer = ask("POST", "frame", jpeg(64, 48), **PICTURE)
    assert status == 200 and (answer["width"], answer["height"]) == (64, 48)
    assert len(answer["confidence"]) == 32 and len(answer["log_probs"]) == 36
    assert len(answer["box"]) == 4 and 0 <= answer["hand"] <= 1


@pytest.mark.parametrize(
    "path",
    ["../server.py", "%2e%2e/server.py", "..%2fserver.py", "/etc/passwd", "nowhere", "__init__.py"],
)
def test_no_file_is_served_but_the_pages_own(path, ask):
    assert ask("GET", path)[0] == 404


@pytest.mark.parametrize("token", ["", "x", "%C3%A4", "x" * 32])
def test_without_the_token_there_is_nothing(token, ask, jpeg):
    for method, path, body in (("GET", "", None), ("POST", "frame", jpeg())):
        status, _, answer = ask(method, path, body, token=token, **PICTURE)
        assert status == 404 and "use the one printed" in answer["error"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil:80", "[::1]:80", ""]
)
def test_another_name_for_this_machine_is_refused(host, ask, jpeg):
    assert ask("GET", "", Host=host)[0] == 421
    assert ask("POST", "frame", jpeg(), Host=host, **PICTURE)[0] == 421


def test_a_tunnel_may_have_another_port(ask):
    assert ask("GET", "", Host="localhost:9999")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8888", ""])
def test_other_pages_are_refused(origin, ask, server, jpeg):
    for method, body in (("GET", None), ("POST", jpeg())):
        status, _, answer = ask(method, "frame", body, Origin=origin, **PICTURE)
        assert status == 403 and answer["error"] == "other pages may not use this one"
    own = f"http://127.0.0.1:{server.server_port}"
    assert ask("POST", "frame", jpeg(), Origin=own, **PICTURE)[0] == 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x", {"Content_Type": "text/plain"}, 415),
        (b"x", {}, 415),
        (b"x", PICTURE | {"Content_Length": "-1"}, 411),
        (b"x", PICTURE | {"Content_Length": "1e3"}, 411),
        (b"x", PICTURE | {"Content_Length": "9" * 5000}, 413),
        (b"x", PICTURE | {"Content_Length": str(MOST_BYTES + 1)}, 413),
        (b"x", PICTURE | {"Transfer_Encoding": "chunked"}, 411),
        (b"", PICTURE, 422),
        (b"not a picture", PICTURE, 422),
    ],
)
def test_what_is_no_frame_is_refused(body, headers, status, ask, jpeg):
    found, _, answer = ask("POST", "frame", body, **headers)
    assert found == status and answer["error"].startswith("expected ")
    assert ask("POST", "frame", jpeg(), **PICTURE)[0] == 200  # it goes on


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE"])
def test_no_other_methods(method, ask):
    assert ask(method, "frame")[0] == 501


def test_a_crowd_of_headers_is_refused(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.request("GET", "/", headers={f"X-{i}": "x" for i in range(200)})
    assert connection.getresponse().status == 431
    connection.close()


def test_a_sign_is_taught_saved_and_forgotten(ask, server, jpeg):
    graph = server.session._graph
    server.session._graph = lambda pixels: graph(pixels)._replace(hand=torch.tensor(0.9))
    assert ask("GET", "my_hand.safetensors")[0] == 422  # nothing yet
    assert ask("POST", "teach/a", jpeg(), **PICTURE)[2]["taught"] == {"a": 1}
    status, headers, content = ask("GET", "my_hand.safetensors")
    assert status == 200 and headers["Content-Type"] == "application/octet-stream"
    assert b"asl-hand" in content
    assert ask("POST", "forget/b")[2]["taught"] == {"a": 1}
    assert ask("POST", "forget/")[2]["taught"] == {}
    for path in ("teach/A", "teach/", "teach/ab/c", "forget/%C3%A4"):
        status, _, answer = ask("POST", path, jpeg(), **PICTURE)
        assert status == 422 and answer["error"].startswith("expected a sign of 0-9, a-z")
