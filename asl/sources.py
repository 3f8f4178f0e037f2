"""Where the images are, and how one is opened.

The photographs are in a folder that you name, in this project or at Kaggle. For machines without
them, rendered hands ship with the project as a stand-in; `make stand-in` renders and packs them
again.
"""

import hashlib
import io
import os
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from platformdirs import user_cache_path

from asl.files import write_text, written_whole
from asl.signs import SIGNS

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")

KAGGLE_HANDLE = "ayuraj/asl-dataset/versions/1"  # without a version kagglehub needs the network
FETCH_COMMAND = f"python -c \"import kagglehub; kagglehub.dataset_download('{KAGGLE_HANDLE}')\""

ARCHIVE = Path(__file__).with_name("rendered_signers.zip")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same images make the same archive, whenever it is packed
_MOST_PIXELS = 89_478_485  # where Pillow begins to warn of a decompression bomb
_NESTING = 2  # Kaggle's archive holds the class folders one level down, an unpacked one two


class DatasetError(ValueError):
    """The images cannot be used as they are; the message lists what is wrong with which files."""


class DatasetNotFoundError(DatasetError, FileNotFoundError):
    """No folder with images was found; the message says where it was looked for."""


def find_dataset(data_dir: str | os.PathLike | None = None) -> Path:
    """Finds the images and prints in one line which folder was taken and why.

    It looks in this order: `data_dir`; the environment variable `ASL_DATA_DIR`; the folder
    `asl_dataset` here; the Kaggle dataset, which kagglehub downloads on first use and then serves
    from its cache without network; and the rendered hands that ship with the project
    (`unpack_stand_in`). Everything runs on those, but their numbers say nothing about photographs.
    A folder that you name must hold images: a mistyped `data_dir` or `ASL_DATA_DIR` is an error,
    never a reason to look elsewhere.

    Args:
        data_dir: a folder with the class folders ``0``-``9``, ``a``-``z``, or one above them.

    Returns:
        The folder that holds the class folders.

    Raises:
        DatasetNotFoundError: if a folder that you named holds no class folders.
        DatasetError: if nothing else was found and the rendered hands are damaged.
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
        words = str(error).strip().splitlines() or ["no message"]
        why = f"{type(error).__name__}: {words[0][:80]}"
    print(
        "No photographs: none given, $ASL_DATA_DIR not set, asl_dataset/ holds no class folders, "
        f"Kaggle: {why}\nTo fetch them once, with network and no account:\n  {FETCH_COMMAND}"
    )
    return _say(unpack_stand_in(), "RENDERED HANDS, not photographs: a stand-in")


def class_root(folder: str | os.PathLike) -> Path | None:
    """Returns the topmost folder at or below `folder` that holds class folders, or None.

    Kaggle's archive holds every image twice, in ``asl_dataset/`` and in
    ``asl_dataset/asl_dataset/``. Taking the topmost level counts each image once.
    """
    level = [Path(folder)]
    for _ in range(_NESTING + 1):
        level = [path for path in level if path.is_dir()]
        for path in level:
            if any((path / sign).is_dir() for sign in SIGNS):
                return path
        level = [sub for path in level for sub in sorted(path.iterdir()) if sub.name[0] != "."]
    return None


def images_in(folder: Path) -> list[Path]:
    """Returns the images directly in a folder, sorted by name. A missing folder has none."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        # Hidden files are not images. In archives macOS leaves '._name.jpeg' beside 'name.jpeg'.
        if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "." and path.is_file()
    )


def existing_root(folder: str | os.PathLike, reason: str) -> Path:
    """Returns the `class_root`. If there is none, the error says why one was looked for."""
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


# --- opening an image ----------------------------------------------------------------------------


def open_rgb(path: str | os.PathLike, *, size: int | None = None) -> Image.Image:
    """Opens an image of any mode as upright 8-bit RGB.

    The camera's rotation (EXIF) is applied, transparent pixels become black like the dataset's
    background, and 16-bit grey is scaled to 8 bits.

    Args:
        path: an image file.
        size: lets a JPEG be decoded at a smaller scale, with at least `size` pixels a side. That
            is about twice as fast for a 400-pixel JPEG. Pixels differ slightly from those of a full
            decode, so training and prediction must both use it.

    Returns:
        An RGB image; `size` does not resize it.

    Raises:
        OSError: if the file cannot be read as an image. Pillow may raise other errors, too.
    """
    with Image.open(path) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise Image.DecompressionBombError(
                f"{image.width}x{image.height} pixels, more than {_MOST_PIXELS:,}"
            )
        if size is not None:
            image.draft("RGB", (size, size))
        return upright_rgb(image)


def upright_rgb(image: Image.Image) -> Image.Image:
    """Turns an open image of any mode into upright RGB, as `open_rgb` does.

    Of an animation it takes the first frame.
    """
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16-bit grey; convert() would clip at 255
        upright = Image.fromarray((np.asarray(upright) >> 8).clip(0, 255).astype(np.uint8))
    if upright.has_transparency_data:
        black = Image.new("RGBA", upright.size, (0, 0, 0, 255))
        upright = Image.alpha_composite(black, upright.convert("RGBA"))
    return upright.convert("RGB")


# --- the stand-in -------------------------------------------------------------------------------


def unpack_stand_in() -> Path:
    """Unpacks the rendered hands into the user's cache directory, once, and returns the folder.

    The folder appears whole or not at all, even if two processes unpack at the same time.

    Raises:
        DatasetError: if the archive is missing or damaged.
        OSError: if it cannot be unpacked. Nothing half-written stays.
    """
    files = (ARCHIVE, _checksum(ARCHIVE))
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise DatasetError(f"expected the rendered images, found no {', '.join(missing)}")
    expected = _checksum(ARCHIVE).read_text().strip()
    folder = user_cache_path("asl-recognition") / f"rendered-signers-{expected[:12]}"
    if folder.is_dir():
        return folder
    archive = ARCHIVE.read_bytes()
    digest = hashlib.sha256(archive).hexdigest()
    if digest != expected:
        raise DatasetError(
            f"expected the rendered images in '{ARCHIVE}' with SHA-256 {expected[:12]}…, found "
            f"{digest[:12]}… in {len(archive):,} bytes: fetch the file again"
        )
    with written_whole(folder, replace=False) as draft:
        zipfile.ZipFile(io.BytesIO(archive)).extractall(draft)
    return folder


def pack_stand_in(folder: str | os.PathLike) -> int:
    """Packs a folder of rendered hands into the archive that ships; returns its size in bytes."""
    folder = Path(folder)
    with (
        written_whole(ARCHIVE) as draft,
        zipfile.ZipFile(draft, "w") as packed,  # not compressed: JPEGs do not get smaller
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            packed.writestr(zipfile.ZipInfo(name, _LONG_AGO), path.read_bytes())
    data = ARCHIVE.read_bytes()
    write_text(_checksum(ARCHIVE), hashlib.sha256(data).hexdigest() + "\n")
    return len(data)


def _checksum(archive: Path) -> Path:
    return archive.with_suffix(".sha256")
