"""The camera page's server: one address of this machine, few connections, each of them short.

It is the standard library's, so the page needs no further package. It listens on 127.0.0.1 only,
and every address contains a random token: whoever does not know it gets nothing.
"""

import contextlib
import os
import secrets
import socket
import socketserver
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from typing import Any

from asl.live.handler import Handler
from asl.live.session import Session

HOST = "127.0.0.1"
_MOST_CONNECTIONS = 24  # a browser keeps six open
_SECONDS = 15  # that a connection may take in all, however slowly it sends
_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class LiveServer(ThreadingHTTPServer):
    """Serves one `Session` until it is closed.

    Attributes:
        session: what reads the frames.
        token: the first part of every path.
        address: to open in a browser on this machine.
    """

    allow_reuse_address = os.name == "posix"  # elsewhere two programs could share the port
    daemon_threads = True
    block_on_close = False  # whoever is slow does not keep the program from ending
    request_queue_size = 128

    def __init__(self, session: Session, port: int = 0):
        """Takes a port, but serves nothing yet.

        Args:
            session: what reads the frames.
            port: 0 takes any that is free.

        Raises:
            OSError: if the port is taken. The message says so.
        """
        self.session = session
        self.token = secrets.token_urlsafe(24)
        self._deadlines: dict[Any, float] = {}  # of the open connections
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            reason = error.strerror or error
            raise OSError(f"cannot listen on port {port} of {HOST}: {reason}") from None
        self.address = f"http://{HOST}:{self.server_port}/{self.token}/"

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # the class between asks the network for a name
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    def start(self) -> None:
        """Serves in a thread of its own, which ends with the program."""
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        """Ends serving and frees the port. More than once does no harm."""
        self.shutdown()
        self.server_close()
        self.session.close()

    # --- what keeps a crowd out -------------------------------------------------------------------

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if len(self._deadlines) < _MOST_CONNECTIONS:
            self._deadlines[request] = time.monotonic() + _SECONDS
            return True
        with contextlib.suppress(OSError):
            request.settimeout(0)
            request.send(_BUSY)
        return False

    def service_actions(self) -> None:
        """Ends connections that take too long. The loop that accepts new ones calls this."""
        now = time.monotonic()
        for request, deadline in list(self._deadlines.items()):
            if now > deadline:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)  # its thread reads an end and returns

    def shutdown_request(self, request: Any) -> None:
        self._deadlines.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a browser that left is no error
            super().handle_error(request, client_address)
