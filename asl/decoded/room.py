"""The folder of all files of decoded images: what is there, what may stay, how much it may take."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from asl.decoded.mapped_file import facts_of, is_ours
from asl.files import cache_folder, remove_leftovers

SUFFIX = ".asl-images"
_MOST = 10.0  # GB of all files together, unless ASL_CACHE_GB says otherwise


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


def make_room(path: Path, needed: int, place: str) -> None:
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
