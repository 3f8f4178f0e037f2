"""What writes into and reads from folders and files that are closed to it.

For `benchmarks/torture.py` and the tests. Root may do everything, so a child process gives up its
rights. That takes root, and a system that forks.
"""

import json
import os
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from full_disks import WRITERS, contents, lay_out
from readers import KINDS

from asl import ASLDataset

NOBODY = 65534
CAN_GIVE_UP_RIGHTS = os.name == "posix" and os.geteuid() == 0

_READ_ONLY, _CLOSED, _OPEN = 0o500, 0o000, 0o700


def as_nobody(work: Callable[[], object]) -> tuple[str, str]:
    """Works in a child process that may do nothing but what everybody may.

    Whatever the work imports should have been imported before: the folder of the packages may be
    closed to it.

    Returns:
        What came of it, "done" or the name of an error's class; and the result or the error in
        words.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    found = "done", str(work())
                except (OSError, ValueError) as error:
                    found = "refused", str(error)
                except BaseException as error:
                    found = type(error).__name__, str(error)
            os.write(writer, json.dumps([text[:10_000] for text in found]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        result = pipe.read()
    os.waitpid(child, 0)
    outcome, words = json.loads(result) if result else ("died", "")
    return outcome, words


@contextmanager
def _folder_of_nobody() -> Iterator[Path]:
    """Yields a new folder that nobody else owns, below folders that all may pass."""
    with tempfile.TemporaryDirectory(dir="/tmp") as above:
        os.chmod(above, 0o755)
        folder = Path(above) / "theirs"
        folder.mkdir()
        yield folder


def _give(folder: Path, mode: int) -> None:
    """Gives a folder and all in it to nobody, and sets the mode of folders."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
        if path.is_dir():
            os.chmod(path, mode)


def write_into_closed(name: str) -> dict[str, Any]:
    """Lets a writer write into folders that may only be read, or not even that.

    There must be an OSError that names the folder, what was there before must still be there, and
    nothing else. Into the same folder it must write as soon as it may.
    """
    torch.set_num_threads(1)
    writer = WRITERS[name]
    counts: Counter[str] = Counter()
    faults: dict[str, list] = {}
    with tempfile.TemporaryDirectory() as there:
        writer.write(Path(there))  # everything that it needs is imported
    with _folder_of_nobody() as folder:
        for old in ({}, writer.old) if writer.old else ({},):
            for mode in (_READ_ONLY, _CLOSED, _OPEN):
                lay_out(folder, old)
                _give(folder, mode)
                outcome, words = as_nobody(lambda: writer.write(folder))
                case = f"{mode:o}, {len(old)} files"
                if mode == _OPEN and outcome != "done" and _packages_are_closed():
                    counts["not tried where it may: packages are closed, too"] += 1
                    continue
                if mode == _OPEN:
                    counts["written"] += outcome == "done"
                    if outcome != "done" or not writer.is_whole(folder):
                        faults.setdefault(f"open, but {outcome}", []).append(f"{case}: {words}")
                    continue
                counts["refused"] += outcome == "refused"
                if outcome != "refused":
                    faults.setdefault(outcome, []).append(f"{case}: {words}")
                elif str(folder) not in words:
                    faults.setdefault("no folder named", []).append(f"{case}: {words}")
                if contents(folder) != old:
                    faults.setdefault("something else left", []).append(case)
        shutil.rmtree(folder)
    return {"counts": counts, "faults": faults}


@cache
def _packages_are_closed() -> bool:
    """Tells whether others may not read what is installed here, such as fonts and templates."""
    return as_nobody(lambda: os.listdir(sys.prefix))[0] != "done"


def read_what_is_closed(name: str) -> dict[str, Any]:
    """Reads a file that is closed, and one in a closed folder. Both must be refused."""
    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    faults: dict[str, list] = {}
    with _folder_of_nobody() as folder:
        for what in ("file", "folder"):
            _lay_out_whole(name, folder)
            _read(name, folder)  # everything that it needs is imported
            _lay_out_whole(name, folder)
            before = sorted(contents(folder).values())
            _give(folder, _OPEN if what == "file" else _CLOSED)
            if what == "file":
                for path in contents(folder):
                    os.chmod(folder / path, 0)
            outcome, words = as_nobody(lambda: _read(name, folder))
            refused = outcome == "refused" or (outcome, words) == ("done", "None")
            counts["refused"] += refused
            if not refused:
                faults.setdefault(outcome, []).append(f"a closed {what}: {words}")
            if sorted(contents(folder).values()) != before:
                faults.setdefault("something else left", []).append(what)
        shutil.rmtree(folder)
    return {"counts": counts, "faults": faults}


FOLDER_OF_PICTURES = "folder of pictures"
READ = (*KINDS, FOLDER_OF_PICTURES)


def _lay_out_whole(name: str, folder: Path) -> None:
    if name == FOLDER_OF_PICTURES:
        picture = KINDS["picture"].whole()[0]
        lay_out(folder, {"a/1.png": picture, "b/2.png": picture})
    else:
        lay_out(folder, {"file": KINDS[name].whole()[0]})


def _read(name: str, folder: Path) -> object:
    if name == FOLDER_OF_PICTURES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # most signs are missing
            return ASLDataset(folder, progress=False)
    return KINDS[name].read(folder / "file")
