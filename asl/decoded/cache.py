"""Decodes the images of a folder once for all programs: the next one maps them into its memory.

The name of a file of decoded images tells what they depend on: the pictures' names, sizes and
times, `asl`'s decoding, and Pillow. So one that does not fit any more is not found.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import warnings
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from multiprocessing.context import get_spawning_popen
from pathlib import Path

import PIL
from PIL import features
from torch import Tensor

from asl import decoding, picture_bounds
from asl.decoded.mapped_file import DecodedFile, read_decoded, write_decoded
from asl.decoded.room import SUFFIX, decoded_folder, make_room, most_bytes
from asl.decoding import decode_all, shown
from asl.files import locked

_WAITING = "Waiting for another process that decodes the same images."


def decode_once(
    files: Sequence[str], size: int, *, progress: bool = True
) -> tuple[Tensor, dict[str, str], DecodedFile | None]:
    """Returns what `asl.decoding.decode_all` does, from a file that an earlier call has made.

    Otherwise they are decoded into such a file. If they cannot be, a warning says why, once in a
    process, and they are decoded into memory.

    Args:
        files: pictures in the class folders of one folder.
        size, progress: as in `decode_all`.

    Returns:
        images: uint8 (number of readable files, 3, S, S), in the order of the files
        unreadable: path → reason
        made: the file that the images are mapped from, or None
    """
    if files and most_bytes():
        root = os.path.dirname(os.path.dirname(files[0]))
        folder = os.path.realpath(root)
        try:
            # Before they are read: what is changed in the meantime does not fit the key.
            key = _key(files, root)
            place = f"{_hash(folder, size)[:12]}-{_decoder()[:8]}"
            path = decoded_folder() / f"{place}-{key[:20]}{SUFFIX}"
            if (found := _find(path, key, files, size)) is not None:
                return found
            with locked(path.with_name(f".{place}.lock"), _WAITING if progress else None):
                if (found := _find(path, key, files, size)) is not None:  # somebody was faster
                    return found
                make_room(path, len(files) * 3 * size**2, place)
                unreadable = write_decoded(path, key, folder, files, size, progress=progress)
            if (found := _find(path, key, files, size, unreadable)) is not None:
                return found
        except OSError as error:
            _warn_once(f"decoded images are not kept for the next time: {shown(error)}")
    return *decode_all(files, size, progress=progress), None


def _find(
    path: Path,
    key: str,
    files: Sequence[str],
    size: int,
    unreadable: dict[str, str] | None = None,
) -> tuple[Tensor, dict[str, str], DecodedFile] | None:
    """Returns what `decode_once` does, if a file is there and whole.

    Pictures that could not be read are tried again, unless the reasons are given. Reasons are not
    kept, since some of them go without a change of the picture.
    """
    try:
        found = read_decoded(path, key, len(files))
        images = found.mapped()
    except (OSError, ValueError):
        return None
    if unreadable is None:
        missing = [file for file, read in zip(files, found.readable, strict=True) if not read]
        _, unreadable = decode_all(missing, size, progress=False)
        if len(unreadable) < len(missing):
            return None
    with contextlib.suppress(OSError):  # somebody else's
        os.utime(path)  # when it was last used
    return images, unreadable, found


# --- what images depend on ------------------------------------------------------------------------


def _key(files: Sequence[str], root: str) -> str:
    """Returns a key that differs when pictures below a folder come, go or change."""
    digest = hashlib.sha256(_decoder().encode())
    start = len(os.path.join(root, ""))
    for file in files:
        try:
            # The last one also tells of rights, and of other content with the old time.
            found = os.stat(file)
            facts = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
        except OSError:
            facts = "gone"
        digest.update(f"{file[start:]}\0{facts}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()


@functools.cache
def _decoder() -> str:
    """Returns a key of the code that decodes."""
    sources = [Path(module.__file__ or "").read_bytes() for module in (decoding, picture_bounds)]
    versions = [PIL.__version__, features.version("libjpeg_turbo"), features.version("jpg")]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        versions.append(importlib.metadata.version("pillow-heif"))
    return _hash(versions, *sources)


def _hash(*values: object) -> str:
    return hashlib.sha256(repr(values).encode(errors="surrogatepass")).hexdigest()


@functools.cache
def _warned() -> list:
    return []


def _warn_once(text: str) -> None:
    if not _warned():
        _warned().append(text)
        warnings.warn(text, stacklevel=4)


# --- to other processes ---------------------------------------------------------------------------

_by_name = ContextVar("_by_name", default=False)


@contextlib.contextmanager
def sent_by_name() -> Iterator[None]:
    """Lets images that are pickled in a block stay where they are: others map the same file.

    It is for processes that begin at once. Those that `multiprocessing` starts need no such block.
    """
    token = _by_name.set(True)
    try:
        yield
    finally:
        _by_name.reset(token)


def to_send(images: Tensor, made: DecodedFile | None) -> Tensor | DecodedFile:
    """Returns what to pickle: the images, or for a process that begins the file that holds them."""
    begins = _by_name.get() or get_spawning_popen() is not None
    return made if begins and made is not None and made.holds(images) else images
