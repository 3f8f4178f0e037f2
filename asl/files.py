"""What all modules share: files that appear whole or not at all, progress bars, extras, workers."""

import contextlib
import errno
import glob
import multiprocessing
import os
import platform
import re
import shutil
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import IO, TypeVar

from platformdirs import user_cache_path
from tqdm import tqdm

CHECKOUT = Path(__file__).parents[1]
"""The folder of this project, if it is installed in place. Elsewhere it holds nothing of ours."""

T = TypeVar("T")

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT} if os.name == "posix" else {errno.ENOSPC}


def cache_folder() -> Path:
    """Returns the folder for what can be made again: ``$ASL_CACHE_DIR``, or the user's cache."""
    return Path(os.environ.get("ASL_CACHE_DIR") or user_cache_path("asl-recognition"))


def install_hint(extra: str) -> str:
    """Returns the command that installs an extra, in the checkout or without one."""
    if (CHECKOUT / f"requirements-{extra}.txt").is_file():
        return f"in the project's folder, pip install -e .[{extra}]"
    try:
        wanted = metadata.requires("asl-recognition") or []
    except metadata.PackageNotFoundError:
        wanted = []
    parted = (requirement.split(";") for requirement in wanted)
    packages = [name.strip() for name, *rest in parted if f'extra == "{extra}"' in "".join(rest)]
    return f"pip install {' '.join(packages) or f'asl-recognition[{extra}]'}"


def progress_bar(items: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """Passes items on and shows a bar that erases itself, in a terminal or a notebook.

    The bar is plain text on standard output, so it needs no widgets, and whatever is printed next
    takes its place in a saved notebook. ``TQDM_DISABLE=1`` in the environment turns it off.
    """
    return tqdm(items, description, total, leave=False, file=sys.stdout, unit_scale=True)


@contextlib.contextmanager
def written_whole(
    path: str | os.PathLike, *, replace: bool = True, sync: bool = True
) -> Iterator[Path]:
    """Yields a draft to write, which takes the name `path` once the block has ended.

    The draft lies in a hidden folder beside `path`, so an error or an interruption leaves what was
    there before. Each process has its own draft, and the last one to finish wins. If a process is
    killed, the next writer of that path removes its draft. A symbolic link keeps pointing to its
    target, which is replaced. Replacing a folder takes two renames. If a process is killed between
    them, the hidden folder keeps both the old folder and the new one until a later writer succeeds.

    Args:
        path: a file or a folder. Missing parent folders are made. Anything else, such as
            ``/dev/null`` or a pipe, is written directly.
        replace: replace what is there. If False, what another process has put there in the meantime
            stays, and the draft is dropped.
        sync: wait until everything is on the disk. If False, a loss of power may leave a file
            of that name with other content, so whoever reads it must check it.

    Yields:
        Where to write: the same name as `path`, in another folder.

    Raises:
        OSError: if the draft cannot be written or cannot take the name. That of a full disk names
            `path`, whatever wrote the draft.
    """
    given = Path(path)
    if given.exists() and not (given.is_file() or given.is_dir()):
        yield given
        return
    target = Path(os.path.realpath(given))
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target)
    prefix = f"{_prefix(target)}{os.getpid()}-"
    with (
        _naming(given),
        tempfile.TemporaryDirectory(
            prefix=prefix, dir=target.parent, ignore_cleanup_errors=True
        ) as folder,
    ):
        draft = Path(folder) / target.name
        yield draft
        if sync:
            _reach_the_disk(draft)
        if replace and draft.is_dir() and target.is_dir():
            _swap_folders(draft, target)
        elif replace or not target.exists():
            _take_name(draft, target, replace)
    if sync and os.name == "posix":
        # The name, too, survives a loss of power. Some network drives cannot promise that.
        with contextlib.suppress(OSError):
            _sync(target.parent)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Adds the path to the error of a full disk, which only tells of it where a file is opened."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_leftovers(path: str | os.PathLike) -> None:
    """Removes the drafts of `path` that killed processes have left.

    The next writer does so, too. But one that was killed after its last file took its name is
    followed by no other: so whatever finds a finished file and goes on calls this.
    """
    if os.name != "posix":  # elsewhere there is no harmless way to ask whether a process runs
        return
    target = Path(os.path.realpath(path))
    prefix = _prefix(target)
    for left in target.parent.glob(f"{glob.escape(prefix)}*"):
        process = re.fullmatch(r"(\d{1,9})-\w+", left.name.removeprefix(prefix))
        if process is None or _runs(int(process[1])):
            continue
        # Without `target`, the process was killed between two renames: these are the only copies.
        # os.path, since Path.exists raises an error where somebody else's folder is closed to us.
        if target.exists() or not os.path.exists(_old_folder(left / target.name)):
            shutil.rmtree(left, ignore_errors=True)


