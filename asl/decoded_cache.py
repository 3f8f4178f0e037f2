"""Decodes the images of a folder once for all programs: the next one maps them into its memory.

The name of a file of decoded images tells what they depend on: the pictures' names, sizes and
times, `asl`'s decoding, and Pillow. So one that does not fit any more is not found.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing.context import get_spawning_popen
from pathlib import Path

import PIL
from PIL import features
from torch import Tensor

from asl import decoding, picture_bounds
from asl.decoded_files import DecodedFile, facts_of, is_ours, read_decoded, write_decoded
from asl.decoding import decode_all, shown
from asl.files import cache_folder, remove_leftovers

SUFFIX = ".asl-images"
_MOST = 10.0  # GB of all files together, unless ASL_CACHE_GB says otherwise


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
            key = _key(
                files, root
            )  # before they are read: what is changed meanwhile does not fit it
            place = f"{_hash(folder, size)[:12]}-{_decoder()[:8]}"
            path = decoded_folder() / f"{place}-{key[:20]}{SUFFIX}"
            if (found := _find(path, key, files, size)) is not None:
                return found
            _make_room(path, len(files) * 3 * size**2, place)
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


# --- how much is kept -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A file of decoded images.

    Attributes:
        path: the file.
        folder: where the pictures are, or "" if the file is damaged or of another version.
        shape: of the images, (N, 3, S, S), or ().
        size: of the file, in bytes.
        used: when it was last used, in seconds since 1970.
    """

    path: Path
    folder: str
    shape: tuple[int, ...]
    size: int
    used: float


def decoded_folder() -> Path:
    """Returns the folder of all files of decoded images."""
    return cache_folder() / "decoded"


def most_bytes() -> float:
    """Returns how many bytes all files may take together.

    Raises:
        ValueError: if ``$ASL_CACHE_GB`` is no number of at least 0.
    """
    text = os.environ.get("ASL_CACHE_GB") or str(_MOST)
    try:
        most = float(text)
    except ValueError:
        most = -1
    if not most >= 0:
        raise ValueError(f"expected a number of gigabytes in ASL_CACHE_GB, found {text!r}")
    return most * 1e9


def entries() -> list[Entry]:
    """Returns all files of decoded images, the last used first."""
    found = []
    for path in decoded_folder().glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
            if path.is_file() and is_ours(path):
                status = path.stat()
                folder, shape = _described(path)
                found.append(Entry(path, folder, shape, status.st_size, status.st_mtime))
    return sorted(found, key=lambda entry: entry.used, reverse=True)


def _described(path: Path) -> tuple[str, tuple[int, ...]]:
    try:
        facts = facts_of(path)
    except ValueError:
        return "", ()
    return facts["folder"], tuple(facts["shape"])


def clear() -> list[Entry]:
    """Removes all files of decoded images, and returns those that are gone."""
    _remove_leftovers(decoded_folder())
    return [entry for entry in entries() if _remove(entry.path)]


def _make_room(path: Path, needed: int, place: str) -> None:
    """Removes what the file does not fit beside: what it replaces, and what was not used for long.

    Raises:
        OSError: if there is too little room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path.parent)
    most = most_bytes()
    if needed > most:
        raise OSError(
            f"they take {needed / 1e9:.2f} GB, more than the {most / 1e9:g} GB of ASL_CACHE_GB"
        )
    kept = 0
    for entry in entries():
        kept += entry.size
        if (entry.path.name.startswith(place) or kept + needed > most) and _remove(entry.path):
            kept -= entry.size
    if needed > (free := shutil.disk_usage(path.parent).free) / 2:
        raise OSError(
            f"they take {needed / 1e9:.2f} GB, more than half of the {free / 1e9:.2f} GB that are "
            f"free in '{path.parent}'"
        )


def _remove_leftovers(folder: Path) -> None:
    """Removes the drafts of programs that were killed."""
    for draft in folder.glob(f".*{SUFFIX}.draft-*"):
        remove_leftovers(folder / draft.name[1:].partition(".draft-")[0])


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:  # Windows does not remove what is mapped
        return False
    return True


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
