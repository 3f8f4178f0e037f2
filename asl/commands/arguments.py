"""Reads arguments that several commands take."""

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from asl.files import check_folder_writable, check_writable


def count(text: str) -> int:
    """Reads a number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text!r}")
    return int(text)


class Distinct(argparse.Action):
    """Stores several values and refuses one that is given twice."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Sequence[Any] | Any,
        option_string: str | None = None,
    ) -> None:
        for value in values:
            if values.count(value) > 1:
                raise argparse.ArgumentError(self, f"expected each only once, found {value} twice")
        setattr(namespace, self.dest, values)


# argparse turns a ValueError into its own message after the usage, and lets an OSError pass. So an
# output that cannot be written is one line, like all that is wrong with files.


def output_file(text: str) -> Path:
    """Reads the path of a file to write; raises OSError as `asl.files.check_writable`."""
    check_writable(text)
    return Path(text)


def output_folder(text: str) -> Path:
    """Reads the path of a folder to write files into, which need not exist yet."""
    check_folder_writable(Path(os.path.realpath(text)), text)
    return Path(text)


def new_folder(text: str) -> Path:
    """Reads the path of a folder that will appear whole, beside which its draft is written."""
    check_folder_writable(Path(os.path.realpath(text)).parent, text)
    return Path(text)


def add_corrected(sub: argparse.ArgumentParser) -> None:
    """Declares --corrected."""
    sub.add_argument(
        "--corrected", action="store_true", help="use the corrected labels of asl.signs.CORRECTIONS"
    )


def add_numbers(
    sub: argparse.ArgumentParser, options: Iterable[tuple[str, Callable, float, str, str]]
) -> None:
    """Declares options that take a number: name, type, default, what help calls it, and help."""
    for name, kind, usual, metavar, text in options:
        sub.add_argument(
            f"--{name}",
            type=kind,
            default=usual,
            metavar=metavar,
            help=f"{text} (default: %(default)s)",
        )
