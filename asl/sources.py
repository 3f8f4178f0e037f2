"""Where the images are: a folder that you name, this project's own, Kaggle's, or the stand-in.

The stand-in is a set of rendered hands that ships with the project (`make stand-in` renders it
again).
"""

import hashlib
import io
import json
import os
import textwrap
import zipfile
from pathlib import Path

from asl.decoding import shown
from asl.files import CHECKOUT, cache_folder, remove_leftovers, written_whole
from asl.folders import (
    DatasetError,
    DatasetNotFoundError,
    class_folders,
    class_root,
    images_in,
)

KAGGLE_HANDLE = "ayuraj/asl-dataset/versions/1"  # without a version kagglehub needs the network
KAGGLE_IMAGES = 2515
FETCH_COMMAND = f"python -c \"import kagglehub; kagglehub.dataset_download('{KAGGLE_HANDLE}')\""

ARCHIVE = Path(__file__).with_name("rendered_signers.zip")
_LISTING = ".files.json"  # names and sizes, beside what was unpacked


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
        PermissionError: if it may not be read, or the project's own may not.
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
        why = f"{kind}: {words}"
        if not isinstance(error, DatasetError):  # ours names a folder, which must be read whole
            why = textwrap.shorten(why, 120, placeholder=" …")
    print(
        "No photographs: none given, $ASL_DATA_DIR not set, asl_dataset/ holds no class folders, "
        f"Kaggle: {why}\nTo fetch them once, with network and no account:\n  {FETCH_COMMAND}"
    )
    return _say(unpack_stand_in(), "RENDERED HANDS, not photographs: a stand-in")


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
    root = class_root(folder)
    found = sum(len(images_in(path)) for _, path in class_folders(root)) if root else 0
    if root is None or found != KAGGLE_IMAGES:
        raise DatasetError(
            f"expected {KAGGLE_IMAGES:,} images in '{shown(folder)}', found {found:,}: remove that "
            "folder first, since kagglehub fetches nothing again while it is there"
        )
    return root


def _say(root: Path, reason: str) -> Path:
    print(f"Images: {shown(root)} ({reason})")
    return root


# --- the stand-in -------------------------------------------------------------------------------


def unpack_stand_in() -> Path:
    """Unpacks the rendered hands into the `asl.files.cache_folder`, once, and returns the folder.

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
    folder = cache_folder() / f"rendered-signers-{expected[:12]}"
    remove_leftovers(folder)
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
    """Returns whether every file that was unpacked into a folder is there, in its whole size."""
    try:
        sizes = json.loads((folder / _LISTING).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def checksum_of(archive: Path) -> Path:
    """Returns the file that holds an archive's SHA-256."""
    return archive.with_suffix(".sha256")
