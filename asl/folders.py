"""What lies in a dataset's folder: class folders, images, other files, and links that lead out."""

import contextlib
import os
import stat
import warnings
from collections.abc import Collection, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from asl.decoding import IMAGE_SUFFIXES, shown
from asl.signs import SIGNS

T = TypeVar("T")

_NESTING = 2  # Kaggle's archive holds the class folders one level down, an unpacked one two
_SIGN_OF = {name: sign for sign in SIGNS for name in (sign, sign.upper())}  # of a class folder
_NO_CONTENT = ("thumbs.db", "desktop.ini")  # Windows leaves these in folders of images


class DatasetError(ValueError):
    """The images cannot be used as they are; the message lists what is wrong with which files."""


class DatasetNotFoundError(DatasetError, FileNotFoundError):
    """No folder with images was found; the message says where it was looked for."""


def class_root(folder: str | os.PathLike) -> Path | None:
    """Returns the topmost folder at or below `folder` that holds class folders, or None.

    Kaggle's archive holds every image twice, one level apart. The topmost level is taken.

    Raises:
        DatasetError: if several folders of one level hold class folders.
        PermissionError: if `folder` may not be read.
    """
    check_readable(folder)
    level = [Path(folder)]
    for _ in range(_NESTING + 1):
        level = [path for path in level if os.path.isdir(path)]
        roots = [path for path in level if class_folders(path)]
        if len(roots) > 1:
            raise DatasetError(
                f"expected one set of class folders at or below '{shown(folder)}', found "
                f"{len(roots)}: name one of them. Each is a dataset of its own, for example "
                + " and ".join(f"asl.ASLDataset({str(root)!r})" for root in roots[:3])
            )
        if roots:
            return roots[0]
        level = [sub for path in level for sub in _entries(path) if sub.name[0] != "."]
    return None


def class_folders(root: Path) -> list[tuple[str, Path]]:
    """Returns (sign, folder) of each class folder in a folder, by sign; ``A`` counts as ``a``."""
    named = ((_SIGN_OF[path.name], path) for path in _entries(root) if path.name in _SIGN_OF)
    return sorted((sign, path) for sign, path in named if os.path.isdir(path))


def _entries(folder: Path) -> list[Path]:
    """Returns what is in a folder, sorted. A folder that may not be read has nothing to find."""
    with contextlib.suppress(PermissionError):
        return sorted(folder.iterdir())
    return []


def check_readable(folder: str | os.PathLike) -> None:
    """Raises PermissionError if a folder may not be read, or one above it."""
    try:
        closed = stat.S_ISDIR(os.stat(folder).st_mode)
        # Without X the names in it can be read, but no file.
        closed = closed and not os.access(folder, os.R_OK | os.X_OK)
    except PermissionError:
        closed = True
    except (OSError, ValueError):  # there is no such folder
        return
    if closed:
        raise PermissionError(f"the folder '{shown(folder)}' may not be read")


def images_in(folder: Path) -> list[Path]:
    """Returns the images directly in a folder, sorted by name. A missing folder has none.

    A name is enough: links that lead nowhere are among them.
    """
    return [folder / file.name for file in _files_in(folder) if _is_image(file.name)]


def files_by_sign(
    folders: Sequence[tuple[T, Path]], home: Path | None
) -> tuple[dict[Path, T], list[Path], list[Path], dict[Path, str]]:
    """Lists class folders.

    Args:
        folders: (sign, folder) of each.
        home: links that lead out of it are left out. None follows them.

    Returns:
        images: each with its sign
        others: files that are not images
        outside: links to images that lead out of `home`
        closed: each folder that is not read, and why
    """
    images, others, outside, closed = _by_sign(folders, home)
    return {Path(path): sign for path, sign in images.items()}, others, outside, closed