def check_writable(path: str | os.PathLike) -> None:
    """Raises OSError unless a file can be written. Its folder need not exist yet.

    Removes what killed writers of that file have left, see `remove_leftovers`.
    """
    given = Path(path)
    if given.is_dir():
        raise IsADirectoryError(f"expected a file to write, found the folder '{path}'")
    if given.exists() and not given.is_file():
        return  # /dev/null or a pipe, which is written directly
    target = Path(os.path.realpath(given))
    check_folder_writable(target.parent, path)
    remove_leftovers(target)


def check_folder_writable(folder: Path, given: str | os.PathLike) -> None:
    """Raises OSError, naming what was given, unless files can be written into a folder."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(
            f"cannot write '{given}': '{there}' is a file, not a folder. Give another path"
        )
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = error.strerror or error
        text = f"cannot write '{given}': no file can be made in '{there}': {reason}. "
        text += "Give another path, or allow writing there"
        raise OSError(text) from None


@contextlib.contextmanager
def locked(path: str | os.PathLike, waiting: str | None) -> Iterator[None]:
    """Lets one process at a time into a block; others wait.

    The lock ends with its process, however that ends. Where the file system knows no locks,
    nobody waits.

    Args:
        path: an empty file that stands for the lock, and goes with it. Missing folders are made.
        waiting: what those who wait print, if anything.
    """
    given = Path(path)
    given.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with open(given, "a+b") as file:
            _wait_for(file, waiting)
            if not _is_at(file, given):  # removed by who had it before
                continue
            try:
                yield
            finally:
                with contextlib.suppress(OSError):  # Windows does not remove what is open
                    given.unlink()
            return


def _wait_for(file: IO[bytes], waiting: str | None) -> None:
    if os.name == "posix":
        import fcntl

        with contextlib.suppress(OSError):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting is not None:
                    print(waiting, flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def end_with_parent() -> None:
    """Ends this process as soon as the one that started it has ended, even if it was killed."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file in UTF-8 that appears whole or not at all; see `written_whole`."""
    with written_whole(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _prefix(target: Path) -> str:
    # Machines may share a folder, and a process number means nothing on another machine.
    machine = zlib.crc32(platform.node().encode())
    return f".{target.name}.draft-{machine:08x}-"


def _old_folder(draft: Path) -> Path:
    """Returns where the old folder lies while a new one takes its name."""
    return draft.with_name(f"{draft.name}~")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, as another user
        return True
    return True


def _reach_the_disk(draft: Path) -> None:
    """Waits until a file, or a folder with everything in it, is on the disk."""
    if draft.is_file():
        _sync(draft)
    elif draft.is_dir() and hasattr(os, "sync"):  # one call for thousands of images
        os.sync()


def _sync(path: Path) -> None:
    # Windows syncs only what is open for writing; elsewhere a draft may be read-only.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
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


def _swap_folders(draft: Path, target: Path) -> None:
    """Puts a new folder in an old one's place; the old one goes once the new one has its name."""
    old = _old_folder(draft)
    try:
        os.rename(target, old)
        os.rename(draft, target)
    except BaseException:  # an interruption must not lose the old folder either
        if old.exists() and not target.exists():
            os.rename(old, target)
        raise
