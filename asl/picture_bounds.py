"""How large a picture may be, so that one file takes at most about 300 MB of memory and seconds.

Pictures are not trusted: a few bytes may decode to anything.
"""

import os
import re
from typing import Any, BinaryIO, cast

from PIL import Image, JpegImagePlugin

# The most megapixels by format, since some decoders keep several copies.
_MOST_MEGAPIXELS = {
    "JPEG": 250,
    "PNG": 60,
    "BMP": 60,
    "GIF": 60,
    "TIFF": 30,
    "AVIF": 25,
    "HEIF": 25,
}
_MOST_OF_OTHERS = 16  # WebP
_MOST_OF_TRANSPARENT_AVIF = 20  # whose transparency is a picture of its own
# HEIC cannot be decoded at a smaller scale. A phone's 48 megapixels took 270 MB: 8 bits a sample,
# colours at half the sides. As many of 10 bits took 390 MB, as many with all colours 460.
_MOST_OF_A_PHONE = 50
_MOST_OF_DEEP_HEIC = 18  # more than 8 bits, all colours: 25 megapixels took 394 MB
_MOST_COEFFICIENTS = 120e6  # in a JPEG of several scans, which libjpeg keeps all
_MOST_SCANS = 100  # of a JPEG; an ordinary progressive one has about ten
_MOST_SCANNED = 2e9  # coefficients times scans, which is what takes the time
_MOST_BYTES = 200e6  # of a JPEG's file, which is searched for scans
_LONGEST = 100  # times as long as wide
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")


def check_bounds(image: Image.Image, file: BinaryIO) -> float:
    """Refuses what takes too much to decode, and returns the coefficients that libjpeg will keep.

    They are none but for JPEGs of several scans.

    Args:
        image: open, but not decoded yet.
        file: that it was opened from.

    Raises:
        OSError: if the picture is too long and thin, or a JPEG of too many scans or bytes.
        PIL.Image.DecompressionBombError: if there are too many pixels, or of too many scans.
    """
    width, height = image.size
    if max(width, height) > _LONGEST * min(width, height):
        raise OSError(f"{width}x{height} pixels, more than {_LONGEST} times as long as wide")
    most = _MOST_MEGAPIXELS.get(image.format or "", _MOST_OF_OTHERS)
    if image.format == "AVIF" and image.mode == "RGBA":
        most = _MOST_OF_TRANSPARENT_AVIF
    if image.format == "HEIF":
        most = _most_of_heic(image)
    scans = 1
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        place = file.tell()
        scans = count_scans(file)
        file.seek(place)
    if width * height > most * 1e6:
        raise Image.DecompressionBombError(
            f"{width}x{height} pixels, more than {most} megapixels: save it smaller, or as JPEG"
        )
    if scans == 1:
        return 0
    if scans > _MOST_SCANS:
        raise OSError(f"a JPEG of more than {_MOST_SCANS} scans")
    layers = cast(Any, image).layer  # (name, samples across, samples down, table) of each
    samples = [across * down for _, across, down, _ in layers]
    kept = width * height * sum(samples) / max(samples)
    if kept > _MOST_COEFFICIENTS or kept * scans > _MOST_SCANNED:
        raise Image.DecompressionBombError(
            f"{width}x{height} pixels in {scans} scans, too many: save it as a baseline JPEG"
        )
    return kept


def count_scans(file: BinaryIO) -> int:
    """Counts the scans of a JPEG, up to one more than are read."""
    if file.seek(0, os.SEEK_END) > _MOST_BYTES:
        raise OSError(f"a JPEG of more than {_MOST_BYTES / 1e6:.0f} MB")
    file.seek(0)
    content = file.read()
    scans, place = 0, 2
    while scans <= _MOST_SCANS and (marker := _JPEG_MARKER.search(content, place)):
        if marker[1] == b"\xd9":  # the end; phones put films behind it
            break
        scans += marker[1] == b"\xda"
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2])
    return scans


def _most_of_heic(image: Image.Image) -> int:
    """Returns the most megapixels of a HEIC picture, by what its decoder must keep."""
    plain = image.mode == "RGB" and image.info.get("chroma") == 420
    if image.info.get("bit_depth") == 8:
        return _MOST_OF_A_PHONE if plain else _MOST_MEGAPIXELS["HEIF"]
    return _MOST_MEGAPIXELS["HEIF"] if plain else _MOST_OF_DEEP_HEIC
