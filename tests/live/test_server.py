import concurrent.futures
import socket
import threading
import time

import pytest

from asl.live import server as module
from asl.live.server import LiveServer
from asl.live.session import Session


def test_it_listens_on_this_machine_only_under_a_new_token(server, recognizer):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    other = LiveServer(Session(recognizer))
    other.server_close()
    assert other.token != server.token and len(server.token) >= 32
    assert server.address == f"http://127.0.0.1:{server.server_port}/{server.token}/"


def test_a_taken_port_is_told(server, recognizer):
    with pytest.raises(OSError, match=f"cannot listen on port {server.server_port} of 127.0.0.1: "):
        LiveServer(Session(recognizer), server.server_port)


def test_a_closed_server_frees_its_port(recognizer):
    first = LiveServer(Session(recognizer))
    first.start()
    first.close()
    first.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", first.server_port), timeout=2)


def test_no_name_is_looked_up(recognizer, monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    for name in ("getfqdn", "gethostbyaddr", "gethostbyname", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    LiveServer(Session(recognizer)).server_close()


def test_a_thousand_requests_at_once_are_answered_or_refused(server, ask, jpeg):
    picture, most = jpeg(), []
    done = threading.Event()

    def watch():
        while not done.is_set():
            most.append((threading.active_count(), len(server._deadlines)))
            time.sleep(0.01)

    def post(_):
        try:
            return ask("POST", "frame", picture, Content_Type="image/jpeg")[0]
        except OSError:  # refused before it was read
            return None

    watching = threading.Thread(target=watch)
    watching.start()
    with concurrent.futures.ThreadPoolExecutor(100) as crowd:
        statuses = [*crowd.map(post, range(1000))]
    done.set()
    watching.join()
    assert {*statuses} <= {200, 503, None} and statuses.count(200) > 10
    threads, connections = map(max, zip(*most, strict=True))
    # Beside the crowd: the connections, and a few that are just ending.
    assert connections <= module._MOST_CONNECTIONS and threads <= 100 + 2 * connections + 10
    assert ask("POST", "frame", picture, Content_Type="image/jpeg")[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST /%s/frame HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Type: image/jpeg\r\n"
        b"Content-Length: 1000\r\n\r\n\xff\xd8\xff",
    ],
)
def test_whoever_sends_slowly_is_cut_off(sent, server, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as slow:
        slow.sendall(sent.replace(b"%s", server.token.encode()))
        while slow.recv(1000):  # an answer may come, and then an end
            pass
    for _ in range(200):
        if not server._deadlines:
            break
        time.sleep(0.05)
    assert not server._deadlines


def test_slow_ones_do_not_keep_others_out_for_long(server, ask, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.5)
    slow = []
    for _ in range(3 * module._MOST_CONNECTIONS):
        slow.append(socket.create_connection(("127.0.0.1", server.server_port), timeout=20))
    for _ in range(200):
        try:
            if ask("GET", "recognizer.json")[0] == 200:
                break
        except OSError:
            pass
        time.sleep(0.05)
    else:
        raise AssertionError("the slow ones kept everybody out")
    for one in slow:
        one.close()
