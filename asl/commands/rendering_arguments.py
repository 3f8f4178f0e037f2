"""The arguments of the commands about rendered hands. Imports nothing heavy."""

import argparse

from asl.commands.arguments import Distinct, add_numbers, count, new_folder, output_file
from asl.signs import SIGNS

# What `asl.rendering` defines in modules that import torch: a test holds these, and the defaults
# below, equal to it.
LIGHTS = ("bot", "dif", "left", "right", "top")
TAUGHT = ("d", "f", "g", "h", "k", "m", "n", "p", "q", "s", "t", "x", "z")
_LIGHTS = ("dif", "top")


def add_synthesize(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `synthesize`, beside --json."""
    sub.add_argument("folder", type=new_folder, metavar="DIR", help="a new folder, or an empty one")
    numbers = (
        ("signers", count, 5, "N", "how many people"),
        ("seed", int, 0, "N", "which people; the same number draws the same people"),
        ("size", int, 400, "PIXELS", "side of the pictures, 16 to 2048"),
        ("frames", count, 5, "N", "pictures in a burst"),
        ("quality", int, 92, "N", "quality of the JPEGs, 1 to 95"),
        ("turned", float, 1.0, "FACTOR", "how far hands are turned, relative to the dataset's"),
    )
    add_numbers(sub, numbers)
    sub.add_argument(
        "--signs",
        nargs="+",
        action=Distinct,
        choices=SIGNS,
        default=SIGNS,
        metavar="SIGN",
        help=f"which signs (default: all {len(SIGNS)})",
    )
    sub.add_argument(
        "--lights",
        nargs="+",
        action=Distinct,
        choices=LIGHTS,
        default=_LIGHTS,
        metavar="LIGHT",
        help=f"any of {' '.join(LIGHTS)}, with one burst each (default: {' '.join(_LIGHTS)})",
    )
    sub.add_argument(
        "--taught",
        nargs="*",
        action=Distinct,
        choices=TAUGHT,
        metavar="SIGN",
        help="make half of these signs as they are usually taught; the dataset's people make them "
        f"differently. Without SIGN: {' '.join(TAUGHT)} (default: none)",
    )
    sub.add_argument("--workers", type=count, metavar="N", help="processes (default: all cores)")
    sub.add_argument(
        "--force",
        action="store_true",
        help="replace DIR and everything in it, if an earlier call has made it",
    )


def add_compare(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `compare`, beside --data and --json."""
    sub.add_argument(
        "folder", metavar="DIR", help="more images, for example rendered hands; drawn above --data"
    )
    sub.add_argument(
        "--output",
        type=output_file,
        metavar="FILE",
        default="build/compare.png",
        help="the picture; do not publish photographs in it (default: %(default)s)",
    )
