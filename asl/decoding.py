"""From an image file to numbers: which formats are read, upright RGB, many files, normalising."""

import contextlib
import math
import os
import reprlib
import stat
import threading
import unicodedata
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import numpy as np
import torch
from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError
from torch import Tensor

from asl.files import progress_bar
from asl.picture_bounds import BoundedFile, bound_end, check_bounds

Name = TypeVar("Name", str, Path)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

IMAGE_SUFFIXES = tuple(
    [".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"]
)

# Pillow reads some forty formats, whatever a file's name says. Some of them start other programs.
_FORMATS = ("PNG", "WEBP", "BMP", "TIFF", "AVIF", "GIF")  # JPEGs are opened apart
_MAY_TURN = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif", "transparency"}
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

_KEPT, _KEPT_WITH_SIZE = 12.5e6, 4e6  # pixels that `open_rgb` returns without and with `size`
_BIG = 4e6  # pictures of more pixels than this are decoded one at a time
_THREADS = 8  # at most, each with pictures up to that
_READ_WHOLE = 1 << 20  # bytes of a file
_one_big_picture = threading.Lock()


def shown(name: object) -> str:
    """Returns a name or a reason for people to read: what a terminal would obey is escaped."""
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else ascii(c)[1:-1]
        for c in str(name)
    )


def brief(value: object) -> str:
    """Returns a value from a file for a message: not long, however deep, and escaped."""
    return shown(reprlib.repr(value))


