"""The arguments of the command that runs a notebook. Imports nothing heavy."""

import argparse
from pathlib import Path

from asl.commands.arguments import count, output_folder


def add_notebook(sub: argparse.ArgumentParser) -> None:
    """Declares the arguments of `notebook`, beside --json."""
    sub.add_argument("notebook", type=Path, metavar="FILE", help="the notebook; it is not changed")
    sub.add_argument(
        "--output-dir",
        type=output_folder,
        default="build",
        metavar="DIR",
        help="folder for the executed notebook and the page (default: %(default)s)",
    )
    sub.add_argument(
        "--timeout",
        type=count,
        default=600,
        metavar="SECONDS",
        help="how long a cell may run (default: %(default)s)",
    )
