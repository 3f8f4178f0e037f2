"""Where the images are: in a folder given or named, here, at Kaggle, or rendered ones."""

import os
from pathlib import Path

from asl.signs import SIGNS

KAGGLE_HANDLE = "ayuraj/asl-dataset/versions/1"  # without a version kagglehub needs the network
FETCH_COMMAND = f"python -c \"import kagglehub; kagglehub.dataset_download('{KAGGLE_HANDLE}')\""

_NESTING = 2  # Kaggle's archive holds the class folders one level down, an unpacked one two


class DatasetError(ValueError):
    """The images cannot be used as they are; the message lists what is wrong with which files."""


class DatasetNotFoundError(DatasetError, FileNotFoundError):
    """No folder with images was found; the message says where it was looked for."""


def find_dataset(data_dir: str | os.PathLike | None = None) -> Path:
    """Finds the images and prints in one line which folder was taken and why.

    Looks at, in this order: `data_dir`, the environment variable `ASL_DATA_DIR`, the folder
    `asl_dataset` here, the Kaggle dataset through kagglehub (downloaded on first use, served from
    its cache without network afterwards), and the rendered hands that ship with the project
    (`asl.stand_in`), on which everything runs, but whose numbers say nothing about photographs.
    What is named by hand must hold images: a mistyped `data_dir` or `ASL_DATA_DIR` is an error,
    never a reason to look elsewhere.

    Args:
        data_dir: a folder with the class folders ``0``-``9``, ``a``-``z``, or one above them.

    Returns:
        The folder that holds the class folders.

    Raises:
        DatasetNotFoundError: if what was named by hand holds no class folders.
        DatasetError: if all else failed and the rendered hands are damaged.
    """
    for given, reason in ((data_dir, "as given"), (os.environ.get("ASL_DATA_DIR"), "ASL_DATA_DIR")):
        if given:
            return _say(existing_root(given, reason), reason)
    local = Path("asl_dataset")
    if (root := class_root(local)) is not None:
        return _say(root, "the project's own folder")
    try:
        return _say(existing_root(_fetch_from_kaggle(), "Kaggle"), f"Kaggle, {KAGGLE_HANDLE}")
    except Exception as error:  # kagglehub raises its own, requests' and the SDK's errors
        why = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:80]}"
    from asl.stand_in import unpack_stand_in  # it imports this module

    print(
        "No photographs: none given, $ASL_DATA_DIR not set, asl_dataset/ holds no class folders, "
        f"Kaggle: {why}\nTo fetch them once, with network and no account:\n  {FETCH_COMMAND}"
    )
    return _say(unpack_stand_in(), "RENDERED HANDS, not photographs: a stand-in")


def class_root(folder: str | os.PathLike) -> Path | None:
    """Returns the topmost folder at or below `folder` that holds class folders, or None.

    Kaggle's archive holds every image twice, in ``asl_dataset/`` and in
    ``asl_dataset/asl_dataset/``; taking the topmost level counts each once.
    """
    level = [Path(folder)]
    for _ in range(_NESTING + 1):
        level = [path for path in level if path.is_dir()]
        for path in level:
            if any((path / sign).is_dir() for sign in SIGNS):
                return path
        level = [sub for path in level for sub in sorted(path.iterdir()) if sub.name[0] != "."]
    return None


def existing_root(folder: str | os.PathLike, reason: str) -> Path:
    """Returns the `class_root`; the error for there being none quotes why one was looked for."""
    root = class_root(folder)
    if root is None:
        found = "it holds none" if Path(folder).is_dir() else "there is no such folder"
        raise DatasetNotFoundError(
            f"expected a folder with class folders 0-9, a-z at '{folder}' ({reason}); {found}. "
            f"To fetch the images:\n  {FETCH_COMMAND}"
        )
    return root


def _fetch_from_kaggle() -> str:
    import kagglehub  # 0.4 s that only a machine without images needs to spend

    return kagglehub.dataset_download(KAGGLE_HANDLE)


def _say(root: Path, reason: str) -> Path:
    print(f"Images: {root} ({reason})")
    return root
