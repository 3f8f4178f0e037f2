"""Answers one request to the camera page's server, or refuses it with the reason."""

import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from asl.live.page_files import CONTENT_TYPES, page_files
from asl.live.session import Busy

if TYPE_CHECKING:
    from asl.live.server import LiveServer

MOST_BYTES = 2_000_000  # of what is posted
_SECONDS = 5  # to wait for the next bytes
_NAMES = ("127.0.0.1", "localhost")  # another name for this machine is an attack (DNS rebinding)
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self' http://127.0.0.1:* http://localhost:*",  # a notebook
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address is the key
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class _Refused(Exception):
    """A status, and why."""

    def __init__(self, status: HTTPStatus, why: str):
        super().__init__(why)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """One connection, which is closed after its first answer."""

    server: "LiveServer"
    timeout = _SECONDS
    server_version, sys_version = "asl", ""

    def do_GET(self) -> None:  # noqa: N802
        self._answer(self._get)

    def do_POST(self) -> None:  # noqa: N802
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the page shows what happens."""

    # --- routes -----------------------------------------------------------------------------------

    def _get(self, path: str) -> tuple[bytes, str]:
        if path == "recognizer.json":
            return _json(self.server.session.facts())
        if path == "my_hand.safetensors":
            return self.server.session.hand_file(), "application/octet-stream"
        file = page_files().get(path or "index.html")
        if file is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is no such page")
        return file.read_bytes(), CONTENT_TYPES[file.suffix]

    def _post(self, path: str) -> tuple[bytes, str]:
        session = self.server.session
        what, _, sign = path.partition("/")
        if path == "frame":
            return _json(session.read(self._body("image/jpeg")))
        if what == "teach":
            return _json(session.teach(sign, self._body("image/jpeg")))
        if what == "forget":
            return _json(session.forget(sign or None))
        raise _Refused(HTTPStatus.NOT_FOUND, "there is no such page")

    # --- what may come in -------------------------------------------------------------------------

    def _answer(self, route: Any) -> None:
        try:
            content, kind = route(self._path())
            status = HTTPStatus.OK
        except _Refused as refused:
            status = refused.status
            content, kind = _json({"error": str(refused)})
        except Busy as busy:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            content, kind = _json({"error": str(busy)})
        except ValueError as error:  # what was sent is not what it should be
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            content, kind = _json({"error": str(error)})
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _path(self) -> str:
        """Returns what is asked for below the token, once it is known that we are meant."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].rpartition(":")[0] not in _NAMES:
            raise _Refused(
                HTTPStatus.MISDIRECTED_REQUEST, f"open this page at {' or '.join(_NAMES)}"
            )
        if any(origin != f"http://{hosts[0]}" for origin in self.headers.get_all("Origin") or []):
            raise _Refused(HTTPStatus.FORBIDDEN, "other pages may not use this one")
        token, slash, path = urlsplit(self.path).path.removeprefix("/").partition("/")
        if not (slash and secrets.compare_digest(token.encode(), self.server.token.encode())):
            raise _Refused(HTTPStatus.NOT_FOUND, "the address is not whole: use the one printed")
        return path

    def _body(self, kind: str) -> bytes:
        """Reads what was posted: of one type, and of a length that is told first."""
        if self.headers.get_content_type() != kind:
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {kind}")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if len(length) > 12 or int(length) > MOST_BYTES:
            raise _Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MOST_BYTES:,} bytes"
            )
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise _Refused(HTTPStatus.BAD_REQUEST, "the connection ended too early")
        return body


def _json(value: Any) -> tuple[bytes, str]:
    return json.dumps(value, allow_nan=False).encode(), CONTENT_TYPES[".json"]
