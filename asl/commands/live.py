"""The command `camera`."""

import argparse
import sys
import threading
import webbrowser

from asl.live.server import LiveServer
from asl.live.session import Session
from asl.recognizer.recognizer import Recognizer


def camera(options: argparse.Namespace) -> tuple[dict, str]:
    """Serves the camera page until Ctrl-C."""
    recognizer = Recognizer.load(options.weights, hand=options.hand)
    server = LiveServer(Session(recognizer), options.port)
    print(f"open {server.address}\nCtrl-C ends it.", file=sys.stderr, flush=True)
    if not options.no_open:
        # Some systems' openers return only when the browser is closed.
        threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
    try:
        server.serve_forever(0.1)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        server.server_close()
        server.session.close()
    return {"address": server.address, "frames": server.session.frames}, (
        f"closed after {server.session.frames:,} frames"
    )