def _by_sign(
    folders: Sequence[tuple[T, Path]], home: Path | None
) -> tuple[dict[str, T], list[Path], list[Path], dict[Path, str]]:
    """Returns what `files_by_sign` does, with texts: to make 87,000 `Path`s takes a second."""
    images: dict[str, T] = {}
    others: list[Path] = []
    outside: list[Path] = []
    closed = {}
    inside = None if home is None else Path(os.path.realpath(home))
    for sign, folder in folders:
        try:
            files = _files_in(folder)
        except PermissionError:
            closed[folder] = "a folder that may not be read"
            continue
        leads_out = inside is not None and _is_outside(folder, inside)
        for file in files:
            if not _is_image(file.name):
                others.append(folder / file.name)
            elif inside is not None and (
                _is_outside(folder / file.name, inside) if file.is_symlink() else leads_out
            ):
                outside.append(folder / file.name)
            else:
                images[f"{folder}{os.sep}{file.name}"] = sign
    return images, others, outside, closed


def images_by_sign(root: Path, home: Path | None) -> tuple[dict[str, str], dict[Path, str]]:
    """Returns each image in the class folders of a folder with its sign, sorted by sign and name.

    The second table tells why a class folder is not read. Warns of other files, and of links that
    lead out of `home`, which are left out. Raises a DatasetError if there is nothing to read.
    """
    signs, others, outside, closed = _by_sign(class_folders(root), home)
    words = left_out(others, outside, home, "follow_links=True")
    if not signs and not closed:
        raise DatasetError(
            f"expected images ({', '.join(IMAGE_SUFFIXES)}) in the class folders of "
            f"'{shown(root)}', found none" + (f"; {words}" if words else "")
        )
    if words:
        warnings.warn(words, stacklevel=3)
    return signs, closed


def left_out(
    others: Sequence[Path], outside: Sequence[Path], home: Path | None, option: str
) -> str:
    """Says in a message which files are left out, as `files_by_sign` lists them, if there are any.

    Args:
        others, outside, home: as there.
        option: what follows links.
    """
    words = []
    if others:
        kinds = shown(", ".join(sorted({path.suffix.lower() or "no suffix" for path in others})))
        words.append(f"{len(others)} file(s) that are not images ({kinds}): {_first(others)}")
    if outside:
        words.append(
            f"{len(outside)} link(s) that lead out of '{shown(home)}', which {option} follows: "
            f"{_first(outside)}"
        )
    return f"left out {'; '.join(words)}" if words else ""


def _is_outside(path: Path, inside: Path) -> bool:
    """Returns whether a link leads out of a folder, whose real path is given."""
    return not Path(os.path.realpath(path)).is_relative_to(inside)


def _first(paths: Collection[Path]) -> str:
    first = [shown(Path(path.parent.name, path.name)) for path in sorted(paths)[:5]]
    return ", ".join(first) + (", …" if len(paths) > 5 else "")


def report_unreadable(unreadable: dict[str, str], skipped: bool) -> None:
    """Warns of images that were skipped, or raises a DatasetError, naming each with its reason."""
    first = "".join(f"\n  {shown(path)}: {why}" for path, why in list(unreadable.items())[:10])
    more = f"\n  and {len(unreadable) - 10} more" if len(unreadable) > 10 else ""
    message = f"{len(unreadable)} unreadable image file(s)"
    if skipped:
        warnings.warn(f"left out {message}:{first}{more}", stacklevel=3)
    else:
        hint = "Remove or replace them, or pass on_error='skip' to leave them out."
        raise DatasetError(f"found {message}:{first}{more}\n{hint}")


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)


def _files_in(folder: Path) -> list[os.DirEntry[str]]:
    """Returns what is directly in a folder but no folder, sorted by name.

    The disk is not asked about each. Links that lead nowhere and pipes are there, so that whoever
    reads them names them: else a folder of links whose targets were moved would shrink unnoticed.
    """
    if not os.path.isdir(folder):
        return []
    check_readable(folder)
    with os.scandir(folder) as entries:
        # Hidden files are no content. In archives macOS leaves '._name.jpeg' beside 'name.jpeg'.
        visible = [entry for entry in entries if entry.name[0] != "." and not _is_folder(entry)]
    visible.sort(key=attrgetter("name"))
    return [entry for entry in visible if entry.name.lower() not in _NO_CONTENT]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a folder that may not be read
        return False
