"""From an image file to numbers: which formats are read, upright RGB, many files, normalising."""

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError
from torch import Tensor

from asl.files import progress_bar

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

IMAGE_SUFFIXES = tuple(
    [".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"]
)

# Pillow reads some forty formats, whatever a file's name says. Some of them start other programs.
_FORMATS = ("PNG", "WEBP", "BMP", "TIFF", "AVIF", "GIF")  # JPEGs are opened apart
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_MOST_PIXELS = 89_478_485  # where Pillow begins to warn of a decompression bomb


def open_rgb(path: str | os.PathLike | BinaryIO, *, size: int | None = None) -> Image.Image:
    """Opens an image of any mode as upright 8-bit RGB.

    The camera's rotation (EXIF) is applied, transparent pixels become black like the dataset's
    background, and 16-bit grey is scaled to 8 bits. HEIC, which iPhones write, is read where the
    package ``pillow-heif`` is installed.

    Args:
        path: a PNG, JPEG, WebP, BMP, TIFF, AVIF, GIF or HEIC file, whatever its name; or one that
            is open in binary mode.
        size: lets a JPEG be decoded at a smaller scale, with at least `size` pixels a side. That
            is about twice as fast for a 400-pixel JPEG. Pixels differ slightly from those of a full
            decode, so training and prediction must both use it. None decodes in full, except that
            a JPEG of more than 89 megapixels is decoded at an eighth of its sides.

    Returns:
        An RGB image; `size` does not resize it.

    Raises:
        OSError: if the file cannot be read as an image. Pillow may raise other errors, too.
        PIL.Image.DecompressionBombError: if more than 89 megapixels are left to decode.
    """
    with _open(path) as image:
        if size is not None:
            image.draft("RGB", (size, size))
        elif image.width * image.height > _MOST_PIXELS:
            image.draft("RGB", (image.width // 8, image.height // 8))
        if image.width * image.height > _MOST_PIXELS:
            raise Image.DecompressionBombError(
                f"{image.width}x{image.height} pixels, more than {_MOST_PIXELS:,}"
            )
        return upright_rgb(image)


def _open(path: str | os.PathLike | BinaryIO) -> Image.Image:
    if isinstance(path, str | os.PathLike):
        with open(path, "rb") as file:
            start = file.read(12)
    else:
        start = path.read(12)
        path.seek(0)
    try:
        if start.startswith(b"\xff\xd8"):
            # Image.open refuses a phone's 200 megapixels before it is told to decode an eighth.
            return JpegImagePlugin.JpegImageFile(path)
        heif = start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS
        extra = ("HEIF",) if heif and _reads_heif() else ()
        return Image.open(path, formats=_FORMATS + extra)
    except (UnidentifiedImageError, SyntaxError) as error:
        if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS and not _reads_heif():
            raise UnidentifiedImageError(
                "a HEIC picture, which needs one more package: pip install pillow-heif. "
                "Or save the picture as JPEG"
            ) from None
        raise UnidentifiedImageError(
            "no PNG, JPEG, WebP, BMP, TIFF, AVIF, GIF or HEIC image"
        ) from error


@cache
def _reads_heif() -> bool:
    if find_spec("pillow_heif") is None:
        return False
    import pillow_heif  # installed by those who need it

    pillow_heif.register_heif_opener()
    return True


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


def decode_all(
    files: Sequence[Path], size: int, *, progress: bool = True
) -> tuple[Tensor, dict[Path, str]]:
    """Decodes images in threads, which works since Pillow releases Python's lock.

    Args:
        files: what to decode.
        size: side S of the square that each image is resized to, in pixels.
        progress: show a bar.

    Returns:
        images: uint8 (number of readable files, 3, S, S), in the order of the files
        unreadable: path → reason
    """
    unreadable: dict[Path, str] = {}
    images = np.empty((len(files), size, size, 3), np.uint8)
    count = 0
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as threads:
        # `open_rgb` refuses what Pillow only warns of.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        decoded = threads.map(partial(_decode, size=size), files)
        bar = progress_bar(decoded, "Decoding images", len(files)) if progress else decoded
        for path, result in zip(files, bar, strict=True):
            if isinstance(result, str):
                unreadable[path] = result
            else:
                images[count] = result
                count += 1
    return torch.from_numpy(images[:count]).permute(0, 3, 1, 2).contiguous(), unreadable


def _decode(path: Path, size: int) -> np.ndarray | str:
    try:
        image = open_rgb(path, size=size)
        return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    except Exception as error:  # a damaged file can make a decoder raise nearly anything
        return f"{type(error).__name__}: {error}" if path.stat().st_size else "empty file"


# --- from pixels to numbers -----------------------------------------------------------------------


def normalize(images: Tensor) -> Tensor:
    """Turns uint8 images (..., 3, H, W) into float with the ImageNet mean and deviation."""
    mean, std = (_per_channel(values, images) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return images.float().sub_(255 * mean).div_(255 * std)


def standard_input(image: Image.Image, size: int) -> Tensor:
    """Returns an upright RGB image as models read it: resized and normalised, float (3, S, S)."""
    pixels = np.array(image.resize((size, size), Image.Resampling.BILINEAR))
    return normalize(torch.from_numpy(pixels).permute(2, 0, 1))


def denormalize(images: Tensor) -> Tensor:
    """Turns normalised images (..., 3, H, W) back into float from 0 to 1, for display."""
    mean, std = (_per_channel(values, images) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images * std).add_(mean).clamp_(0, 1)


def _per_channel(values: Sequence[float], images: Tensor) -> Tensor:
    """Returns one number for each channel, shaped to spread over images (..., 3, H, W)."""
    numbers = torch.tensor(values, device=images.device)
    if images.is_contiguous(memory_format=torch.channels_last):
        # A whole row of numbers, in the same order in memory, is four times as fast as three.
        return numbers.expand(images.shape[-1], 3).contiguous().t().unsqueeze(1)
    return numbers.view(3, 1, 1)
