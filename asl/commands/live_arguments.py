"""The arguments of the command `camera`. Imports nothing heavy."""

import argparse


def add_camera(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `camera`, beside --json."""
    sub.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="N",
        help="port of 127.0.0.1 (default: any that is free)",
    )
    sub.add_argument(
        "--weights", metavar="FILE", help="a recogniser's weights (default: those that ship)"
    )
    sub.add_argument(
        "--hand",
        metavar="FILE",
        help="file of your hand that the page or Recognizer.save_hand wrote (default: none)",
    )
    sub.add_argument(
        "--no-open", action="store_true", help="only print the address, without opening a browser"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)