def open_rgb(path: str | os.PathLike | BinaryIO, *, size: int | None = None) -> Image.Image:
    """Opens an image of any mode as upright 8-bit RGB.

    The camera's rotation (EXIF) is applied, transparent pixels become black like the dataset's
    background, and 16-bit grey is scaled to 8 bits. HEIC, which iPhones write, is read where the
    package ``pillow-heif`` is installed.

    A file takes at most about 300 MB of memory. Large pictures are decoded one at a time.

    Args:
        path: a PNG, JPEG, WebP, BMP, TIFF, AVIF, GIF or HEIC file, or one open in binary mode.
        size: lets a JPEG be decoded at a smaller scale, with at least `size` pixels a side. That
            is about twice as fast for a 400-pixel JPEG. Pixels differ slightly from those of a full
            decode, so training and prediction must both use it. A picture of more than 4 megapixels
            is shrunk, too. None decodes in full, but returns more than 12.5 megapixels at a half, a
            third and so on of the sides.

    Returns:
        An RGB image; `size` does not resize it.

    Raises:
        OSError: if the file cannot be read as an image, is more than 100 times as long as wide, or
            is a JPEG of more than 100 scans.
        PIL.Image.DecompressionBombError: if there are too many pixels to decode: more than 60
            megapixels, 250 for JPEG, 30 for TIFF, 25 for AVIF or 20 where it is transparent, and 16
            for WebP. HEIC may have 50 in the way that phones write it (8 bits a sample, colours at
            half the sides), otherwise 25: it cannot be decoded at a smaller scale, as JPEG can. Or
            if there are too many bytes: more than 250 MB, 36 for WebP and AVIF, 12 for HEIC, or 8
            that are no pixels.
    """
    if isinstance(path, str | os.PathLike):
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
            raise OSError("expected a file, found a folder or a device")
        with open(path, "rb") as file:
            # A decoder reads in small pieces, which takes longer from a file than from memory.
            small = found.st_size <= _READ_WHOLE
            return open_rgb(BytesIO(file.read(found.st_size)) if small else file, size=size)
    try:
        image = _open(path)
        kept = check_bounds(image, path)
        bound_end(image)
        if isinstance(bounded := getattr(image, "fp", None), BoundedFile):
            bounded.read_pixels()
        if image.format == "JPEG":
            scale = 2 ** math.ceil(math.log2(_factor(image, None)))
            sides = (image.width // scale, image.height // scale) if size is None else (size, size)
            image.draft("RGB", sides)
        big = max(kept, image.width * image.height) > _BIG
        with _one_big_picture if big else contextlib.nullcontext():
            return upright_rgb(_loaded(image, size, path))
    except (OSError, Image.DecompressionBombError):
        raise
    except Exception as error:  # a damaged file can make a decoder raise nearly anything
        raise UnidentifiedImageError(f"a damaged picture: {error}") from error


def _open(file: BinaryIO) -> Image.Image:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(12)
    file.seek(0)
    if size > _READ_WHOLE:
        file = cast(BinaryIO, BoundedFile(file, start, size))
    try:
        if start.startswith(b"\xff\xd8"):
            # Image.open refuses a phone's 200 megapixels before it is told to decode an eighth.
            return JpegImagePlugin.JpegImageFile(file)
        heif = start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS
        extra = ("HEIF",) if heif and _reads_heif() else ()
        return Image.open(file, formats=_FORMATS + extra)
    except (UnidentifiedImageError, SyntaxError) as error:
        if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS and not _reads_heif():
            raise UnidentifiedImageError(
                "a HEIC picture, which needs one more package: pip install pillow-heif. "
                "Or save the picture as JPEG"
            ) from None
        raise UnidentifiedImageError(
            "not a PNG, JPEG, WebP, BMP, TIFF, AVIF, GIF or HEIC image"
        ) from error


def _factor(image: Image.Image, size: int | None) -> int:
    """Returns by how much to shrink an image, so that few pixels stay, but `size` a side."""
    needed = math.sqrt(image.width * image.height / (_KEPT if size is None else _KEPT_WITH_SIZE))
    return max(1, min(math.ceil(needed), min(image.size) // (size or 1)))


def _loaded(image: Image.Image, size: int | None, file: BinaryIO) -> Image.Image:
    """Decodes an image from a file; of a large one it keeps some pixels only."""
    if image.format == "HEIF" and image.mode == "RGB" and (factor := _factor(image, size)) > 1:
        import pillow_heif  # which has opened the image

        found = pillow_heif.open_heif(file)  # upright; Pillow would copy all pixels
        pixels = np.asarray(found[found.primary_index])
        return Image.fromarray(pixels[factor // 2 :: factor, factor // 2 :: factor].copy())
    image.load()
    factor = _factor(image, size)
    if factor == 1:
        return image
    # The nearest pixel is the only way that takes no copy of the whole.
    sides = (image.width // factor, image.height // factor)
    small = image.resize(sides, Image.Resampling.NEAREST)
    # Whoever opened the image still holds it: without this, all its pixels would stay in memory
    # while the small one is copied.
    image.im = Image.new(image.mode, (1, 1)).im
    return small


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
    if image.format == "JPEG" and image.mode == "RGB" and not _MAY_TURN & image.info.keys():
        return image.copy()  # as nearly all are; the steps below would copy it twice
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16-bit grey; convert() would clip at 255
        upright = Image.fromarray((np.asarray(upright) >> 8).clip(0, 255).astype(np.uint8))
    if upright.has_transparency_data:
        black = Image.new("RGBA", upright.size, (0, 0, 0, 255))
        upright = Image.alpha_composite(black, upright.convert("RGBA"))
    return upright.convert("RGB")


def decode_all(
    files: Sequence[Name], size: int, *, progress: bool = True
) -> tuple[Tensor, dict[Name, str]]:
    """Decodes images into one tensor.

    Args:
        size: side S of the square that each image is resized to, in pixels.
        progress: show a bar.

    Returns:
        images: uint8 (number of readable files, 3, S, S), in the order of the files
        unreadable: path → reason
    """
    images = torch.empty((len(files), 3, size, size), dtype=torch.uint8)
    pixels = images.numpy()  # copying into it wakes none of torch's threads, which would then spin
    count = 0

    def keep(some: np.ndarray) -> None:
        nonlocal count
        pixels[count : count + len(some)] = some
        count += len(some)

    unreadable = decode_each(files, size, keep, progress=progress)
    return images[:count].clone() if unreadable else images, unreadable


def decode_each(
    files: Sequence[Name],
    size: int,
    keep: Callable[[np.ndarray], object],
    *,
    progress: bool = True,
) -> dict[Name, str]:
    """Decodes images in threads, which works since Pillow releases Python's lock.

    Few images are in memory at a time.

    Args:
        files, size, progress: as in `decode_all`.
        keep: called with a few readable images at a time, uint8 (n, 3, S, S), in the order of the
            files.

    Returns:
        unreadable: path → reason
    """
    with warnings.catch_warnings(), ThreadPoolExecutor(decoding_threads()) as threads:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        reasons = _reasons(files, size, keep, threads)
        bar = progress_bar(reasons, "Decoding images", len(files)) if progress else reasons
        return {file: why for file, why in zip(files, bar, strict=True) if why is not None}


def _reasons(
    files: Sequence[Name],
    size: int,
    keep: Callable[[np.ndarray], object],
    threads: ThreadPoolExecutor,
) -> Iterator[str | None]:
    """Yields why each file cannot be read, or None, and hands on the images of the others."""
    # To hand over each file by itself takes time; too many large images take memory.
    together = max(1, min(16, 2_000_000 // (3 * size**2)))
    waiting: deque[Future] = deque()
    starts = deque(range(0, len(files), together))
    while waiting or starts:
        while starts and len(waiting) < 2 * decoding_threads():
            some = files[(start := starts.popleft()) : start + together]
            waiting.append(threads.submit(_decode_some, some, size))
        images, reasons = waiting.popleft().result()
        keep(images)
        yield from reasons


def _decode_some(files: Sequence[Name], size: int) -> tuple[np.ndarray, list[str | None]]:
    """Returns the images that can be read, uint8 (n, 3, S, S), and why each of the files cannot."""
    decoded = [_decode(file, size) for file in files]
    pixels = b"".join(found for found in decoded if isinstance(found, bytes))
    images = np.frombuffer(pixels, np.uint8).reshape(-1, size, size, 3).transpose(0, 3, 1, 2)
    reasons = [found if isinstance(found, str) else None for found in decoded]
    return images.copy(), reasons


def _decode(path: str | Path, size: int) -> bytes | str:
    """Returns the pixels of a file, or why it cannot be read."""
    try:
        image = open_rgb(path, size=size)
        return image.resize((size, size), Image.Resampling.BILINEAR).tobytes()
    except Exception as error:  # a damaged file can make a decoder raise nearly anything
        with contextlib.suppress(OSError):  # it may be gone
            if not os.stat(path).st_size:
                return "empty file"
        return shown(f"{type(error).__name__}: {error}")


def decoding_threads() -> int:
    """Returns how many pictures are decoded at a time."""
    return min(_THREADS, os.cpu_count() or 1)


# --- from pixels to numbers -----------------------------------------------------------------------


def normalize(images: Tensor) -> Tensor:
    """Turns images (..., 3, H, W) into float with the ImageNet mean and deviation.

    Args:
        images: uint8, or float from 0 to 255. They stay as they are.
    """
    mean, std = (_per_channel(values, images) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return images.to(torch.float32, copy=True).sub_(255 * mean).div_(255 * std)


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
    # Made by operations: `torch.cond` cannot be exported with a tensor that holds a list.
    numbers = torch.stack([torch.full((), value, device=images.device) for value in values])
    if images.is_contiguous(memory_format=torch.channels_last):
        # A whole row of numbers in the order of memory is four times as fast as three.
        return numbers.expand(images.shape[-1], 3).contiguous().t().unsqueeze(1)
    return numbers.view(3, 1, 1)
