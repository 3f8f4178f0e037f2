"""Reads arguments that several commands take."""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


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
    """Reads the path of a file to write, whose folder need not exist yet.

    Raises:
        OSError: if it cannot be written. A command should not find that out after hours of work.
    """
    path = Path(text)
    if path.is_dir():
        raise IsADirectoryError(f"expected a file to write, found the folder '{text}'")
    if not path.exists() or path.is_file():  # else it is /dev/null or a pipe, written directly
        _check_folder(Path(os.path.realpath(path)).parent, text)
    return path


def output_folder(text: str) -> Path:
    """Reads the path of a folder to write files into, which need not exist yet.

    Raises:
        OSError: if no file can be written there.
    """
    _check_folder(Path(os.path.realpath(text)), text)
    return Path(text)


def _check_folder(folder: Path, given: str) -> None:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"cannot write '{given}': '{there}' is a file, not a folder")
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"cannot write '{given}': no file can be made in '{there}': {reason}"
        ) from None
