"""Where the images are: a folder that you name, this project's own, Kaggle's, or the stand-in.

The stand-in are rendered hands that ship with the project (`make stand-in` renders them again).
"""

import contextlib
import hashlib
import io
import json
import os
import textwrap
import warnings
import zipfile
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from platformdirs import user_cache_path

from asl.decoding import IMAGE_SUFFIXES, shown
from asl.files import CHECKOUT, written_whole
from asl.signs import SIGNS

T = TypeVar("T")

KAGGLE_HANDLE = "ayuraj/asl-dataset/versions/1"  # without a version kagglehub needs the network
KAGGLE_IMAGES = 2515
FETCH_COMMAND = f"python -c \"import kagglehub; kagglehub.dataset_download('{KAGGLE_HANDLE}')\""

ARCHIVE = Path(__file__).with_name("rendered_signers.zip")
_LISTING = ".files.json"  # names and sizes, beside what was unpacked
_NESTING = 2  # Kaggle's archive holds the class folders one level down, an unpacked one two
_SIGN_OF = {name: sign for sign in SIGNS for name in (sign, sign.upper())}  # of a class folder
_NO_CONTENT = ("thumbs.db", "desktop.ini")  # Windows leaves these in folders of images


class DatasetError(ValueError):
    """The images cannot be used as they are; the message lists what is wrong with which files."""


class DatasetNotFoundError(DatasetError, FileNotFoundError):
    """No folder with images was found; the message says where it was looked for."""


def find_dataset(data_dir: str | os.PathLike | None = None) -> Path:
    """Finds the images and prints in one line which folder was taken and why.

    It looks in this order: `data_dir`; the environment variable `ASL_DATA_DIR`; the folder
    `asl_dataset` here or in the checkout of this project; the Kaggle dataset, which kagglehub
    downloads on first use and then serves from its cache; and the rendered hands that ship with the
    project, whose numbers say nothing about photographs. A folder that you name must hold images.

    Args:
        data_dir: as in `asl.ASLDataset`.

    Returns:
        The folder that holds the class folders.

    Raises:
        DatasetNotFoundError: if a folder that you named holds no class folders.
        DatasetError: if it holds several sets of them, such as ``train`` and ``test``.
    """
    for given, reason in ((data_dir, "as given"), (os.environ.get("ASL_DATA_DIR"), "ASL_DATA_DIR")):
        if given:
            return _say(existing_root(given, reason), reason)
    for local in (Path("asl_dataset"), CHECKOUT / "asl_dataset"):
        if (root := class_root(local)) is not None:
            return _say(root, "the project's own folder")
    try:
        return _say(_whole_from_kaggle(), f"Kaggle, {KAGGLE_HANDLE}")
    except Exception as error:  # kagglehub raises its own, requests' and the SDK's errors
        kind = type(error).__name__
        words = (str(error).strip().splitlines() or ["no message"])[0]
        if "Connection" in kind:  # whose words are addresses and the names of other errors
            words = "it cannot be reached"
        why = textwrap.shorten(f"{kind}: {words}", 120, placeholder=" …")
    print(
        "No photographs: none given, $ASL_DATA_DIR not set, asl_dataset/ holds no class folders, "
        f"Kaggle: {why}\nTo fetch them once, with network and no account:\n  {FETCH_COMMAND}"
    )
    return _say(unpack_stand_in(), "RENDERED HANDS, not photographs: a stand-in")


def class_root(folder: str | os.PathLike) -> Path | None:
    """Returns the topmost folder at or below `folder` that holds class folders, or None.

    Kaggle's archive holds every image twice, one level apart. The topmost level is taken.

    Raises:
        DatasetError: if several folders of one level hold class folders.
    """
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


def images_in(folder: Path) -> list[Path]:
    """Returns the images directly in a folder, sorted by name. A missing folder has none."""
    return [path for path in _files_in(folder) if path.suffix.lower() in IMAGE_SUFFIXES]


def not_images_in(folder: Path) -> list[Path]:
    """Returns the other files directly in a folder, sorted by name, which nobody reads."""
    return [path for path in _files_in(folder) if path.suffix.lower() not in IMAGE_SUFFIXES]


def files_by_sign(
    folders: Sequence[tuple[T, Path]],
) -> tuple[dict[Path, T], list[Path], dict[Path, str]]:
    """Lists class folders: each image with its sign, other files, and why a folder is not read."""
    images: dict[Path, T] = {}
    others: list[Path] = []
    closed = {}
    for sign, folder in folders:
        try:
            images |= dict.fromkeys(images_in(folder), sign)
            others += not_images_in(folder)
        except PermissionError:
            closed[folder] = "a folder that may not be read"
    return images, others, closed


def images_by_sign(root: Path, home: Path | None) -> tuple[dict[Path, str], dict[Path, str]]:
    """Returns each image in the class folders of a folder with its sign, sorted by sign and name.

    The second table tells why a class folder is not read. Warns of other files, and of links that
    lead out of `home`, which are left out. Raises a DatasetError if there is nothing to read.
    """
    signs, others, closed = files_by_sign(class_folders(root))
    words = [names_of(others)] if others else []
    if home is not None and (outside := _outside(signs, home)):
        words.append(
            f"{len(outside)} link(s) that lead out of '{shown(home)}', which follow_links=True "
            f"follows: {_first(outside)}"
        )
        signs = {path: sign for path, sign in signs.items() if path not in outside}
    left_out = f"left out {'; '.join(words)}" if words else ""
    if not signs and not closed:
        raise DatasetError(
            f"expected images ({', '.join(IMAGE_SUFFIXES)}) in the class folders of "
            f"'{shown(root)}', found none" + (f"; {left_out}" if left_out else "")
        )
    if left_out:
        warnings.warn(left_out, stacklevel=3)
    return signs, closed


