"""What every long job shares: a progress bar, and files that appear whole or not at all."""

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

_REPLACED = "replaced"  # the old folder's name while a new one takes its place


def progress_bar(items: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """Iterates with a bar that erases itself, in a terminal or a notebook.

    The bar is plain text on standard output, so it needs no widgets, and whatever is printed next
    takes its place in a saved notebook. ``TQDM_DISABLE=1`` turns it off.
    """
    return tqdm(items, description, total, leave=False, file=sys.stdout, unit_scale=True)


@contextmanager
def written_whole(path: str | os.PathLike, *, replace: bool = True) -> Iterator[Path]:
    """Gives a block a draft to write, and the draft its name once the block has ended.

    The draft lies in a hidden folder beside `path`, so an error or an interruption leaves what
    was there before. Several processes may write the same path: each has its own draft, and the
    last one to finish wins. A draft whose process was killed is removed by the next writer of that
    path. A symbolic link keeps pointing to its target, which is replaced.

    Args:
        path: of a file or a folder. Missing parent folders are made. A device such as
            ``/dev/null`` is written directly.
        replace: take the place of what is there. If False, a file or folder that somebody else made
            in the meantime stays, and the draft is dropped.

    Yields:
        Where to write the file or make the folder: the same name as `path`, in another folder.

    Raises:
        OSError: if the draft cannot be written or cannot take the name.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not (target.is_file() or target.is_dir()):
        yield target
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    prefix = f"{_prefix(target)}{os.getpid()}-"
    with tempfile.TemporaryDirectory(
        prefix=prefix, dir=target.parent, ignore_cleanup_errors=True
    ) as folder:
        draft = Path(folder) / target.name
        yield draft
        _reach_the_disk(draft)
        if replace and draft.is_dir() and target.is_dir():
            _replace_folder(draft, target)
        elif replace or not target.exists():
            _take_name(draft, target, replace)
    if os.name == "posix":
        _sync(target.parent)  # the name, too, survives a loss of power


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file in UTF-8 that appears whole or not at all; see `written_whole`."""
    with written_whole(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _prefix(target: Path) -> str:
    return f".{target.name}.draft-"


def _remove_leftovers(target: Path) -> None:
    """Removes the drafts of processes that no longer run."""
    if os.name != "posix":  # elsewhere there is no harmless way to ask whether a process runs
        return
    prefix = _prefix(target)
    for left in target.parent.glob(f"{glob.escape(prefix)}*"):
        pid = left.name.removeprefix(prefix).split("-")[0]
        # A process killed while it replaced a folder left the only copies here.
        if pid.isdecimal() and not _runs(int(pid)) and not (left / _REPLACED).exists():
            shutil.rmtree(left, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, as somebody else's
        return True
    return True


def _reach_the_disk(draft: Path) -> None:
    """Waits until a file, or a folder with all that is in it, is on the disk."""
    if draft.is_file():
        _sync(draft)
    elif hasattr(os, "sync"):  # one call for thousands of images
        os.sync()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_name(draft: Path, target: Path, replace: bool) -> None:
    try:
        os.replace(draft, target)
    except OSError:
        if replace or not target.exists():  # else another process was faster
            raise


def _replace_folder(draft: Path, target: Path) -> None:
    """Swaps a folder for a new one; the old one goes only once the new one has its name."""
    old = draft.parent / _REPLACED
    os.rename(target, old)
    try:
        os.rename(draft, target)
    except OSError:
        os.rename(old, target)
        raise