def _outside(paths: Iterable[Path], home: Path) -> set[Path]:
    """Returns the files that are elsewhere than in a folder, as they or their folders are links."""
    inside, real = Path(os.path.realpath(home)), cache(os.path.realpath)
    return {
        path
        for path in paths
        if not Path(real(path if path.is_symlink() else path.parent)).is_relative_to(inside)
    }


def names_of(paths: Sequence[Path]) -> str:
    """Says in a message how many files there are, their suffixes, and the first of them."""
    kinds = shown(", ".join(sorted({path.suffix.lower() or "no suffix" for path in paths})))
    return f"{len(paths)} file(s) that are not images ({kinds}): {_first(paths)}"


def _first(paths: Collection[Path]) -> str:
    first = [shown(Path(path.parent.name, path.name)) for path in sorted(paths)[:5]]
    return ", ".join(first) + (", …" if len(paths) > 5 else "")


def report_unreadable(unreadable: dict[Path, str], skipped: bool) -> None:
    """Warns of images that were skipped, or raises a DatasetError, naming each with its reason."""
    first = "".join(f"\n  {shown(path)}: {why}" for path, why in list(unreadable.items())[:10])
    more = f"\n  and {len(unreadable) - 10} more" if len(unreadable) > 10 else ""
    message = f"{len(unreadable)} unreadable image file(s)"
    if skipped:
        warnings.warn(f"left out {message}:{first}{more}", stacklevel=3)
    else:
        hint = "Remove or replace them, or pass on_error='skip' to leave them out."
        raise DatasetError(f"found {message}:{first}{more}\n{hint}")


def _files_in(folder: Path) -> list[Path]:
    if not os.path.isdir(folder):
        return []
    if not os.access(folder, os.R_OK | os.X_OK):  # without X its names can be read, but no file
        raise PermissionError(f"the folder '{shown(folder)}' may not be read")
    # Hidden files are no content. In archives macOS leaves '._name.jpeg' beside 'name.jpeg'.
    visible = (path for path in folder.iterdir() if path.name[0] != ".")
    return sorted(
        path for path in visible if os.path.isfile(path) and path.name.lower() not in _NO_CONTENT
    )


def existing_root(folder: str | os.PathLike, reason: str) -> Path:
    """Returns the `class_root`. If there is none, the error says why one was looked for."""
    root = class_root(folder)
    if root is None:
        found = "it holds none" if os.path.isdir(folder) else "there is no such folder"
        raise DatasetNotFoundError(
            f"expected a folder with class folders 0-9, a-z at '{shown(folder)}' ({reason}); "
            f"{found}. To fetch the images:\n  {FETCH_COMMAND}"
        )
    return root


def _fetch_from_kaggle() -> str:
    import kagglehub  # 0.4 s that only a machine without images needs to spend

    return kagglehub.dataset_download(KAGGLE_HANDLE)


def _whole_from_kaggle() -> Path:
    folder = _fetch_from_kaggle()
    root = existing_root(folder, "Kaggle")
    found = sum(len(images_in(path)) for _, path in class_folders(root))
    if found != KAGGLE_IMAGES:
        raise DatasetError(
            f"expected {KAGGLE_IMAGES:,} images, found {found:,}: remove '{folder}' to fetch them "
            "again"
        )
    return root


def _say(root: Path, reason: str) -> Path:
    print(f"Images: {shown(root)} ({reason})")
    return root


# --- the stand-in -------------------------------------------------------------------------------


def unpack_stand_in() -> Path:
    """Unpacks the rendered hands into the user's cache directory, once, and returns the folder.

    It appears whole or not at all, and is unpacked again if a file was removed or cut since.

    Raises:
        DatasetError: if the archive is missing or damaged.
        OSError: if it cannot be unpacked. Nothing half-written stays.
    """
    files = (ARCHIVE, checksum_of(ARCHIVE))
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise DatasetError(f"expected the rendered images, found no {', '.join(missing)}")
    expected = checksum_of(ARCHIVE).read_text().strip()
    folder = user_cache_path("asl-recognition") / f"rendered-signers-{expected[:12]}"
    if _has_all(folder):
        return folder
    archive = ARCHIVE.read_bytes()
    digest = hashlib.sha256(archive).hexdigest()
    if digest != expected:
        raise DatasetError(
            f"expected the rendered images in '{ARCHIVE}' with SHA-256 {expected[:12]}…, found "
            f"{digest[:12]}… in {len(archive):,} bytes: fetch the file again"
        )
    with written_whole(folder, replace=folder.exists()) as draft:
        zipfile.ZipFile(io.BytesIO(archive)).extractall(draft)
        sizes = {p.relative_to(draft).as_posix(): p.stat().st_size for p in draft.rglob("*.*")}
        (draft / _LISTING).write_text(json.dumps(sizes), encoding="utf-8")
    return folder


def _has_all(folder: Path) -> bool:
    """Tells whether every file that was unpacked into a folder is there, in its whole size."""
    try:
        sizes = json.loads((folder / _LISTING).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def checksum_of(archive: Path) -> Path:
    """Returns the file that holds an archive's SHA-256."""
    return archive.with_suffix(".sha256")
